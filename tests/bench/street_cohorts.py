"""Cohorts at the border that nobody counts by users: both were watched with the baseline's setting first (A/A).

Each user is right as often as he is, and his answers come in sessions that are alike besides. The engine takes the
looks as the cluster has them, and the step is left by the product's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.bound_part import BOUND_PART
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Objective

RATE, MARGIN, RISK = 0.85, 0.02, 0.05
SAME_LOOKS, LOOKS, ANSWERS, TOKENS = 150, 300, 400, 100
OBJECTIVE = Objective(
    MARGIN,
    0.0,
    RISK * (1 - BOUND_PART),
    RISK * (1 - BOUND_PART),
    split_known=False,
    source=DispersionSource.LOOKS,
    same_setting_steps=1,
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A kind of users. users: of each cohort; likeness: intraclass correlation of their answers, 0 < likeness < 1.
    looks: that a session lasts, in each of which it has one answer; session_likeness: of its answers besides. trend: by
    how much of itself the candidate's cohort alone gets better, -1..1, whatever its setting, over all looks."""

    users: int
    likeness: float
    looks: int = 1
    session_likeness: float = 0.0
    trend: float = 0.0

    def __str__(self) -> str:
        sessions = f", sessions over {self.looks} looks, likeness {self.session_likeness}" if self.looks > 1 else ""
        trend = f", one of which moves by {self.trend:.1%}" if self.trend else ""
        return f"A/A first: {self.users:,} users a cohort, likeness {self.likeness}{sessions}{trend}"


CROWDS = (
    Crowd(200, 0.1),
    Crowd(1000, 0.1),
    Crowd(1000, 0.3),
    Crowd(5000, 0.1),
    Crowd(200, 0.3),
    Crowd(1000, 0.1, 5, 0.3),
    Crowd(1000, 0.1, 20, 0.5),
    Crowd(200, 0.1, 40, 0.05),
)
BEYOND = (Crowd(1000, 0.1, trend=0.035), Crowd(1000, 0.1, trend=-0.035))
"""A cohort that gets better or worse by itself, by 3 points of Exact Match, while the other stays as it is."""
QUICK = (Crowd(200, 0.1), Crowd(1000, 0.1, 5, 0.3))


class _Cohort:
    """The users of one variant, and the sessions that are open."""

    def __init__(self, rng: np.random.Generator, crowd: Crowd) -> None:
        self._rng, self._crowd = rng, crowd
        spread = 1 / crowd.likeness - 1
        self._users = rng.beta(RATE * spread, (1 - RATE) * spread, crowd.users)
        self._ends = rng.integers(0, crowd.looks, ANSWERS)
        self._rates: NDArray[np.float64] = self._begun(ANSWERS)

    def _begun(self, number: int) -> NDArray[np.float64]:
        """The rates of sessions that begin."""
        rates = self._users[self._rng.integers(0, self._crowd.users, number)]
        if not self._crowd.session_likeness:
            return rates
        spread = 1 / self._crowd.session_likeness - 1
        inside = np.clip(rates, 1e-6, 1 - 1e-6)
        return self._rng.beta(inside * spread, (1 - inside) * spread)

    def ask(self, look: int, kept: float) -> Tally:
        """The counts of one more look. kept: share of right answers that the setting leaves right."""
        new = (self._ends + look) % self._crowd.looks == 0
        self._rates[new] = self._begun(int(new.sum()))
        match = int((self._rng.random(ANSWERS) < self._rates * kept).sum())
        return Tally(
            started=ANSWERS,
            completed=ANSWERS,
            match=match,
            mismatch=ANSWERS - match,
            tokens=TOKENS * ANSWERS,
            tokens_squared=2 * TOKENS**2 * ANSWERS,
        )


def claims(rng: np.random.Generator, crowd: Crowd, loss: float, *, same_first: bool = True) -> tuple[int, int]:
    """The look, from 1, at which one campaign proves that the candidate is not inferior, and that it is; 0 for never.

    loss: of EM by the candidate's setting. same_first: whether both cohorts have the baseline's setting first.
    """
    objective = OBJECTIVE if same_first else Objective(MARGIN, 0.0, RISK, RISK, split_known=False)
    state, step, first = engine.begin(objective), 0, [0, 0]
    cohorts = _Cohort(rng, crowd), _Cohort(rng, crowd)
    for number in range(1, LOOKS + 1):
        kept = 1 - loss / RATE if step or not same_first else 1.0
        moved = min(1.0, 1 - crowd.trend + crowd.trend * number / LOOKS) if crowd.trend > 0 else 1.0
        moved += min(0.0, crowd.trend) * number / LOOKS
        tallies = cohorts[0].ask(number, 1.0), cohorts[1].ask(number, kept * moved)
        state = engine.update(state, Look(60 * number, step, 50, *tallies))
        if same_first and not step:
            if number >= SAME_LOOKS and state.dispersion.is_known:
                own = engine.own_difference(state)
                step = int(own.leaves_room(MARGIN) and own.bounds_lengths)
            continue
        line = -log(objective.risk_promote)
        has_room = state.own is None or state.own.leaves_room(MARGIN)
        shown = has_room and state.quality.promote.log_e_max >= line, state.quality.harm.log_e_max >= line
        first = [known or number * is_shown for known, is_shown in zip(first, shown, strict=True)]
    return first[0], first[1]


def errors(crowd: Crowd, runs: int, seed: int, *, same_first: bool = True) -> tuple[float, float]:
    """The shares of campaigns at the border that promote, and that roll back."""
    rng = np.random.default_rng(seed)
    found = np.array([claims(rng, crowd, MARGIN, same_first=same_first) for _ in range(runs)])
    return float((found[:, 0] > 0).mean()), float((found[:, 1] > 0).mean())


def power(crowd: Crowd, runs: int, seed: int) -> tuple[float, float]:
    """Of a candidate that loses nothing: the share that is proven, and the looks after which, of those."""
    rng = np.random.default_rng(seed)
    looks = np.array([claims(rng, crowd, 0.0)[0] for _ in range(runs)])
    return float((looks > 0).mean()), float(looks[looks > 0].mean()) if looks.any() else 0.0
