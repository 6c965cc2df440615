"""A guard of several query classes looks by the ledger that it keeps, before and after a crash, as it would by one that
keeps everything.
"""

from __future__ import annotations

import random
from dataclasses import replace

from earlystop.api.counts import Tally, Variant
from earlystop.controller.counts.look import state_after_reading
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.convention.answers_by_class import ALL_CLASSES
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.metrics.convention.reading import Reading
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase, RolloutState
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.guarding import begun, guard_of, in_force, promoted
from tests.unit.rollout.policies import policy, started

CLASSES = [{"name": name, "margin": "0.2"} for name in ("easy", "hard", "rare")]
CHANGES = {"guard": {"holdbackWeight": 10}, "objective": {"queryClasses": CLASSES}}
SPEC = policy(CHANGES)
TIMES = LiveTimes.of(SPEC)
SERVED = (*(each["name"] for each in CLASSES), "")
"""Classes that servers count, the last one of requests that name none."""


def counted(rng: random.Random, rows: dict[SeriesKey, Tally], step: int) -> dict[SeriesKey, Tally]:
    """What two servers have counted a look later."""
    found = dict(rows)
    for variant, often in ((Variant.BASELINE, 20), (Variant.CANDIDATE, 180)):
        for name in SERVED:
            for server in ("a", "b"):
                match, mismatch = often + rng.randrange(9), rng.randrange(5)
                number = match + mismatch
                more = Tally(number, number, 0, match, mismatch, 0, 300 * number, 90_000 * number)
                key = SeriesKey(step, variant, name, server)
                found[key] = found.get(key, Tally()) + more
    return found


def promoted_by_classes() -> RolloutState:
    """A promotion of which no look is known."""
    return replace(started(SPEC), phase=Phase.PROMOTED, decision=promoted().decision)


def tracked_guard() -> TrackedPolicy:
    found = tracked(in_force(begun(SPEC, promoted_by_classes())), changes=CHANGES)
    assert found.state.is_guarded
    return found


def test_looks_of_a_guard_are_those_of_a_ledger_that_keeps_every_count_of_every_class_also_after_crashes() -> None:
    found, rng, rows = tracked_guard(), random.Random(1), dict[SeriesKey, Tally]()
    for number in range(8):
        step, at = found.state.clock.step, next_look(TIMES, found.state)
        assert at is not None
        before, rows = rows, counted(rng, rows, step)
        found.state, found.ledger = state_after_reading(found, Reading(at, rows, at, 0), at)
        guard = guard_of(found.state)
        assert isinstance(found.ledger, Ledger)
        assert {key.query_class for key in found.ledger.rows} == {*SERVED[:-1], ALL_CLASSES}
        if guard.looks:
            look, added = guard.looks[-1], {key: rows[key] - before[key] for key in rows}
            for arm, variant in ((look.baseline, Variant.BASELINE), (look.candidate, Variant.CANDIDATE)):
                whole = sum((each for key, each in added.items() if key.variant == variant), Tally())
                assert arm == replace(whole, tokens_squared=0)
            for name, answers in zip(SERVED, look.classes, strict=False):
                of_class = [
                    sum((added[SeriesKey(step, variant, name, server)] for server in ("a", "b")), Tally())
                    for variant in (Variant.BASELINE, Variant.CANDIDATE)
                ]
                assert answers == (of_class[0].match, of_class[0].mismatch, of_class[1].match, of_class[1].mismatch)
        if number % 2:  # the process is lost, and all goes on from what is stored
            again = tracked(found.state, changes=CHANGES, ledger=found.ledger)
            assert guard_of(again.state) == guard_of(found.state) and pack(again.ledger) == pack(found.ledger)  # type: ignore[arg-type]
            found = again
    assert guard_of(found.state).taken >= 6
