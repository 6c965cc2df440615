"""Group-sequential boundaries (O'Brien-Fleming, Pocock, alpha spending), by numerical integration.

Armitage, McPherson, Rowe (1969): the density of the running sum among trials not yet stopped, look by look.
A rival of the benchmark; no part of the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

POINTS = 301
REACH = 8.0


def exit_probabilities(limits: Sequence[float], times: Sequence[float], two_sided: bool) -> list[float]:
    """P(first exit at look k) under no effect; limits: for z values at information `times` (increasing, last 1)."""
    found: list[float] = []
    grid, density = np.zeros(1), np.ones(1)  # weights of the running sum B(t), z = B / sqrt(t)
    before = 0.0
    for limit, time in zip(limits, times, strict=True):
        root = np.sqrt(time - before)
        top = limit * np.sqrt(time)
        bottom = -top if two_sided else -REACH * np.sqrt(time)
        above = float(density @ ndtr((grid - top) / root))
        found.append(2 * above if two_sided else above)
        fresh = np.linspace(bottom, top, POINTS)
        simpson = np.ones(POINTS)
        simpson[1:-1:2], simpson[2:-1:2] = 4, 2
        simpson *= (fresh[1] - fresh[0]) / 3
        kernel = np.exp(-0.5 * ((fresh[:, None] - grid[None, :]) / root) ** 2) / (root * np.sqrt(2 * np.pi))
        density, grid, before = (kernel @ density) * simpson, fresh, time
    return found


def constant(looks: int, alpha: float, shape: Callable[[float], float], two_sided: bool) -> float:
    """c such that limits `c shape(t)` at evenly spaced looks are crossed with probability alpha under no effect."""
    times = [(k + 1) / looks for k in range(looks)]
    low, high = 0.5, 6.0
    for _ in range(26):
        middle = (low + high) / 2
        crossed = sum(exit_probabilities([middle * shape(t) for t in times], times, two_sided))
        low, high = (middle, high) if crossed > alpha else (low, middle)
    return high


def obrien_fleming(time: float) -> float:
    """Shape of the limits in z: strict early, near the fixed-sample quantile at the end."""
    return float(time**-0.5)


def pocock(_time: float) -> float:
    """Shape of the limits in z: the same at every look."""
    return 1.0


def obrien_fleming_spending(alpha: float, time: float) -> float:
    """Lan, DeMets (1983): alpha spent by information `time`, in the shape of O'Brien-Fleming."""
    return float(2 * (1 - ndtr(ndtri(1 - alpha / 2) / np.sqrt(time))))


def spending_limits(alpha: float, times: Sequence[float]) -> list[float]:
    """One-sided limits in z that spend alpha as `obrien_fleming_spending` says."""
    limits: list[float] = []
    for k, time in enumerate(times):
        target = obrien_fleming_spending(alpha, time)
        low, high = 0.0, 9.0
        for _ in range(30):
            middle = (low + high) / 2
            crossed = sum(exit_probabilities([*limits, middle], times[: k + 1], two_sided=False))
            low, high = (middle, high) if crossed > target else (low, middle)
        limits.append(high)
    return limits
