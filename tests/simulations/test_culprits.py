"""A guard's alarm names what has moved, of 240 seeded changes of four kinds, and nothing while all is quiet."""

from __future__ import annotations

import pytest

from tests.bench.culprit_changes import HARMLESS, KINDS, OVER_DAYS, OVER_HOURS, PAIRS, PARTIAL
from tests.bench.culprits import quiet_days, run, runs_of

RUNS = 60


@pytest.mark.parametrize("kind", KINDS)
def test_of_60_changes_of_a_kind_nine_in_ten_are_named_rightly(kind: str) -> None:
    found = runs_of(KINDS[kind], RUNS, 1000)
    assert all(each.named for each in found), "a change of this strength is an alarm"
    assert sum(each.is_right for each in found) >= 0.9 * RUNS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["in part", "over hours"])
def test_of_changes_that_are_partial_or_take_hours_17_in_20_are_named_rightly(way: str, kind: str) -> None:
    found = runs_of({"in part": PARTIAL, "over hours": OVER_HOURS}[way][kind], RUNS, 2000)
    assert sum(each.is_right for each in found) >= 0.85 * RUNS


@pytest.mark.parametrize("kind", KINDS)
def test_of_6_changes_that_take_days_five_are_named_rightly_and_one_wrongly_at_most(kind: str) -> None:
    found = runs_of(OVER_DAYS[kind], 6, 3000)
    assert sum(each.is_right for each in found) >= 5
    assert sum(each.is_honest for each in found) >= 5


def test_in_days_of_waves_nothing_is_named() -> None:
    assert [found for seed in range(4) if (found := quiet_days(seed)).named] == []


def test_in_240_quiet_runs_nothing_is_named() -> None:
    """Both variants drift, questions change for both alike, and a target changes without harm."""
    assert [
        each for number in range(240) if (each := run(number, HARMLESS[number % len(HARMLESS)], most=25)).named
    ] == []


def test_of_two_changes_at_once_nothing_is_named_that_did_not_move() -> None:
    found = [each for index, changes in enumerate(PAIRS.values()) for each in runs_of(changes, 8, 50_000 + 100 * index)]
    alarmed = [each for each in found if each.named]
    assert len(alarmed) >= 0.8 * len(found), "two changes hid each other, so that nothing was asked"
    assert sum(each.is_honest for each in alarmed) >= 0.95 * len(alarmed)


def test_without_recorded_answers_the_scorer_is_never_named_and_never_ruled_out_where_both_variants_moved() -> None:
    for each in runs_of(KINDS["Scorer"], 24, 90_000, frozen=False):
        assert "Scorer" not in each.named and (each.named == ("Setting",) or "Scorer" in each.possible)
