"""How sure a share of simulated rollouts is: runs are few, and a share of 200 is known to a few points only."""

from __future__ import annotations


def share_interval(count: int, runs: int, risk: float = 0.05) -> tuple[float, float]:
    """The exact two-sided interval for a probability of which `count` of `runs` showed.

    0 <= count <= runs, runs >= 1. risk: of an interval that does not hold the probability, 0 < risk < 1.
    Source: Clopper, Pearson, "The use of confidence or fiducial limits" (1934).
    """
    from scipy.special import betaincinv  # here, since commands that never simulate would wait 0.3 s for it

    low = 0.0 if count == 0 else float(betaincinv(count, runs - count + 1, risk / 2))
    high = 1.0 if count == runs else float(betaincinv(count + 1, runs - count, 1 - risk / 2))
    return low, high
