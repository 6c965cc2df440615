"""Early-stopping self-consistency: sample in windows, stop at the first one that agrees, then vote.

Source: Li et al. 2024, "Escape Sky-high Cost: Early-stopping Self-Consistency" (arXiv:2401.10480), where a window must
be unanimous. Here a smaller share of it may be enough, but not before some samples are drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAXIMUM_WINDOW = 40
MAXIMUM_SAMPLES = 40
"""That a rule may ask for before it stops."""
ROUNDING = 1e-9
"""Samples: 0.6 of 5 are 3, whatever floats make of it."""
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


class StopRule(NamedTuple):
    """When sampling stops: after the first window in which so many agree, once so many samples are drawn.

    window: samples drawn at a time, 1..MAXIMUM_WINDOW. agreement: share of a window that states the same answer, above
    0 and at most 1. least_samples: that are drawn at least, 1..MAXIMUM_SAMPLES.
    """

    window: int = MAXIMUM_WINDOW
    agreement: float = 1.0
    least_samples: int = 1


def read_sample(text: str) -> SampledAnswer:
    """The last "answer is X" of a generation, in lower case, and its whitespace-separated words."""
    stated: list[str] = _ANSWER.findall(text.lower())
    return SampledAnswer(stated[-1] if stated else None, len(text.split()))


def vote(samples: Sequence[SampledAnswer], window: int, agreement: float = 1.0, least_samples: int = 1) -> Vote:
    """Uses consecutive windows up to the first that agrees, else all samples; then the majority wins.

    samples: in the order of generation; the others: as in `StopRule`. Samples that state no answer agree with none, and
    do not vote. The answer seen first wins a tie. Raises ValueError for a rule out of range.
    """
    if not 1 <= window <= MAXIMUM_WINDOW:
        raise ValueError(f"the window is {window}; write a whole number from 1 to {MAXIMUM_WINDOW}")
    if not 0 < agreement <= 1:
        raise ValueError(f"the agreement is {agreement}; write a share above 0 and at most 1, as in 0.8")
    if not 1 <= least_samples <= MAXIMUM_SAMPLES:
        raise ValueError(f"the least samples are {least_samples}; write a whole number from 1 to {MAXIMUM_SAMPLES}")
    used = samples[: _stop(samples, StopRule(window, agreement, least_samples))]
    ballots = _ballots(used)
    return Vote(ballots[0][0] if ballots else None, len(used), sum(sample.words for sample in used))


def _stop(samples: Sequence[SampledAnswer], rule: StopRule) -> int:
    """The number of samples generated before the stop."""
    for start in range(0, len(samples), rule.window):
        drawn = samples[start : start + rule.window]
        ballots = _ballots(drawn)
        agree = ballots[0][1] if ballots else 0
        if agree and agree >= rule.agreement * len(drawn) - ROUNDING and start + len(drawn) >= rule.least_samples:
            return start + len(drawn)
    return len(samples)


def _ballots(samples: Sequence[SampledAnswer]) -> list[tuple[str, int]]:
    """The most frequent answer with its votes, where any sample states one; of equals the one seen first."""
    # most_common keeps the order of insertion among equals.
    return Counter(sample.answer for sample in samples if sample.answer is not None).most_common(1)
