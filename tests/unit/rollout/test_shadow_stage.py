"""Judging in shadow: alone it reports and moves nothing; before a rollout it keeps harm from users."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.evidence.objective import Basis
from earlystop.rollout.conditions import conditions
from earlystop.rollout.exposure import shadowed, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observations
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import TRYING, Phase, RolloutState, Verdict
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.several import (
    BAD,
    GOOD,
    IN_SHADOW,
    STAGED,
    STAGED_TOGETHER,
    TOGETHER,
    USUAL,
    Answering,
    by_name,
    decided,
    observe,
)


def _kind(state: RolloutState) -> StageKind:
    return state.pinned_plan.stage(state.step).kind


def test_shadow_alone_judges_every_candidate_on_one_stream_reports_the_best_and_moves_no_traffic() -> None:
    state = started(IN_SHADOW)
    turns = Turns()
    while state.phase in TRYING and turns.another():
        assert weights(state) == (100, 0, 0, 0) and shadowed(state) == ("w10", "w5", "w1")
        state = observe(IN_SHADOW, state, USUAL, requests=200)
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.candidate) == (Verdict.RECOMMEND, "w5")
    assert by_name(state)["w1"].dropped is not None
    reported = carried_out(state)
    assert reported.phase == Phase.REPORTED and weights(reported) == (100, 0, 0, 0) and shadowed(reported) == ()
    assert reported.certified is None, "what was never in force is not what a GitOps user commits"
    said = {each.type.value: each for each in conditions(reported, Observations())}
    assert said["Promoted"].status == "False" and "w5" in said["Ready"].message
    assert differences(verdict_spec("qa", UID, reported)) == []


def test_a_candidate_that_harms_in_shadow_is_rolled_back_before_any_user_sees_it() -> None:
    state = started(STAGED)
    turns = Turns()
    while state.decision is None and turns.another():
        assert weights(state) == (100, 0) and shadowed(state) == ("w10",)
        state = observe(STAGED, state, (BAD,), requests=100)
    assert (state.decision.verdict, state.decision.reason) == (Verdict.ROLL_BACK, "HarmShown")
    assert weights(state) == (100, 0) and shadowed(state) == ()
    assert differences(verdict_spec("qa", UID, state)) == []


def test_what_shadow_shows_promotes_nothing_and_live_evidence_starts_from_none() -> None:
    state = started(STAGED)
    turns = Turns()
    while _kind(state) is StageKind.SHADOW and turns.another():
        before, state = state, observe(STAGED, state, (GOOD,), requests=3000)
        assert state.decision is None, "however much is proven in shadow, users have not had it yet"
    (was,), (now,) = before.comparisons, state.comparisons
    assert was.evidence.objective.basis is Basis.PAIRS and len(was.looks) > 5
    assert now.evidence.objective.basis is Basis.ANSWERS and now.looks == ()
    assert (state.phase, weights(state), shadowed(state)) == (Phase.APPLYING, (95, 5), ())
    final = decided(STAGED, state, (GOOD,))
    assert final.decision is not None and final.decision.verdict is Verdict.PROMOTE
    assert differences(verdict_spec("qa", UID, final)) == []


def test_the_end_of_the_shadow_stage_is_told_even_when_it_comes_with_a_drop() -> None:
    state = started(STAGED_TOGETHER)
    state = observe(STAGED_TOGETHER, state, (GOOD, GOOD, GOOD), requests=100, looks=7)
    assert _kind(state) is StageKind.SHADOW and len(state.active) == 3
    after = observe(STAGED_TOGETHER, state, (GOOD, GOOD, BAD), requests=1000)
    assert _kind(after) is StageKind.SPLIT and len(after.active) == 2
    assert [story.reason for story in event_notes(state, after)] == [
        "StepAdvanced",
        "CandidateDropped",
    ]


def test_in_the_shadow_stage_one_that_does_nothing_is_told_and_holds_back_no_other() -> None:
    idle = Answering(mean_tokens=600)
    state, told = started(STAGED_TOGETHER), []
    for _ in range(20):
        before, state = state, observe(STAGED_TOGETHER, state, (GOOD, GOOD, idle), requests=1000)
        told += [story.reason for story in event_notes(before, state)]
        if _kind(state) is StageKind.SPLIT:
            break
        assert {each.type.value: each.status for each in conditions(state, Observations())}["Progressing"] == "True"
    assert _kind(state) is StageKind.SPLIT and told == ["SettingNotEffective", "StepAdvanced"], "none is proven live"
    stuck = observe(STAGED_TOGETHER, started(STAGED_TOGETHER), (idle, idle, idle), requests=1000, looks=20)
    assert _kind(stuck) is StageKind.SHADOW, "then the setting reaches no engine"
    assert {each.type.value: each.reason for each in conditions(stuck, Observations())}[
        "Progressing"
    ] == "SettingNotEffective"


@pytest.mark.parametrize("together", [{}, TOGETHER])
@pytest.mark.parametrize("stage", [{"shadowSeconds": 120}, {"learnSeconds": 120, "shadowSeconds": 120}])
def test_a_rollout_that_ends_in_shadow_before_its_first_look_can_be_recomputed(
    together: dict[str, Any], stage: dict[str, int]
) -> None:
    classes = {"queryClasses": [{"name": "multi-hop", "margin": "0.03"}], "requireEach": True}
    spec = policy({**together, "rollout": {**together.get("rollout", {}), **stage}, "objective": classes})
    state = started(spec)
    turns = Turns()
    while _kind(state) is not StageKind.SHADOW and turns.another():
        state = observe(spec, state, USUAL[: len(state.comparisons)])
    ended = expire(LiveTimes.of(spec), state, NOW + 10**6)
    assert ended.looks == () and differences(verdict_spec("qa", UID, ended)) == []


def test_one_of_several_that_harms_in_shadow_never_gets_a_share() -> None:
    state = started(STAGED_TOGETHER)
    shares = set()
    turns = Turns()
    while state.phase in TRYING and turns.another():
        shares.add(weights(state))
        state = observe(STAGED_TOGETHER, state, USUAL)
    assert shares == {(100, 0, 0, 0), (60, 20, 20, 0)}
    assert state.decision is not None and state.decision.candidate == "w5"
    assert differences(verdict_spec("qa", UID, state)) == []
