"""What the status of a guarded promotion takes at most, by what its policy asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.evidence.engine import replay
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from tests.unit.rollout.guard.sized_guards import (
    LONGEST,
    Size,
    after_months,
    bytes_with,
    counted_by_class,
    scattered,
    stored_bytes,
    watched_as,
)
from tests.unit.rollout.guarding import guard_of
from tests.unit.rollout.policies import NOW

DAYS = 14_400
"""Looks of ten days, at which servers have counted up to three million requests of a class."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "most"),
    [
        (Size(), 2944),
        (Size(parameters=3, length=10), 3024),
        (Size(classes=1), 3008),
        (Size(follows_load=True), 3264),
        (Size(classes=6, parameters=3, follows_load=True, length=LONGEST), 4080),
        (Size(classes=10, rails=5, parameters=8, follows_load=True, length=LONGEST), 4976),
    ],
    ids=str,
)
def test_a_guarded_status_keeps_to_its_bound(size: Size, most: int) -> None:
    assert stored_bytes(*watched_as(size)) <= most


@pytest.mark.parametrize(
    ("size", "processes", "most"),
    [
        (Size(), 1, 3088),
        (Size(length=8), 4, 3120),
        (Size(length=LONGEST), 4, 3456),
        (Size(parameters=3, length=10), 1, 3168),
        (Size(), 20, 3696),
        (Size(follows_load=True), 4, 3504),
        (Size(classes=6, parameters=3, follows_load=True, length=LONGEST), 20, 4688),
    ],
    ids=str,
)
def test_it_does_so_after_months_with_the_counters_of_servers(size: Size, processes: int, most: int) -> None:
    spec, state = watched_as(size)
    assert stored_bytes(spec, after_months(state), processes) <= most


@pytest.mark.parametrize(("classes", "most"), [(1, 3456), (4, 3728), (6, 3728)])
def test_query_classes_take_little_more_room_after_ten_days_of_looks(classes: int, most: int) -> None:
    spec, state = watched_as(Size(classes=classes, parameters=3), scattered)
    state, ledger = counted_by_class(after_months(state, scattered), DAYS, seed=classes)
    assert bytes_with(spec, state, ledger) <= most


@pytest.mark.slow
def test_looks_of_the_trial_take_no_room_in_a_guarded_status() -> None:
    spec, state = watched_as(Size())
    looks = [replace(each, at=NOW + 15 * number) for number in range(300) for each in guard_of(state).looks[:1]]
    (only,) = state.comparisons
    longer = replace(only, evidence=replay(only.evidence.objective, looks), looks=CompressedLooks(tuple(looks)))
    assert abs(stored_bytes(spec, replace(state, comparisons=(longer,))) - stored_bytes(spec, state)) <= 128
