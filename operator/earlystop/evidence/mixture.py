"""A grid of bets and the capital of a gambler who spreads one unit over all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BetGrid:
    """Bets fixed before the first look, with the logarithm of the share of capital put on each.

    sizes: one number a bet, its unit is the owner's (a multiple of the margin, a shift in log odds).
    log_weights: natural logarithms of shares that sum to 1, same length as `sizes`.
    """

    sizes: tuple[float, ...]
    log_weights: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.sizes)


def weighted_grid(sizes: Sequence[float], weights: Sequence[float]) -> BetGrid:
    """Grid of `sizes` with shares proportional to the positive `weights`."""
    total = math.fsum(weights)
    return BetGrid(tuple(sizes), tuple(math.log(weight / total) for weight in weights))


def log_mixture(log_capital: Sequence[float], log_weights: Sequence[float]) -> float:
    """log(sum of weight x capital), safe for capitals far outside the range of a float.

    Capital i is what one unit on bet i has become. If each capital is an e-process, so is the mixture,
    because the weights are non-negative, sum to 1 and were fixed in advance.

    Why not scipy.special.logsumexp: a look in 16 parts takes 32 of these, 74 microseconds each instead of 2, which is
    over the 500 that a look may take (`make bench-evidence`); and verdicts store the last digit, which differs in one
    of six random states.
    """
    terms = [capital + weight for capital, weight in zip(log_capital, log_weights, strict=True)]
    largest = max(terms)
    return largest + math.log(math.fsum([math.exp(term - largest) for term in terms]))
