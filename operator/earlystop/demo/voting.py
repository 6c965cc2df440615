"""Early-stopping self-consistency: sample in windows, stop at the first unanimous one, then vote.

Source: Li et al. 2024, "Escape Sky-high Cost: Early-stopping Self-Consistency" (arXiv:2401.10480).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MAXIMUM_WINDOW = 40
_ANSWER = re.compile(r"answer is[:\s]*['\"]?([a-z]+)")


@dataclass(frozen=True, slots=True)
class SampledAnswer:
    """One generation: the answer that it states (None: it states none) and its length in words."""

    answer: str | None
    words: int


@dataclass(frozen=True, slots=True)
class Vote:
    """What the samples agreed on.

    answer: the winner, None when no used sample states an answer;
    samples, words: how many samples were used, and all their words, which are the output tokens.
    """

    answer: str | None
    samples: int
    words: int


def read_sample(text: str) -> SampledAnswer:
    """The last "answer is X" of a generation, in lower case, and its whitespace-separated words."""
    stated: list[str] = _ANSWER.findall(text.lower())
    return SampledAnswer(stated[-1] if stated else None, len(text.split()))


def vote(samples: Sequence[SampledAnswer], window: int) -> Vote:
    """Uses consecutive windows up to the first unanimous one, else all samples; then the majority wins.

    samples: in the order of generation; window: samples drawn at a time, 1..MAXIMUM_WINDOW.
    A window with a sample that states no answer is never unanimous, but such samples do not vote.
    The answer seen first wins a tie. Raises ValueError for a window outside its range.
    """
    if not 1 <= window <= MAXIMUM_WINDOW:
        raise ValueError(f"the window is {window}; write a whole number from 1 to {MAXIMUM_WINDOW}")
    used = samples[: _stop(samples, window)]
    # most_common keeps the order of insertion among equals, so the first seen wins a tie.
    ballots = Counter(sample.answer for sample in used if sample.answer is not None).most_common(1)
    return Vote(ballots[0][0] if ballots else None, len(used), sum(sample.words for sample in used))


def _stop(samples: Sequence[SampledAnswer], window: int) -> int:
    """The number of samples generated before the stop."""
    for start in range(0, len(samples), window):
        answers = {sample.answer for sample in samples[start : start + window]}
        if len(answers) == 1 and None not in answers:
            return min(start + window, len(samples))
    return len(samples)
