"""Every combination of what a guard may have keeps to the room that a status may take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.unit.every_row import every_row
from tests.unit.rollout.guard.sized_guards import (
    Size,
    after_months,
    answered,
    bytes_with,
    counted_by_class,
    counters_of,
    scattered,
    watched_as,
)
from tests.unit.rollout.guarding import guard_of

BOUND = 4096
"""Bytes of the JSON of `status` with every sign as the API server stores it. What stands beside the status, as
managedFields, is not counted."""
OF_HOOKS, BESIDE_LOAD = 656, 80
"""Bytes besides of hooks, a Job and a gate, three conditions of which are shown however large a status is, and of six
query classes where a second setting serves by the load."""
DAYS = 14_400
"""Looks of ten days, at which servers have counted up to three million requests of a class."""


def combinations() -> Iterator[Size]:
    """Every combination of what a guard may have, with three parameters and names of 16 letters."""
    for classes, settings, hooks, follows_load in product(range(7), (1, 3), (False, True), (False, True)):
        yield Size(classes, 0, 3, follows_load, 16, settings, False, hooks)
    for settings, hooks in product((1, 3), (False, True)):
        yield Size(0, 0, 3, False, 16, settings, True, hooks)


@every_row("size", combinations())
def test_every_combination_of_what_a_guard_may_have_fits_into_4_kib_after_ten_days_and_what_hooks_say_besides(
    size: Size,
) -> None:
    """Four servers. Answers of up to six query classes, or golden questions; one setting or three that are proven, a
    second one that serves by the load, or people who approved; hooks, a Job and a gate; each with the longest sentences
    that the conditions of a promotion that all is well with have."""
    answers_at = scattered if size.classes else answered
    spec, state = watched_as(size, answers_at)
    state = after_months(state, answers_at)
    if size.classes:
        state, ledger = counted_by_class(state, DAYS, size.classes, servers=4)
    else:
        ledger = counters_of(4, guard_of(state).clock.step)
    more = OF_HOOKS * size.hooks + BESIDE_LOAD * (size.classes == 6 and size.follows_load)
    assert bytes_with(spec, state, ledger) <= BOUND + more
