"""On recorded answers Shadow finds the windows that cost nothing and the one that does harm, in any order."""

from __future__ import annotations

import pytest

from earlystop.demo.recordings import BUILTIN
from earlystop.evidence.engine import Verdict
from tests.bench.shadow import orders
from tests.unit.demo.recorded import expected

SEEDS = range(20)


@pytest.mark.parametrize("source", sorted({expected().source, BUILTIN}))
def test_one_stream_certifies_windows_10_and_5_within_400_requests_and_shows_the_harm_of_1(source: str) -> None:
    found = orders(source, (10, 5, 1), SEEDS)
    for window in (10, 5):
        assert {ended.verdict for ended in found[window]} == {Verdict.PROMOTE}
        assert all(ended.requests is not None and ended.requests <= 400 for ended in found[window])
    assert {ended.verdict for ended in found[1]} == {Verdict.ROLL_BACK}
