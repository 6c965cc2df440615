"""Answers, failures and requests that come in sessions, through the product's own plan and engine, at the border.

Sessions may be longer than a look: each arm has a number of them open at once; one that ends makes room for another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.rollout.plan import Plan, parse_plan, plan_text
from tests.unit.rollout.policies import policy

MARGIN, RATE, ANSWERS, LOOKS = 0.02, 0.85, 100, 300

Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of so many looks with as many answers in each, alike with an intraclass correlation (0: not at all).

    shown: whether the split of requests is counted, each session drawing its variant by a coin. Else nobody knows how
    requests were split, as in a file of answers alone, and both arms have as many in each look.
    """

    looks: int
    each: int
    likeness: float
    shown: bool = False

    def __str__(self) -> str:
        how = "the split is counted" if self.shown else "the split is not counted"
        if not self.likeness:
            return f"independent answers, {how}"
        answers = f"{self.looks * self.each} answers over {self.looks} look{'s' if self.looks > 1 else ''}"
        return f"sessions of {answers}, likeness {self.likeness}, {how}"


class _Arrivals:
    """Sessions that are open at a time, each with a rate of its own in either variant."""

    def __init__(self, rng: np.random.Generator, kind: Sessions, loss: float) -> None:
        self._rng, self._kind = rng, kind
        self._rates = np.array([RATE, RATE - loss])
        number = 2 * ANSWERS // kind.each
        self._begun = rng.integers(0, kind.looks, number)
        self._fixed = np.arange(number) % 2
        self._arm, self._rate = np.zeros(number, dtype=int), np.zeros(number)
        self._renew(np.ones(number, dtype=bool))

    def _renew(self, which: NDArray[np.bool_]) -> None:
        size = which.sum()
        arm = self._rng.integers(0, 2, size) if self._kind.shown else self._fixed[which]
        mean, strength = self._rates[arm], 1 / self._kind.likeness - 1
        self._arm[which], self._rate[which] = arm, self._rng.beta(mean * strength, (1 - mean) * strength)

    def look(self, at: int) -> tuple[Tally, Tally]:
        """The counts of the baseline and of the candidate in one look."""
        self._renew((at + self._begun) % self._kind.looks == 0)
        right = self._rng.binomial(self._kind.each, self._rate)
        counts = np.bincount(self._arm, minlength=2) * self._kind.each
        matches = np.bincount(self._arm, right, minlength=2)
        return _tally(int(counts[0]), int(matches[0]), self._kind), _tally(int(counts[1]), int(matches[1]), self._kind)


class _Independent:
    """Answers that have nothing in common."""

    def __init__(self, rng: np.random.Generator, kind: Sessions, loss: float) -> None:
        self._rng, self._kind, self._rates = rng, kind, (RATE, RATE - loss)

    def look(self, _: int) -> tuple[Tally, Tally]:
        """The counts of the baseline and of the candidate in one look."""
        candidate = int(self._rng.binomial(2 * ANSWERS, 0.5)) if self._kind.shown else ANSWERS
        counts = 2 * ANSWERS - candidate, candidate
        baseline, candidate = (
            int(self._rng.binomial(count, rate)) for count, rate in zip(counts, self._rates, strict=True)
        )
        return _tally(counts[0], baseline, self._kind), _tally(counts[1], candidate, self._kind)


def _tally(answers: int, matches: int, kind: Sessions) -> Tally:
    return Tally(started=answers if kind.shown else 0, match=matches, mismatch=answers - matches)


def plan_of(**objective: object) -> Plan:
    """A plan at an even split that is told nothing of sessions."""
    written = {"exactMatch": {"margin": str(MARGIN), "assumeIndependent": False}, "tokens": {"minimumSaving": "0"}}
    return parse_plan(
        plan_text(policy({"objective": {**written, **objective}, "rollout": {"steps": [{"weight": 50}]}}))
    )


def error(plan: Plan, kind: Sessions, seed: list[int], loss: float = MARGIN) -> tuple[int, int]:
    """The looks after which one campaign promotes and rolls back for Exact Match; `LOOKS` where it does not."""
    rng = np.random.default_rng(seed)
    arrivals = (_Arrivals if kind.likeness else _Independent)(rng, kind, loss)
    state, promoted, rolled_back = engine.begin(plan.objective_at(0, None)), LOOKS, LOOKS
    line = -np.log(plan.objective.risk_promote)
    for at in range(LOOKS):
        state = engine.update(state, Look(at, 0, 50, *arrivals.look(at)))
        promote, harm = state.quality.promote, state.quality.harm
        if promoted == LOOKS and promote.log_e_max >= line and state.dispersion.is_known:
            promoted = at + 1
        if rolled_back == LOOKS and max(harm.log_e, harm.log_e_max) >= line:
            rolled_back = at + 1
        if max(promoted, rolled_back) < LOOKS or (loss != MARGIN and min(promoted, rolled_back) < LOOKS):
            break
    return promoted, rolled_back
