"""Quantiles of what was simulated, without NumPy's own function, which would import all of its arrays with gaps."""

from __future__ import annotations

from collections.abc import Iterable


def interpolated_quantile(values: Iterable[float], part: float) -> float:
    """What this part (0..1) of the values does not exceed, interpolated between two of them as `numpy.quantile` does.

    Source: Hyndman, Fan, "Sample quantiles in statistical packages", The American Statistician 50(4), 1996, type 7.
    Raises ValueError without any value.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no value to take a quantile of")
    place = part * (len(ordered) - 1)
    lower = int(place)
    low, high = ordered[lower], ordered[min(lower + 1, len(ordered) - 1)]
    beyond = place - lower
    # From the nearer of the two, as NumPy does it: so both say the same to the last digit.
    return high - (high - low) * (1 - beyond) if beyond >= 0.5 else low + (high - low) * beyond
