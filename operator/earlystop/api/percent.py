"""Fractions as rounded percentages, in sentences for people."""

from __future__ import annotations


def rounded_percent(fraction: float, digits: int = 0) -> str:
    """A measured or estimated fraction: "52 %", with digits after the point "12.3 %". What is rounded to zero has no
    sign.

    fraction: any finite number, 1 for the whole. digits: after the point, >= 0.
    """
    return f"{100 * fraction:z.{digits}f} %"
