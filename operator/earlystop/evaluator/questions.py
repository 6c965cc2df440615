"""Golden questions: JSON Lines with `question`, `answers` (every accepted text), and maybe `query_class`, `scoring`,
`group` and `body`, the fields of its request besides, such as tools or reasoning_effort; no other key.

`group` is the same text for questions that are not independent of each other, such as one in several wordings: they
are one draw of the population, so one of them, by chance, is asked in a campaign.

`scoring` is how the answers to this question are compared, as in {"scoring": "choice"}; see `Scoring.named`. A line
with `scoring` alone says so for the lines after it in the same file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from earlystop.api.json_once import object_once
from earlystop.evaluator.scoring import Scoring

DEFAULT_CLASS = "default"
MAX_CLASSES = 16
_MAX_ERRORS = 10
_LONGEST_SHOWN = 80
_KEYS = ("question", "answers", "query_class", "scoring", "group", "body")
_WORD = re.compile(r"[A-Za-z0-9._+-]{1,64}")


class GoldenError(ValueError):
    """Golden questions that cannot be used. The message names each line that is wrong (the first ten) and why."""


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """One question. answers: accepted texts, at least one; query_class: a label value; scoring: its own, if any;
    body: fields of its request besides, as a JSON object, "" for none; group: of the questions that are one draw, ""
    for one that stands for itself."""

    question: str
    answers: tuple[str, ...]
    query_class: str = DEFAULT_CLASS
    scoring: Scoring | None = None
    body: str = ""
    group: str = ""


def load_golden(path: Path, scoring: Scoring) -> tuple[GoldenQuestion, ...]:
    """The questions of a file, or of all files of a directory, such as a mounted ConfigMap with several keys.

    Raises GoldenError, or OSError.
    """
    return parse_golden([(str(file), _lines(file)) for file in _files(path)], str(path), scoring)


def _files(path: Path) -> list[Path]:
    """The files in the order of their names, without hidden ones: Kubernetes keeps the same keys again below
    `..data`."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _lines(file: Path) -> list[str]:
    try:
        # Not splitlines(): a question may hold U+2028, which JSON allows inside a string.
        return file.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise GoldenError(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def parse_golden(
    sources: Iterable[tuple[str, Iterable[str]]], name: str, scoring: Scoring
) -> tuple[GoldenQuestion, ...]:
    """One question a line; blank lines are ignored. sources: the name of each, for messages, and its lines.

    Raises GoldenError when any line is wrong: a set that shrank would measure something else.
    """
    first_place: dict[str, tuple[str, str]] = {}  # and the body there
    questions: list[GoldenQuestion] = []
    wrong: list[str] = []
    for source, lines in sources:
        of_file: Scoring | None = None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{source}, line {number}"
            try:
                row = _object(line)
                if row.keys() == {"scoring"}:
                    of_file = _scoring(row, None)
                    continue
                question = _parse(row, scoring, of_file)
                earlier, its_body = first_place.setdefault(question.question, (place, question.body))
                if earlier != place:
                    raise GoldenError(_repeated(earlier, its_body == question.body))
            except GoldenError as error:
                wrong.append(f"{place}: {error}")
                continue
            questions.append(question)
    classes = {question.query_class for question in questions}
    if len(classes) > MAX_CLASSES:
        wrong.append(f"{name}: {len(classes)} query classes; use at most {MAX_CLASSES}, each is a set of series")
    if not questions and not wrong:
        wrong.append(f"{name}: no questions; write one JSON object a line")
    if wrong:
        more = [f"and {len(wrong) - _MAX_ERRORS} more lines"] if len(wrong) > _MAX_ERRORS else []
        raise GoldenError("\n".join(wrong[:_MAX_ERRORS] + more))
    return tuple(questions)


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise GoldenError(
            'half a character, such as "\\ud83d" alone, which no request can carry; write both halves, or the '
            "character itself"
        ) from None
    except GoldenError:
        raise
    except (ValueError, RecursionError) as error:
        raise GoldenError(f"not JSON ({error}); write one JSON object a line") from None
    if not isinstance(row, dict):
        raise GoldenError(f"a {type(row).__name__} instead of a JSON object")
    for key in row:
        if key not in _KEYS:
            raise GoldenError(_unknown(key, [each for each in _KEYS if each not in row]))
    return row


def _no_number(name: str) -> float:
    """Raises GoldenError: Python reads NaN and Infinity, JSON has neither, and a server refuses the request."""
    raise GoldenError(f"{name} is no number of JSON; write a number or null")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """As `object_once`. Raises GoldenError, whose message is told as it is."""
    try:
        return object_once(pairs)
    except ValueError as error:
        raise GoldenError(str(error)) from None


def _repeated(earlier: str, same_body: bool) -> str:
    """Why a question that stands before cannot stand again; its body does not make it another piece of evidence."""
    if same_body:
        return f"'question' repeats that of {earlier}; keep one of them"
    return (
        f"'question' repeats that of {earlier} with another 'body', and answers to one question are no independent "
        "evidence; keep one of them, or write a file for each body, such as one for each effort"
    )


def _unknown(key: str, missing: list[str]) -> str:
    """Which of the keys that a line lacks was probably meant by one that is none.

    A key that is ignored would change in silence what is asked, or how it is scored.
    """
    close = get_close_matches(key.lower(), missing, n=1)
    meant = f"perhaps {close[0]} is meant" if close else f"remove it, there are {', '.join(_KEYS)}"
    return f"{key[:_LONGEST_SHOWN]!r} is no key of a golden question; {meant}"


def _scoring(row: dict[str, Any], otherwise: Scoring | None) -> Scoring | None:
    if "scoring" not in row:
        return otherwise
    if not isinstance(row["scoring"], str):
        raise GoldenError("'scoring' must be a text, such as \"number\"")
    try:
        return Scoring.named(row["scoring"])
    except ValueError as error:
        raise GoldenError(f"'scoring': {error}") from None


def _parse(row: dict[str, Any], scoring: Scoring, of_file: Scoring | None) -> GoldenQuestion:
    question = row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise GoldenError("'question' must be a text that is not empty")
    query_class = row.get("query_class", DEFAULT_CLASS)
    if not isinstance(query_class, str) or not _WORD.fullmatch(query_class):
        raise GoldenError("'query_class' must be 1 to 64 of the characters A-Z a-z 0-9 . _ + -")
    own = _scoring(row, of_file)
    group = row.get("group", "")
    if not isinstance(group, str) or ("group" in row and not group.strip()):
        raise GoldenError("'group' must be a text that is not empty, the same for all wordings of a question")
    answers = _answers(row, own or scoring)
    return GoldenQuestion(question.strip(), answers, query_class, own, _body(row), group.strip())


def _body(row: dict[str, Any]) -> str:
    body = row.get("body", {})
    if not isinstance(body, dict):
        raise GoldenError('\'body\' must be an object of fields of the request, such as {"reasoning_effort": "low"}')
    ours = [name for name in ("model", "messages", "stream", "stream_options", "n") if name in body]
    if ours:
        raise GoldenError(f"'body' holds {ours[0]!r}, which the evaluator writes itself; remove it")
    return json.dumps(body, sort_keys=True) if body else ""


def _answers(row: dict[str, Any], scoring: Scoring) -> tuple[str, ...]:
    answers = row.get("answers")
    if not isinstance(answers, list) or not answers or not all(isinstance(text, str) for text in answers):
        raise GoldenError("'answers' must be a list of at least one text, such as [\"42\"]")
    for text in answers:
        if not scoring.accepts(text):
            raise GoldenError(f"'answers' holds {text[:80]!r}, which no answer can match when scored by {scoring.mode}")
    return tuple(answers)
