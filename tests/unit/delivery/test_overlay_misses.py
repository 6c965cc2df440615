"""Requests of the target that come past an overlay are told when they are many."""

from __future__ import annotations

import pytest

from earlystop.api.wire import STARTED
from earlystop.delivery.routes.overlay_misses import LEAST_REQUESTS, LEAST_SHARE, overlay_misses


@pytest.mark.parametrize(
    ("seen", "unseen", "words"),
    [
        (0, 200, "none came by the overlay; 100 % keep"),
        (150, 50, "75 % only came by the overlay; 25 % keep"),
        (1e6, LEAST_REQUESTS, ""),
        (0, LEAST_REQUESTS - 1, ""),
        (0, 0, ""),
        (100 / LEAST_SHARE, 99, ""),
    ],
)
def test_a_share_that_matters_is_named_in_percent_and_a_small_one_is_not(
    seen: float, unseen: float, words: str
) -> None:
    found = overlay_misses(seen, unseen, 600)
    assert (words in found) if words else found == ""
    assert STARTED not in found
