"""Zeros that Prometheus writes at a claimed time of creation prove no event: counted is never more than happened."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reset_ledger import ResetLedger, look, totals, uncertain

TARGET = {"job": "qa", "instance": "10.0.0.1:80", "pod": "qa-1"}
EVERY_MS, BEGIN_MS, END_MS, CREATED_MS = 15_000, 90_000, 300_000, 200_000
SCRAPES = range(BEGIN_MS, END_MS, EVERY_MS)


def counted(points: list[tuple[int, str]], started: list[tuple[int, str]]) -> tuple[int, int]:
    """Completed requests that are proven, and those that may have been missed, in a step that began at 100 s."""
    counters = {(Variant.BASELINE, "completed"): [RawSeries({**TARGET, "code": "200"}, points)]}
    ups = [RawSeries(TARGET, [(at, "1") for at in SCRAPES])]
    seen: Any = look(ResetLedger(step=0, since_ms=100_000), observe(counters, [RawSeries(TARGET, started)], ups))
    return totals(seen.ledger, 0)[Variant.BASELINE].completed, uncertain(seen.ledger, 0)[Variant.BASELINE].completed


@pytest.mark.parametrize("was_away", [False, True])
def test_a_counter_that_goes_on_over_a_zero_of_its_exporters_start_is_counted_as_without_it(was_away: bool) -> None:
    went_on = [(at, str(1_000 + number)) for number, at in enumerate(SCRAPES)]
    points = [each for each in went_on if not was_away or each[0] > CREATED_MS]
    started = [(at, "10" if at < CREATED_MS else "200") for at in SCRAPES]
    with_zero = counted(sorted([*points, (CREATED_MS, "0")]), started)
    happened = sum(1 for at in SCRAPES if at > 100_000)
    assert with_zero == counted(points, started)
    assert with_zero[0] <= happened
