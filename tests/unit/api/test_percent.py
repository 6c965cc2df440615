"""Fractions in percent, as sentences say them."""

from __future__ import annotations

import pytest

from earlystop.api.percent import rounded_percent


@pytest.mark.parametrize(
    ("fraction", "digits", "said"),
    [
        (0.52, 0, "52 %"),
        (1.0, 0, "100 %"),
        (0.12345, 1, "12.3 %"),
        (-0.004, 0, "0 %"),
        (-0.0004, 1, "0.0 %"),
        (-0.031, 0, "-3 %"),
    ],
)
def test_a_fraction_is_said_with_a_blank_before_its_sign_and_zero_without_a_minus(
    fraction: float, digits: int, said: str
) -> None:
    assert rounded_percent(fraction, digits) == said
