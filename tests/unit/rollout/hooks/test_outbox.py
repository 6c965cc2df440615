"""What waits to be told is told in order, to everybody who wants it, or given up aloud; and it never grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.hooks import Hook, OccurrenceKind
from earlystop.rollout.hooks.outbox import (
    CROWDED_OUT,
    MOST_WAITING,
    HookJob,
    JobResult,
    Outbox,
    Settled,
    following_hooks,
    next_for,
    put,
)
from earlystop.rollout.hooks.outbox_codec import hooks_status, restore_outbox
from tests.turns import Turns
from tests.unit.rollout.hooks.occurred import hook, occurred
from tests.unit.rollout.policies import examples

PROMOTED, ROLLED_BACK = OccurrenceKind.PROMOTED, OccurrenceKind.ROLLED_BACK
HOOKS = (hook("all"), hook("bad", ROLLED_BACK), hook("good", PROMOTED))


def begun(*hooks: Hook) -> Outbox:
    outbox = following_hooks(None, hooks)
    assert outbox is not None
    return outbox


def stored(outbox: Outbox) -> Outbox:
    """As a restarted operator reads it."""
    restored = restore_outbox(hooks_status(outbox))
    assert restored == outbox
    return restored


@pytest.mark.slow
@examples
@given(st.lists(st.sampled_from(["promoted", "rolled back", "all", "bad", "good", "restart"]), max_size=60))
def test_each_hook_is_told_what_it_wants_once_in_order_or_it_is_given_up(acts: list[str]) -> None:
    outbox, happened = begun(*HOOKS), list[OccurrenceKind]()
    settled: dict[str, list[int]] = {each.name: [] for each in HOOKS}
    for act in acts:
        if act in ("promoted", "rolled back"):
            happened.append(PROMOTED if act == "promoted" else ROLLED_BACK)
            outbox = put(outbox, HOOKS, occurred(happened[-1]))
        elif act == "restart":
            outbox = stored(outbox)
        else:
            due = next_for(outbox, next(each for each in HOOKS if each.name == act))
            if due is not None:
                settled[act].append(due.number)
                outbox = following_hooks(outbox, HOOKS, [Settled(act, due.number)]) or outbox
        assert len(outbox.waiting) <= MOST_WAITING
    for each in HOOKS:
        turns = Turns()
        while (due := next_for(outbox, each)) is not None and turns.another():
            settled[each.name].append(due.number)
            outbox = following_hooks(outbox, HOOKS, [Settled(each.name, due.number)]) or outbox
        wanted = [number for number, kind in enumerate(happened, 1) if each.wants(kind)]
        cursor = outbox.cursor(each.name)
        assert cursor is not None
        assert settled[each.name] == sorted(set(settled[each.name])) and set(settled[each.name]) <= set(wanted)
        assert len(settled[each.name]) + cursor.given_up == len(wanted)
    assert outbox.waiting == ()


def test_what_was_told_is_told_no_more_and_kept_no_longer() -> None:
    outbox = put(put(begun(hook()), [hook()], occurred()), [hook()], occurred())
    after = following_hooks(outbox, [hook()], [Settled("chat", 1)])
    assert after is not None and [each.number for each in after.waiting] == [2]
    assert following_hooks(after, [hook()], [Settled("chat", 1)]) is after


def test_a_hook_that_is_written_later_is_told_what_happens_from_then_on() -> None:
    outbox = put(begun(hook("first")), [hook("first")], occurred())
    both = [hook("first"), hook("second")]
    later = following_hooks(outbox, both)
    assert later is not None and next_for(later, both[0]) is not None and next_for(later, both[1]) is None
    assert next_for(put(later, both, occurred()), both[1]) is not None


def test_what_waits_for_a_hook_that_was_removed_is_dropped() -> None:
    outbox = put(begun(hook("first"), hook("second")), [hook("first"), hook("second")], occurred())
    after = following_hooks(outbox, [hook("second")], [Settled("second", 1)])
    assert after is not None and after.waiting == () and after.cursor("first") is None
    assert following_hooks(begun(hook("first")), []) is None, "nothing was ever told"


def test_numbers_go_on_when_all_hooks_were_removed_meanwhile_so_that_no_id_comes_twice() -> None:
    outbox = put(begun(hook()), [hook()], occurred())
    without = following_hooks(outbox, [])
    assert without is not None and (without.last, without.waiting, without.cursors) == (1, (), ())
    assert following_hooks(stored(without), []) == without
    unheard = put(without, [], occurred())
    again = following_hooks(stored(unheard), [hook()])
    assert again is not None and next_for(again, hook()) is None
    due = next_for(put(again, [hook()], occurred()), hook())
    assert due is not None and due.number == 3


def test_a_receiver_that_never_answers_makes_the_oldest_give_way_and_that_is_counted_with_its_reason() -> None:
    outbox = begun(*HOOKS)
    for _ in range(MOST_WAITING + 2):
        outbox = put(outbox, HOOKS, occurred(ROLLED_BACK))
    cursor, uninterested = outbox.cursor("bad"), outbox.cursor("good")
    assert cursor is not None and (cursor.given_up, cursor.told_to, cursor.problem) == (2, 2, CROWDED_OUT)
    assert uninterested is not None and uninterested.given_up == 0
    assert [each.number for each in outbox.waiting] == list(range(3, MOST_WAITING + 3))


def test_a_job_that_is_given_up_is_not_said_to_run_for_ever() -> None:
    outbox = put(begun(hook()), [hook()], occurred())
    runs = following_hooks(outbox, [hook()], [Settled("chat", 1, job=HookJob(1, "retrain", JobResult.RUNNING))])
    assert runs is not None and runs.cursors[0].job is not None and runs.cursors[0].told_to == 0
    for _ in range(MOST_WAITING):
        runs = put(runs, [hook()], occurred())
    assert runs.cursors[0].problem == CROWDED_OUT and runs.cursors[0].job is None
    ended = following_hooks(outbox, [hook()], [Settled("chat", 1, job=HookJob(1, "retrain", JobResult.SUCCEEDED))])
    assert ended is not None and ended.cursors[0].job is not None and ended.cursors[0].told_to == 1


def test_a_hook_that_is_told_again_says_so() -> None:
    outbox = put(put(begun(hook()), [hook()], occurred()), [hook()], occurred())
    given_up = following_hooks(outbox, [hook()], [Settled("chat", 1, "the receiver answers 500")])
    told = following_hooks(given_up, [hook()], [Settled("chat", 2)])
    assert given_up is not None and told is not None
    assert [each.cursors[0].problem for each in (given_up, told)] == ["the receiver answers 500", ""]
    assert told.cursors[0].given_up == 1
