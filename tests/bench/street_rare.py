"""Query classes that are seldom asked for, or for a while only, at the border and through the real transitions.

Such a class has answers of the candidate alone in many looks: a few of these wait for the baseline's by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earlystop.api.counts import ClassAnswers
from earlystop.rollout.state import Totals, Verdict
from tests.bench.statistics_paths import Array
from tests.bench.street_walks import MARGIN, Walk, campaign, tally

RATES = np.array([0.85, 0.6, 0.7])
"""Of usual questions, of rare ones, and of those that are asked for a while."""
LATE = range(60, 100)
"""Ticks in which the last are asked."""


class RareClasses:
    """Questions of three kinds, of which a policy names the last two. requests: in a tick; rare, late: shares of all;
    losses: of the candidate, in each kind."""

    def __init__(
        self, rng: np.random.Generator, requests: int, rare: float, late: float, losses: tuple[float, float, float]
    ) -> None:
        self._rng, self._requests, self._rare, self._late = rng, requests, rare, late
        self._losses = np.array(losses)

    def serve(self, tick: int, weight: int, *, first: bool) -> Totals:
        """As `street_walks.Stream` has it."""
        asked = self._rng.multinomial(self._requests, self._mix(tick))
        n_c = self._rng.binomial(asked, weight / 100)
        n_b = asked - n_c
        x_b, x_c = self._rng.binomial(n_b, RATES), self._rng.binomial(n_c, RATES - self._losses)
        rows = zip(x_b.tolist(), (n_b - x_b).tolist(), x_c.tolist(), (n_c - x_c).tolist(), strict=True)
        arms = tally(int(n_b.sum()), int(x_b.sum()), 0), tally(int(n_c.sum()), int(x_c.sum()), 1)
        return Totals(*arms, tuple(ClassAnswers(*row) for row in rows)[1:])

    def loss(self, tick: int) -> float:
        """As `street_walks.Stream` has it."""
        return float(self._mix(tick) @ self._losses)

    def _mix(self, tick: int) -> Array:
        late = self._late if tick in LATE else 0.0
        return np.array([1 - self._rare - late, self._rare, late])


def _walk(weight: int, requests: int, rare: float, late: float, losses: tuple[float, float, float]) -> Walk:
    named = [{"name": name, "margin": "0.9"} for name in ("rare", "late")]
    return Walk(
        [{"weight": weight}],
        6,
        lambda rng: RareClasses(rng, requests, rare, late, losses),
        {"exactMatch": {"margin": str(MARGIN)}, "queryClasses": named},
        by_requests=True,
    )


KINDS: Mapping[str, Walk] = {
    **{
        f"a query class of 2 % of 40 requests a look loses half the margin, at {weight} %": _walk(
            weight, 40, 0.02, 0, (0.0102, 0.5, 0)
        )
        for weight in (50, 90)
    },
    "a query class of 2 % of 40 requests a look gains, at 90 %": _walk(90, 40, 0.02, 0, (0.0265, -0.3, 0)),
    "query classes of 0.3 %, and of 10 % for 40 looks alone, lose": _walk(50, 200, 0.003, 0.1, (0.0185, 0.5, 0.02)),
}


def errors(kind: str, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that were promoted, and rolled back, wrongly for their requests so far."""
    number = list(KINDS).index(kind)
    found = [campaign(KINDS[kind], np.random.default_rng([seed, number, run])) for run in range(runs)]
    wrong = [each.verdict for each in found if each.is_wrong(each.lost)]
    return wrong.count(Verdict.PROMOTE) / runs, wrong.count(Verdict.ROLL_BACK) / runs
