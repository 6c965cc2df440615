"""Answers that are made up, of whose qualities every window's are known: hardly a request is wasted on chance."""

from __future__ import annotations

import json
from pathlib import Path

QUESTIONS, SAMPLES = 200, 40
ALWAYS_WRONG, WRONG_AT_FIRST = 10, 20
"""Of the questions: 5 % are never answered rightly, and in 10 % the first sample alone is wrong. So the baseline and
all windows but the first have an Exact Match of 95 %, and window 1 one of 85 %."""


def write_answers(path: Path) -> Path:
    """Write the recordings into a file, and return it."""
    path.write_text("".join(f"{json.dumps(_recording(number))}\n" for number in range(QUESTIONS)))
    return path


def _recording(number: int) -> dict[str, object]:
    """One question. Answers take 20 to 27 words, so that tokens scatter within variants too."""
    words = " ".join(["so"] * (16 + number % 8))
    gold = "never" if number < ALWAYS_WRONG else "right"
    starts_wrong = ALWAYS_WRONG <= number < ALWAYS_WRONG + WRONG_AT_FIRST
    return {
        "question": f"What is the answer to question {number}?",
        "answer": gold,
        "texts": [f"{words} the answer is right", f"{words} the answer is wrong"],
        "samples": [int(starts_wrong), *[0] * (SAMPLES - 1)],
    }
