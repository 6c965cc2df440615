"""Cohorts of users at the border: the same users are in every look, and each is right as often as he is.

The engine takes looks of which the servers' groups of users are known, as in the cluster. One campaign has few and
large looks: what matters is how often a user comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from earlystop.api.counts import Look, Tally, UserScatter
from earlystop.api.wire import USER_GROUPS
from earlystop.evidence import engine, user_scatter
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Objective

RATE, MARGIN, RISK = 0.85, 0.02, 0.05
LOOKS, ANSWERS = 60, 1000
TOKENS = 100


@dataclass(frozen=True, slots=True)
class Crowd:
    """A kind of users. users: of each cohort; likeness: intraclass correlation of their answers, 0 <= likeness < 1.
    unevenness: sigma of the log-normal law of how often they ask; joining: whether they come one after another.
    """

    users: int
    likeness: float
    unevenness: float = 0.0
    joining: bool = False


CROWDS: dict[str, Crowd] = {
    "200 users a cohort, likeness 0.1": Crowd(200, 0.1),
    "1,000 users a cohort, likeness 0.1": Crowd(1000, 0.1),
    "1,000 users a cohort, likeness 0.3": Crowd(1000, 0.3),
    "5,000 users a cohort, likeness 0.1": Crowd(5000, 0.1),
    "1,000 users a cohort, as independent answers": Crowd(1000, 0.0),
    "1,000 users a cohort, likeness 0.3, some ask far more": Crowd(1000, 0.3, unevenness=1.0),
    "2,000 users a cohort, likeness 0.3, who join one after another": Crowd(2000, 0.3, joining=True),
    "12 users a cohort, likeness 0.3": Crowd(12, 0.3),
}


class _Cohort:
    """The users of one variant, and what their groups have done so far."""

    def __init__(self, rng: np.random.Generator, crowd: Crowd, rate: float) -> None:
        self._rng, self._crowd = rng, crowd
        spread = 1 / crowd.likeness - 1 if crowd.likeness else 0.0
        self._rates = (
            rng.beta(rate * spread, (1 - rate) * spread, crowd.users) if spread else np.full(crowd.users, rate)
        )
        self._often = rng.lognormal(0.0, crowd.unevenness, crowd.users)
        self._groups = rng.integers(0, USER_GROUPS, crowd.users)
        self._answers, self._matches = (np.zeros(USER_GROUPS, dtype=np.int64) for _ in range(2))

    def ask(self, look: int) -> Tally:
        """The counts of one more look."""
        present = np.arange(self._crowd.users) < self._crowd.users * (look + 1) / LOOKS
        often = self._often * present if self._crowd.joining else self._often
        answers = self._rng.multinomial(ANSWERS, often / often.sum())
        matches = self._rng.binomial(answers, self._rates)
        self._answers += self._by_group(answers)
        self._matches += self._by_group(matches)
        return _tally(ANSWERS, int(matches.sum()))

    def groups(self) -> list[Tally]:
        """What the groups of users have done so far."""
        return [_tally(*row) for row in zip(self._answers.tolist(), self._matches.tolist(), strict=True)]

    def _by_group(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(self._groups, counts, USER_GROUPS).astype(np.int64)


def _tally(answers: int, matches: int) -> Tally:
    return Tally(
        started=answers,
        completed=answers,
        match=matches,
        mismatch=answers - matches,
        tokens=TOKENS * answers,
        tokens_squared=2 * TOKENS**2 * answers,
    )


def looks_of(rng: np.random.Generator, crowd: Crowd, effect: float) -> Iterator[tuple[Look, UserScatter]]:
    """The looks of one campaign, without their users, and these."""
    baseline, candidate = _Cohort(rng, crowd, RATE), _Cohort(rng, crowd, RATE + effect)
    for number in range(LOOKS):
        arms = baseline.ask(number), candidate.ask(number)
        yield Look(60 * number, 0, 50, *arms), user_scatter.measure(baseline.groups(), candidate.groups(), arms)


def claims(rng: np.random.Generator, crowd: Crowd, effect: float, *, by_users: bool = True) -> tuple[int, int]:
    """The look, from 1, at which one campaign proves that the candidate is not inferior, and that it is; 0 for never.

    by_users: whether evidence is divided by how much users scatter.
    """
    source = DispersionSource.USERS if by_users else DispersionSource.ASSUMED
    objective = Objective(MARGIN, 0.0, RISK, RISK, split_known=False, source=source)
    state, first = engine.begin(objective), [0, 0]
    for number, (look, users) in enumerate(looks_of(rng, crowd, effect), start=1):
        row = Look(look.at, 0, 50, look.baseline, look.candidate, users=users if by_users else None)
        state = engine.update(state, row)
        processes = state.quality.promote, state.quality.harm
        shown = [process.log_e_max >= -log(RISK) for process in processes]
        first = [known or number * is_shown for known, is_shown in zip(first, shown, strict=True)]
    return first[0], first[1]


def errors(crowd: Crowd, runs: int, seed: int, *, by_users: bool = True) -> tuple[float, float]:
    """The shares of campaigns at the border that promote, and that roll back."""
    rng = np.random.default_rng(seed)
    found = np.array([claims(rng, crowd, -MARGIN, by_users=by_users) for _ in range(runs)])
    return float((found[:, 0] > 0).mean()), float((found[:, 1] > 0).mean())
