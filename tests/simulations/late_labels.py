"""Campaigns whose answers are labelled late: by what an answer is and who gave it, and by when labels are counted.

A look has 400 requests at an even split; the baseline is right in 80 % of its answers. A label takes a random number of
looks. It counts when it comes, or when its request is so many looks old, and then not at all where it comes later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import Tally
from earlystop.evidence import engine
from earlystop.evidence.engine import Objective, Verdict
from earlystop.rollout.increments import compare
from earlystop.rollout.state import Totals

MARGIN, RISK, EXACT = 0.02, 0.05, 0.80
SIZE, LOOKS = 400, 240
TOKENS = (300, 200)
SECONDS_A_LOOK = 15
OBJECTIVE = Objective(margin=MARGIN, minimum_saving=0.1, risk_promote=RISK, risk_harm=RISK)


@dataclass(frozen=True, slots=True)
class Labels:
    """Mean looks that a label takes, > 0: of right and of wrong answers of the baseline, then of the candidate.

    counted_at: how many looks old a request is when its label counts; None: when it comes. settled: looks of the step
    before its evidence begins.
    """

    baseline: tuple[float, float]
    candidate: tuple[float, float]
    counted_at: int | None = None
    settled: int = 2


@dataclass(frozen=True, slots=True)
class Ends:
    """Shares of campaigns that were promoted, rolled back, and told that more is missing in one variant; mean looks."""

    promoted: float
    rolled_back: float
    attrition: float
    looks: float


def campaigns(labels: Labels, loss: float, runs: int, seed: int = 1) -> Ends:
    """Campaigns until their verdict or for `LOOKS` looks. loss: the baseline's Exact Match minus the candidate's."""
    ends = [_campaign(labels, loss, np.random.default_rng([seed, run])) for run in range(runs)]
    promoted, rolled_back, attrition, looks = np.mean(np.array(ends, dtype=float), axis=0)
    return Ends(float(promoted), float(rolled_back), float(attrition), float(looks))


def _campaign(labels: Labels, loss: float, rng: np.random.Generator) -> tuple[bool, bool, bool, int]:
    requests = rng.binomial(SIZE, 0.5, LOOKS)
    arms = [SIZE - requests, requests]
    rates = (EXACT, EXACT - loss)
    counted = [
        _cumulative(rng, sizes, rate, means, labels.counted_at)
        for sizes, rate, means in zip(arms, rates, (labels.baseline, labels.candidate), strict=True)
    ]
    answered = [np.cumsum(sizes) for sizes in arms]
    evidence, mark = engine.begin(OBJECTIVE), Totals()
    has_missing = False
    for number in range(LOOKS):
        baseline, candidate = (
            _tally(int(answered[arm][number]), counted[arm][:, number], TOKENS[arm]) for arm in (0, 1)
        )
        totals = Totals(baseline, candidate)
        if number == labels.settled:
            mark = totals
        if number <= labels.settled:
            continue
        at = number * SECONDS_A_LOOK
        found = compare(evidence, mark, totals, at=at, step=0, weight=50, baseline_weight=None)
        if found is None:
            continue
        evidence, mark = found.evidence, found.mark
        assessment = engine.assess(evidence)
        has_missing = has_missing or bool(assessment.attrition)
        if assessment.verdict is not Verdict.CONTINUE:
            is_promoted = assessment.verdict is Verdict.PROMOTE
            return is_promoted, not is_promoted, has_missing, number
    return False, False, has_missing, LOOKS


def _cumulative(
    rng: np.random.Generator, sizes: NDArray[np.int64], rate: float, means: tuple[float, float], counted_at: int | None
) -> NDArray[np.int64]:
    """Labels counted until each look: those of right answers, and those of wrong ones."""
    right = rng.binomial(sizes, rate)
    rows = []
    for answers, mean in zip((right, sizes - right), means, strict=True):
        asked = np.repeat(np.arange(LOOKS), answers)
        taken = rng.geometric(1 / (1 + mean), len(asked)) - 1
        due = asked + taken if counted_at is None else np.where(taken <= counted_at, asked + counted_at, LOOKS)
        rows.append(np.cumsum(np.bincount(due[due < LOOKS], minlength=LOOKS)))
    return np.array(rows)


def _tally(answered: int, labels: NDArray[np.int64], tokens: int) -> Tally:
    return Tally(
        started=answered,
        completed=answered,
        match=int(labels[0]),
        mismatch=int(labels[1]),
        tokens=tokens * answered,
        tokens_squared=tokens**2 * answered,
    )
