"""What looks will show of how much answers scatter, in each rollout of a plan: an estimate, which chance makes larger
or smaller, and which later looks change.

The law is that of what the engine shows of such answers (`tests/simulations/test_supposed_scatter.py`): the factor over
the true one at these normal quantiles, and how alike the factors of one rollout are after different numbers of looks.
Where groups of requests stay with a variant, and now and then where none do, the counts of requests seem to show that
such groups outlast blocks of looks; then longer blocks are waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

QUANTILES = (-1.645, -0.674, 0.0, 0.674, 1.282, 1.645, 2.326)
OF_SINGLE_REQUESTS = (1.0, 1.04, 1.42, 2.16, 4.7, 6.5, 9.2)
OF_GROUPS = (1.14, 1.4, 1.8, 2.8, 4.8, 6.4, 9.8)

LIKE_SPAN = 0.6
"""The logarithms of factors after n and m looks are correlated like exp(-(log(n / m) / LIKE_SPAN)^2)."""

SINGLE_WAIT, GROUPS_WAIT = 0.03, 0.29
"""Shares of rollouts that wait for longer blocks."""

WAVES, AT_ONCE, SEED = 8, 4096, 17


@dataclass(frozen=True, slots=True)
class SupposedScatter:
    """scatter: how much more answers scatter than independent ones, >= 1. may_wait: whether the counts of requests may
    ask for longer blocks."""

    scatter: float
    may_wait: bool

    def factor(self, numbers: NDArray[np.int64], looks: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """The factor of the rollouts of these numbers after so many looks, of all or of each; at least 1."""
        return np.asarray(self.scatter * np.interp(_wander(numbers, looks), QUANTILES, self._quantiles))

    @property
    def least(self) -> float:
        """The least factor of any rollout."""
        return self.scatter * self._quantiles[0]

    @property
    def _quantiles(self) -> tuple[float, ...]:
        return OF_SINGLE_REQUESTS if self.scatter == 1 else OF_GROUPS

    def waits_longer(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the rollouts of these numbers wait for longer blocks."""
        share = (SINGLE_WAIT if self.scatter == 1 else GROUPS_WAIT) if self.may_wait else 0.0
        return np.asarray(_drawn(_enough(numbers))[2][numbers] < share)


def _wander(numbers: NDArray[np.int64], looks: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """A standard normal number for each rollout that changes little by little with the looks, as a sum of waves whose
    lengths are drawn (Rahimi and Recht, Random features for large-scale kernel machines, 2007)."""
    lengths, phases, _ = _drawn(_enough(numbers))
    at = np.log(np.maximum(looks, 1)).reshape(-1, 1)
    return np.asarray(np.sqrt(2 / WAVES) * np.cos(lengths[numbers] * at + phases[numbers]).sum(axis=1))


def _enough(numbers: NDArray[np.int64]) -> int:
    return AT_ONCE * (1 + int(numbers.max(initial=0)) // AT_ONCE)


@lru_cache(maxsize=4)
def _drawn(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lengths and phases of the waves, and a number in [0, 1), for each of so many rollouts, a multiple of `AT_ONCE`.
    What a rollout has drawn does not depend on how many there are."""
    parts = [_part(number) for number in range(count // AT_ONCE)]
    lengths, phases, chances = (np.concatenate(each) for each in zip(*parts, strict=True))
    return lengths, phases, chances


def _part(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng([SEED, number] if number else SEED)
    lengths = random.normal(0, sqrt(2) / LIKE_SPAN, (AT_ONCE, WAVES))
    return lengths, random.uniform(0, 2 * pi, (AT_ONCE, WAVES)), random.random(AT_ONCE)
