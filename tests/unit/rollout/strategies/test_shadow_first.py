"""A search in shadow: every setting is judged on one stream, and the best one alone is proven again on live answers."""

from __future__ import annotations

from functools import cache

import pytest

from earlystop.controller.desired_split import desired_split, largest_split
from earlystop.evidence.objective import Basis
from earlystop.rollout.exposure import shadowed, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.policies import NOW, UID, started
from tests.unit.rollout.several import BAD, Answering, by_name, decided, observe
from tests.unit.rollout.strategies.searches import CURVE, NAMES, SHADOW_FIRST, SHADOW_ONLY

# As if the shadow had not shown what live users get: the setting that is chosen turns out to harm.
DECEIVED = (CURVE[0], CURVE[1], BAD, CURVE[3])


def in_shadow(state: RolloutState) -> bool:
    return state.pinned_plan.stage(state.step).kind is StageKind.SHADOW


@cache
def after_shadow() -> tuple[RolloutState, RolloutState]:
    """The last state in shadow, and the first after it."""
    state = before = started(SHADOW_FIRST)
    turns = Turns()
    while in_shadow(state) and turns.another():
        assert weights(state) == (100, 0, 0, 0, 0) and shadowed(state) == NAMES and state.decision is None
        before, state = state, observe(SHADOW_FIRST, state, CURVE, requests=500)
    return before, state


def test_no_user_sees_a_setting_before_one_is_proven_in_shadow_and_then_sees_that_one_alone() -> None:
    _, state = after_shadow()
    assert weights(state) == (95, 0, 0, 5, 0) and shadowed(state) == ()
    assert [each.name for each in state.active] == ["window-5"]
    reasons = {name: each.dropped.reason for name, each in by_name(state).items() if each.dropped}
    assert reasons == {"window-20": "AnotherSavesMore", "window-10": "AnotherSavesMore", "window-3": "HarmShown"}


def test_what_shadow_shows_promotes_nothing_and_the_one_is_proven_anew_on_live_answers() -> None:
    _, state = after_shadow()
    chosen = by_name(state)["window-5"]
    assert (chosen.looks, chosen.certified_at, chosen.evidence.objective.basis) == ((), None, Basis.ANSWERS)
    final = decided(SHADOW_FIRST, state, CURVE)
    assert final.decision is not None
    assert (final.decision.verdict, final.decision.candidate) == (Verdict.PROMOTE, "window-5")
    assert "not chosen: window-20, window-10" in final.decision.message
    assert differences(verdict_spec("qa", UID, final)) == []
    certified = carried_out(final).certified
    assert certified is not None and certified.values["window"] == "5"


def test_a_setting_that_harms_live_users_is_rolled_back_however_it_looked_in_shadow() -> None:
    _, state = after_shadow()
    final = decided(SHADOW_FIRST, state, DECEIVED)
    assert final.decision is not None
    assert (final.decision.verdict, final.decision.reason) == (Verdict.ROLL_BACK, "HarmShown")
    assert weights(final) == (100, 0, 0, 0, 0)
    assert differences(verdict_spec("qa", UID, final)) == []


def test_when_every_setting_harms_in_shadow_no_user_ever_sees_one() -> None:
    state = started(SHADOW_FIRST)
    turns = Turns()
    while state.decision is None and turns.another():
        assert weights(state) == (100, 0, 0, 0, 0)
        state = observe(SHADOW_FIRST, state, (BAD,) * 4, requests=500)
    assert state.decision.reason == "EveryCandidateDropped"
    assert differences(verdict_spec("qa", UID, state)) == []


def test_one_near_the_margin_is_not_waited_for_without_end() -> None:
    near = Answering(0.752, 100)  # loses 4.8 of 5 points, and would save most
    state = started(SHADOW_FIRST)
    for _ in range(60):
        if not in_shadow(state):
            break
        state = observe(SHADOW_FIRST, state, (*CURVE[:3], near), requests=500)
    assert [each.name for each in state.active] == ["window-5"] and state.decision is None


def test_at_the_deadline_in_shadow_nothing_is_promoted() -> None:
    before, _ = after_shadow()
    late = expire(LiveTimes.of(SHADOW_FIRST), before, NOW + 10**6)
    assert late.decision is not None and late.decision.verdict is Verdict.INCONCLUSIVE
    assert differences(verdict_spec("qa", UID, late)) == []


@pytest.mark.slow
def test_a_search_that_goes_on_from_its_status_at_any_look_ends_the_same() -> None:
    interrupted = started(SHADOW_FIRST)
    turns = Turns()
    while interrupted.decision is None and turns.another():
        interrupted = observe(SHADOW_FIRST, interrupted, CURVE, requests=500)
        interrupted, _ = from_status(to_status("qa", UID, LiveTimes.of(SHADOW_FIRST), interrupted, ""))
    whole = decided(SHADOW_FIRST, started(SHADOW_FIRST), CURVE, requests=500)
    assert verdict_spec("qa", UID, interrupted) == verdict_spec("qa", UID, whole)


def test_the_split_has_room_for_one_setting_whichever_is_foremost() -> None:
    state = started(SHADOW_FIRST)
    turns = Turns()
    while state.decision is None and turns.another():
        split = desired_split(state)
        assert split is not None and len(split.variants) == 2
        assert in_shadow(state) == (split.candidates[0].variant == "window-20" and split.candidate_weight == 0)
        state = observe(SHADOW_FIRST, state, CURVE, requests=500)
    promoted = desired_split(state)
    assert promoted is not None and [each.weight for each in promoted.variants] == [0, 100]
    most = largest_split(SHADOW_FIRST)
    assert len(most.variants) == 2 and len(most.shadows) == 4


def test_the_step_tells_which_setting_was_chosen_and_no_other_is_told_as_a_fault() -> None:
    before, state = after_shadow()
    notes = event_notes(before, state)
    assert not [each for each in notes if each.reason == "CandidateDropped"]


def test_in_mode_shadow_the_best_setting_is_recommended_and_no_user_sees_any() -> None:
    state = started(SHADOW_ONLY)
    turns = Turns()
    while state.decision is None and turns.another():
        assert weights(state) == (100, 0, 0, 0, 0) and shadowed(state) == NAMES
        state = observe(SHADOW_ONLY, state, CURVE, requests=500)
    assert (state.decision.verdict, state.decision.candidate) == (Verdict.RECOMMEND, "window-5")
    assert differences(verdict_spec("qa", UID, state)) == []
