"""What trials make likely of hundreds of settings of several parameters: `curve`, for many at once, by numpy.

numpy is loaded by the first search that needs it, so that an operator without one does not keep 14 MiB for it. Nothing
of scipy is used: `scipy.linalg` would take 19 MiB more, and numpy factors a matrix of 30 trials as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import sqrt
from typing import TYPE_CHECKING

from earlystop.rollout.search.prior import LENGTHS, SPREADS, Prior, noise
from earlystop.rollout.search.trial import Estimate, Setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LIKELIEST = 4
"""Combinations of lengths and spread that are averaged; the others foretold what was seen less well."""


def after_trials(
    settings: Sequence[Setting], prior: Prior, seen: Sequence[tuple[int, Estimate]]
) -> tuple[Estimate, ...]:
    """Mean and error of every setting, given estimates of some of them with errors of their own.

    seen: index of a setting, and what its trial has shown. Each parameter has a length of its own; the likeliest
    combinations are averaged, each weighed by how well it foretold what was seen. Rasmussen, Williams, "Gaussian
    processes for machine learning" (2006), 2.25, 2.26 and 2.30.
    """
    if not seen:
        spread = sqrt(sum(each**2 for each in SPREADS) / len(SPREADS))
        return tuple(Estimate(mean, spread * error) for mean, error in zip(prior.mean, prior.error, strict=True))
    import numpy as np

    places = np.array([each.place for each in settings], dtype=float)
    mean, error = np.array(prior.mean), np.array(prior.error)
    tried = np.array([index for index, _ in seen])
    surprise = np.array([each.mean for _, each in seen]) - mean[tried]
    noises = np.array([noise(each, prior.error[index]) for index, each in seen])
    alike = [
        [_alike(places[tried, parameter], places[:, parameter], length) for length in LENGTHS]
        for parameter in range(places.shape[1])
    ]
    combinations = [(chosen, spread) for chosen in product(*alike) for spread in SPREADS]
    own = np.stack(
        [spread**2 * np.prod([each[:, tried] for each in chosen], axis=0) for chosen, spread in combinations]
    )
    covariances = own * np.outer(error[tried], error[tried]) + np.diag(noises)
    log_weight = _foretold(covariances, surprise)
    best = np.argsort(-log_weight, kind="stable")[:LIKELIEST]
    weights = np.exp(log_weight[best] - log_weight[best[0]])
    weights /= weights.sum()
    means, variances = [], []
    for index in best:
        chosen, spread = combinations[index]
        cross = spread**2 * np.prod(chosen, axis=0) * np.outer(error[tried], error)
        inverse = np.linalg.inv(covariances[index])
        means.append(mean + surprise @ inverse @ cross)
        variances.append((spread * error) ** 2 - (cross * (inverse @ cross)).sum(axis=0))
    average = weights @ np.array(means)
    scatter = weights @ (np.maximum(variances, 1e-18) + (np.array(means) - average) ** 2)
    return tuple(Estimate(each, sqrt(square)) for each, square in zip(average.tolist(), scatter.tolist(), strict=True))


def _foretold(covariances: Floats, surprise: Floats) -> Floats:
    """Logarithm of the probability density of what was seen, but for a constant, under each covariance."""
    import numpy as np

    _, log_determinant = np.linalg.slogdet(covariances)
    scaled = np.linalg.solve(covariances, np.broadcast_to(surprise[:, None], (len(covariances), len(surprise), 1)))
    found: Floats = -(log_determinant + (surprise * scaled[:, :, 0]).sum(axis=1)) / 2
    return found


def _alike(a: Floats, b: Floats, length: float) -> Floats:
    """`prior.likeness` of all pairs of places of one parameter."""
    import numpy as np

    scaled = np.abs(np.subtract.outer(a, b)) * (sqrt(3) / length)
    found: Floats = (1 + scaled) * np.exp(-scaled)
    return found
