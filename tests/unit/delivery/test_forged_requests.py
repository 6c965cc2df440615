"""Forged requests are told when they are many, whatever share of the traffic they are then."""

from __future__ import annotations

import pytest

from earlystop.delivery.forged_requests import LEAST_REQUESTS, forged_requests


@pytest.mark.parametrize(
    ("seen", "forged", "words"),
    [
        (1000.0, 0.0, ""),
        (0.0, LEAST_REQUESTS - 1, ""),
        (10_000.0, 50.0, ""),
        (0.0, LEAST_REQUESTS, "20 requests of the last 600 s (100 %)"),
        (1000.0, 1000.0, "1,000 requests of the last 600 s (50 %)"),
        (9_900.0, 100.0, "100 requests of the last 600 s (1 %)"),
    ],
)
def test_who_reads_it_learns_how_many_and_what_to_do(seen: float, forged: float, words: str) -> None:
    found = forged_requests(seen, forged, 600)
    assert words in found and bool(words) == bool(found) == ("NetworkPolicy" in found)
