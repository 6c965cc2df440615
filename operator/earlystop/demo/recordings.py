"""Recorded generations: questions, their gold answers and what a model once said, read from JSONL.

Two forms of a line are understood; both have `question` (text) and `answer` (text, or a list of accepted texts):
- `generated_answer`: the texts of all samples in order of generation;
- `texts` and `samples`: the distinct texts, and for each sample the index of its text. It is much shorter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

BUILTIN = "builtin"
BUILTIN_FILE = "recordings.jsonl"


class RecordingError(ValueError):
    """A line of recordings that cannot be used; the message names the source, the line and the field."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One question. gold: accepted answers, at least one; samples: generated texts in order, at least one."""

    question: str
    gold: tuple[str, ...]
    samples: tuple[str, ...]


def load_recordings(source: str | Path = BUILTIN) -> tuple[Recording, ...]:
    """The recordings of a JSONL file, or of the set that comes with the package for `builtin`.

    Raises RecordingError for a line that cannot be used, and OSError for a file that cannot be read.
    """
    if str(source) == BUILTIN:
        shipped = resources.files(__package__).joinpath(BUILTIN_FILE)
        return parse_recordings(shipped.read_text("utf-8").split("\n"), BUILTIN_FILE)
    path = Path(source)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    # Not splitlines(): a generated text may hold U+2028, which JSON allows inside a string.
    return parse_recordings(text.split("\n"), str(path))


def parse_recordings(lines: Iterable[str], name: str) -> tuple[Recording, ...]:
    """Reads one recording a line and ignores blank lines. name: the source, for messages.

    Raises RecordingError for a malformed line, a question that stands twice, or no recording at all.
    """
    first_line: dict[str, int] = {}
    recordings: list[Recording] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        recording = _parse_line(line, f"{name}, line {number}")
        earlier = first_line.setdefault(recording.question, number)
        if earlier != number:
            raise RecordingError(
                f"{name}, line {number}: field 'question' repeats that of line {earlier}; keep one of them"
            )
        recordings.append(recording)
    if not recordings:
        raise RecordingError(f"{name}: no recordings; write one JSON object a line")
    return tuple(recordings)


def _parse_line(line: str, where: str) -> Recording:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{where}: not JSON ({error}); write one JSON object a line") from None
    if not isinstance(row, dict):
        raise RecordingError(f"{where}: a {type(row).__name__} instead of a JSON object")
    question = row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise RecordingError(f"{where}: field 'question' must be a text that is not empty")
    return Recording(question.strip(), _gold(row, where), _samples(row, where))


def _gold(row: dict[str, object], where: str) -> tuple[str, ...]:
    answer = row.get("answer")
    gold = [answer] if isinstance(answer, str) else answer
    if isinstance(gold, list) and gold and all(isinstance(text, str) and text.strip() for text in gold):
        return tuple(gold)
    raise RecordingError(f"{where}: field 'answer' must be a text or a list of texts, none of them empty")


def _samples(row: dict[str, object], where: str) -> tuple[str, ...]:
    if "texts" not in row:
        return _texts(row, "generated_answer", where)
    texts = _texts(row, "texts", where)
    indices = row.get("samples")
    if not isinstance(indices, list) or not indices:
        raise RecordingError(f"{where}: field 'samples' must be a list of indices into 'texts'")
    for index in indices:
        # bool is an int in Python; `true` as an index is a mistake all the same.
        if type(index) is not int or not 0 <= index < len(texts):
            raise RecordingError(
                f"{where}: field 'samples' holds {json.dumps(index)}; write indices from 0 to {len(texts) - 1}"
            )
    return tuple(texts[index] for index in indices)


def _texts(row: dict[str, object], field: str, where: str) -> tuple[str, ...]:
    """At least one generated text. A model may have said nothing at all, so an empty text is one too."""
    texts = row.get(field)
    if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
        return tuple(texts)
    raise RecordingError(f"{where}: field '{field}' must be a list of at least one text")
