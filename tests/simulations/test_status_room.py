"""Looks of days and the series of many processes, and the room that a status has for them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

import pytest

from earlystop.api.counts import Variant
from earlystop.api.wire import PACKED_LIMIT
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.rollout.look_schedule import LOOKS_LIMIT, record_is_full
from earlystop.rollout.stored.packing import pack_looks
from tests.unit.rollout.realistic import realistic_looks
from tests.unit.rollout.states import REACHED, stored

TWENTY_PROCESSES = Ledger(
    {
        SeriesKey(2, variant, query_class, f"{process:08x}-4a1d"): realistic_looks(1, 50)[0].baseline
        for variant in Variant
        for query_class in ("single-hop",)
        for process in range(20)
    }
)


@pytest.mark.parametrize("requests_a_second", [2, 400])
def test_30_days_of_looks_and_the_series_of_20_processes_fit_into_40_kib(requests_a_second: int) -> None:
    looks, ledger = realistic_looks(725, requests_a_second), pack(TWENTY_PROCESSES)
    (only,) = REACHED["observing"].comparisons
    state = replace(REACHED["observing"], comparisons=(replace(only, looks=looks),))
    status = stored(state, ledger)
    assert len(status["internal"]["looks"]) + len(status["internal"]["ledger"]) <= PACKED_LIMIT


@pytest.mark.parametrize("requests_a_second", [5, 200])
def test_under_heavy_traffic_looks_always_leave_room_for_the_series_of_20_processes(requests_a_second: int) -> None:
    looks = realistic_looks(1400, requests_a_second)
    last = bisect_left(range(1401), True, lo=512, key=lambda count: record_is_full([looks[:count]]))
    packed = pack_looks(looks[:last])
    assert LOOKS_LIMIT < len(packed) < LOOKS_LIMIT + 400
    assert len(packed) + len(pack(TWENTY_PROCESSES)) <= PACKED_LIMIT
