"""Looks, whose rows grow with query classes, and the room that a status has for them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally, Variant
from earlystop.api.wire import PACKED_LIMIT
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import LIMIT_OF_A_CLASS, LOOKS_LIMIT, next_look, record_is_full
from earlystop.rollout.look_spacing import LOOKS_PER_SPACING, spacing
from earlystop.rollout.stored.packing import CLASS_COLUMNS, COLUMNS, pack_looks, unpack_looks
from tests.unit.rollout.claims import CLASSES, UNDECIDED, arms, begun, in_classes, judging
from tests.unit.rollout.realistic import THIRTY_DAYS, looks_in, realistic_looks
from tests.unit.rollout.traffic import observe


def with_votes_and_pairs(looks: tuple[Look, ...]) -> tuple[Look, ...]:
    """The same looks of a service whose users vote on 7 % of the answers and whose evaluator asks 2 pairs a second."""
    rng, last, made = np.random.default_rng(3), looks[0].at - 15, []
    for look in looks:
        pairs = [int(count) for count in rng.multinomial(2 * (look.at - last), [0.8, 0.03, 0.03, 0.14])]
        columns = dict(
            zip(("pairs_both", "pairs_baseline_only", "pairs_candidate_only", "pairs_neither"), pairs, strict=True)
        )
        made.append(
            replace(
                look, baseline=_voted(rng, look.baseline), candidate=replace(_voted(rng, look.candidate), **columns)
            )
        )
        last = look.at
    return tuple(made)


def _voted(rng: np.random.Generator, tally: Tally) -> Tally:
    up, down = (int(rng.binomial(tally.completed, share)) for share in (0.05, 0.02))
    return replace(tally, feedback_up=up, feedback_down=down)


@pytest.mark.parametrize(("classes", "looks"), [(0, 64), (1, 48), (3, 32), (10, 14)])
def test_the_spacing_doubles_after_fewer_looks_when_query_classes_make_their_rows_longer(
    classes: int, looks: int
) -> None:
    moments = [spacing(15, count, classes) for count in (0, looks - 1, looks, 2 * looks - 1, 2 * looks)]
    assert moments == [15, 15, 30, 30, 60]
    assert looks * (COLUMNS + CLASS_COLUMNS * classes) <= LOOKS_PER_SPACING * COLUMNS


@pytest.mark.parametrize("classes", range(11))
def test_thirty_days_hold_about_as_many_numbers_with_query_classes_as_without(classes: int) -> None:
    numbers = looks_in(THIRTY_DAYS, classes) * (COLUMNS + CLASS_COLUMNS * classes)
    assert numbers <= 1.1 * 725 * COLUMNS
    assert looks_in(THIRTY_DAYS, classes) >= 150


def test_a_rollout_looks_on_the_grid_of_its_query_classes() -> None:
    spec = judging({**UNDECIDED, "queryClasses": [{"name": name, "margin": "0.9"} for name in CLASSES]})
    state, server = begun(spec)
    state = observe(spec, state, server, *[in_classes(arms(2), arms(2))] * 41)
    gaps = [later.at - earlier.at for earlier, later in zip(state.looks, state.looks[1:], strict=False)]
    assert gaps == [15] * 37 + [30] * 3
    due, last = next_look(LiveTimes.of(spec), state), state.last_look_at
    assert due is not None and last is not None and due - last == 30


@pytest.mark.parametrize(("classes", "requests_a_second"), [(0, 200), (1, 200), (3, 200), (10, 200)])
def test_thirty_days_of_looks_with_votes_and_pairs_find_room(classes: int, requests_a_second: float) -> None:
    count = looks_in(THIRTY_DAYS, classes)
    looks = with_votes_and_pairs(realistic_looks(count, requests_a_second, classes=classes))
    assert looks[-1].at - looks[0].at >= THIRTY_DAYS - spacing(15, count, classes)
    packed = pack_looks(looks)
    assert len(packed) <= LOOKS_LIMIT and not record_is_full([looks])
    assert unpack_looks(packed, classes) == looks


@pytest.mark.parametrize("classes", [0, 3, 10])
def test_a_record_is_full_before_it_outgrows_its_room_and_leaves_the_series_of_several_processes_theirs(
    classes: int,
) -> None:
    count = looks_in(THIRTY_DAYS, classes)
    looks = with_votes_and_pairs(realistic_looks(2 * count, 20_000, classes=classes))
    last = bisect_left(range(len(looks) + 1), True, lo=1, key=lambda number: record_is_full([looks[:number]]))
    assert last < len(looks)
    limit = LOOKS_LIMIT - LIMIT_OF_A_CLASS * classes
    assert limit < len(pack_looks(looks[:last])) < limit + 600
    tally = realistic_looks(300, 200)[-1].baseline
    names = [f"class-{number}" for number in range(max(1, classes))]
    keys = (SeriesKey(2, v, name, f"{p:08x}-4a1d") for v in Variant for name in names for p in range(5))
    assert len(pack(Ledger(dict.fromkeys(keys, tally)))) + len(pack_looks(looks[:last])) <= PACKED_LIMIT


def test_the_room_of_query_classes_is_left_even_when_the_longest_record_is_of_one_dropped_in_shadow() -> None:
    dropped, judged = realistic_looks(2000, 20_000), realistic_looks(30, 200, classes=10)
    packed = [len(pack_looks(dropped[:number])) for number in range(0, 2001, 50)]
    number = 50 * next(place for place, size in enumerate(packed) if size > LOOKS_LIMIT - 6 * LIMIT_OF_A_CLASS)
    assert len(pack_looks(dropped[:number])) + len(pack_looks(judged)) <= LOOKS_LIMIT
    assert record_is_full([dropped[:number], judged])
