"""A later decision of a campaign is told as what it is, also after its search has ended."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.hooks.happened import occurrences, with_occurrences
from earlystop.rollout.hooks.occurrence import PolicyIdentity
from earlystop.rollout.hooks.outbox import following_hooks
from earlystop.rollout.hooks.outbox_codec import hooks_status, restore_outbox
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, follow
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict
from tests.unit.rollout import searching
from tests.unit.rollout.hooks.occurred import hook
from tests.unit.rollout.policies import UID

IDENTITY = PolicyIdentity("llm", "qa", UID)
SPEC = searching.searched()


def promoted() -> RolloutState:
    world = searching.World(SPEC, searching.SAFE_BUT_LAST)
    state = world.run()
    assert state.phase is Phase.PROMOTED
    return state


def test_an_abort_after_a_search_has_ended_is_told_as_a_rollback() -> None:
    state = promoted()
    assert state.decision is not None
    at = state.decision.at + 500
    after, _ = follow("abort", abort, LiveTimes.of(SPEC), state, Request(state.revision, "user carol"), "", at)
    assert [each.kind for each in occurrences(IDENTITY, state, after)] == [OccurrenceKind.ROLLED_BACK]


def test_promotions_that_a_guard_takes_back_again_and_again_are_told_at_the_third_over_restarts() -> None:
    state = replace(promoted(), outbox=following_hooks(None, [hook()]))
    assert state.decision is not None
    at, name, told = state.decision.at, state.decision.candidate, []
    for number in range(3):
        before = replace(state, campaign=state.campaign + 1, search=None, decision=None)
        kept = Decision(Verdict.PROMOTE, "NonInferiorAndSaving", "It is proven.", at + number, name)
        on = with_occurrences(IDENTITY, [hook()], before, replace(before, decision=kept))
        off = Decision(Verdict.ROLL_BACK, GUARD_ALARM, "Harm was shown.", at + number, name, number=2)
        after = with_occurrences(IDENTITY, [hook()], on, replace(on, decision=off))
        assert after.outbox is not None
        told.append(after.outbox.waiting[-1].kind)
        state = replace(after, outbox=restore_outbox(hooks_status(replace(after.outbox, waiting=()))))
    assert told == [OccurrenceKind.ALARM, OccurrenceKind.ALARM, OccurrenceKind.REPEATED_FAILURE]


def test_an_alarm_counts_as_a_campaign_that_failed() -> None:
    state = replace(promoted(), outbox=following_hooks(None, [hook()]))
    assert state.decision is not None
    at, name = state.decision.at + 500, state.decision.candidate
    alarm = Decision(Verdict.ROLL_BACK, GUARD_ALARM, "Harm was shown.", at, name, number=2)
    after = with_occurrences(IDENTITY, [hook()], state, replace(state, decision=alarm))
    assert after.outbox is not None and after.outbox.failures == 1
