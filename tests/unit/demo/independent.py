"""What a file of recordings must be counted as at each window, worked out with none of the project's code.

The rule (Li et al. 2024, arXiv:2401.10480): samples are drawn a window at a time until all of one window state the same
answer; the most frequent answer wins, of equals the first; the tokens are the words of all samples drawn.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

from earlystop.demo.recordings import BUILTIN, BUILTIN_FILE

FIELDS = ("started", "completed", "match", "mismatch", "tokens", "tokens_squared", "empty")


def rows_of(source: str) -> list[tuple[list[str], list[tuple[str, int]]]]:
    """For each question the accepted answers, and the stated answer ("" for none) and words of each sample."""
    shipped = resources.files("earlystop.demo").joinpath(BUILTIN_FILE)
    text = shipped.read_text("utf-8") if source == BUILTIN else Path(source).read_text("utf-8")
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        row = json.loads(line)
        gold = [row["answer"]] if isinstance(row["answer"], str) else row["answer"]
        texts = row["generated_answer"] if "texts" not in row else [row["texts"][index] for index in row["samples"]]
        found.append((gold, [stated(text) for text in texts]))
    return found


def stated(text: str) -> tuple[str, int]:
    """The letters after the last "answer is", and how many words the text has."""
    answer = ""
    for found in re.finditer(r"answer is(?P<between>[:\s]*)(?P<quote>['\"]?)(?P<letters>[a-z]+)", text.lower()):
        answer = found.group("letters")
    return answer, len(re.findall(r"\S+", text))


def squad(text: str) -> str:
    """SQuAD's normalised answer: lower case, no punctuation, no articles, single spaces."""
    letters = "".join(letter for letter in text.lower() if letter not in r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")
    return " ".join(word for word in letters.split() if word not in ("a", "an", "the"))


def counts_at(rows: list[tuple[list[str], list[tuple[str, int]]]], window: int) -> dict[str, int]:
    """The counts of asking every question once."""
    sums = dict.fromkeys(FIELDS, 0)
    for gold, samples in rows:
        drawn: list[tuple[str, int]] = []
        while len(drawn) < len(samples):
            latest = samples[len(drawn) : len(drawn) + window]
            drawn += latest
            if latest[0][0] and all(answer == latest[0][0] for answer, _ in latest):
                break
        ballots = [answer for answer, _ in drawn if answer]
        winner = max(dict.fromkeys(ballots), key=ballots.count, default="")
        right = bool(winner) and squad(winner) in [squad(text) for text in gold]
        words = sum(count for _, count in drawn)
        for field, count in zip(FIELDS, (1, 1, right, not right, words, words * words, not words), strict=True):
            sums[field] += count
    return sums
