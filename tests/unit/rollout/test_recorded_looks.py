"""Looks that a verdict alone holds come back from it, whatever the campaign judged by."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import compact, whole, without_looks
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.recorded_looks import status_with_looks, with_looks
from earlystop.rollout.spent_risk import attempts_spent
from earlystop.rollout.state import Decision, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_object
from tests.unit.report.drawn_verdicts import drawn_campaign
from tests.unit.rollout.classes import EASY_AND_HARD, IN_SHADOW, LIVE, decided
from tests.unit.rollout.guarding import SPEC, guard_of, promoted, watched, watching
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import SAVING, Server

Status = dict[str, Any]


def status_of(state: RolloutState) -> Status:
    """The status as the API server gives it back."""
    times = LiveTimes.of(state.pinned_plan.spec)
    read: Status = json.loads(json.dumps(to_status("qa", UID, times, state, "")))
    return read


def left_out(status: Status) -> Status:
    """The status as if a guard watched over the promotion, and its verdict were stored."""
    guarded = {**status, "phase": "Promoted", "guard": {"looksTaken": 0}}
    return {**status, "internal": without_looks(guarded)["internal"]}


def lacking(state: RolloutState) -> RolloutState:
    return from_status(left_out(status_of(state)))[0]


def unmarked(state: RolloutState) -> RolloutState:
    """Without the counts at which another look of the trial would begin: there is none."""
    parts = [tuple(replace(part, mark=Totals()) for part in each.by_class) for each in state.comparisons]
    marks = (replace(each, mark=Totals(), by_class=of) for each, of in zip(state.comparisons, parts, strict=True))
    return replace(state, comparisons=tuple(marks))


def verdict_of(state: RolloutState) -> Status:
    read: Status = json.loads(json.dumps(verdict_object("qa", "llm", UID, state)))
    return read


@pytest.fixture(scope="module")
def guarded() -> RolloutState:
    server = Server()
    return watched(SPEC, watching(SPEC, server), server, SAVING, 40)


def drawn(seed: int) -> RolloutState:
    """A drawn campaign that was rolled back, as its status gives it back."""
    return from_status(status_of(replace(drawn_campaign(seed), phase=Phase.ROLLED_BACK)))[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_looks_come_back_from_the_verdict_of_any_campaign(seed: int) -> None:
    state = drawn(seed)
    status = status_of(state)
    if left_out(status) == status:
        assert not state.looks
        return
    lacks = lacking(state)
    assert lacks.lacks_looks and not lacks.most_looks
    assert unmarked(with_looks(lacks, verdict_of(state))) == unmarked(state)
    restored = from_status(status_with_looks(left_out(status), verdict_of(state)))
    assert (unmarked(restored[0]), restored[1]) == (unmarked(state), "")
    assert digest_of_decision("qa", UID, lacks) == digest_of_decision("qa", UID, state)


@pytest.mark.parametrize("spec", [IN_SHADOW, LIVE])
def test_so_do_those_of_query_classes_that_are_judged_by_themselves(spec: PolicySpec) -> None:
    state = carried_out(decided(spec, started(spec), EASY_AND_HARD))
    lacks = lacking(state)
    assert not any(part.looks for each in lacks.comparisons for part in each.by_class)
    assert unmarked(with_looks(lacks, verdict_of(state))) == unmarked(state)


def test_a_status_that_lacks_its_looks_says_of_them_what_it_said_before(guarded: RolloutState) -> None:
    status = status_of(guarded)
    short = json.loads(json.dumps(compact(without_looks(status))))
    state, _ = from_status(short)
    again = status_of(state)
    assert "looks" not in whole(short)["internal"] and whole(short)["internal"]["recorded"] == 1
    assert again["evidence"] == status["evidence"], "no claim but those of every policy was judged"
    parts = ("internal", "evidence")
    assert {**again, **dict.fromkeys(parts)} == {**status, **dict.fromkeys(parts)}
    assert from_status(status_with_looks(whole(short), verdict_of(guarded)))[0] == unmarked(guarded)


def test_who_approved_and_the_verdict_before_stand_in_the_verdict_and_come_back_from_it(guarded: RolloutState) -> None:
    assert guarded.decision is not None
    proposal, previous = (f"sha256:{digit * 64}" for digit in "ab")
    decision = replace(guarded.decision, proposal=proposal, approved_by=("user ben", "user eve"))
    state = replace(guarded, decision=decision, previous_digest=previous)
    status = status_of(state)
    short = whole(json.loads(json.dumps(compact(without_looks(status)))))
    assert "previousDigest" not in short and not {"proposalDigest", "approvedBy"} & short["decision"].keys()
    lacks, verdict = from_status(short)[0], verdict_of(state)
    assert unmarked(with_looks(lacks, verdict)) == unmarked(state)
    assert digest_of_decision("qa", UID, lacks) == verdict["spec"]["digest"] == digest_of_decision("qa", UID, state)
    back = status_with_looks(short, verdict)
    assert back["decision"] == status["decision"] and back["previousDigest"] == previous


def test_looks_leave_a_guarded_status_alone_and_one_of_an_earlier_release_is_read(guarded: RolloutState) -> None:
    assert without_looks(status_of(promoted())) == status_of(promoted())
    status = status_of(guarded)
    assert status_with_looks(status, None) is status and from_status(status)[0] == guarded


@pytest.mark.parametrize("harm", ["gone", "another's", "a look fewer", "no spec", "of a later release"])
def test_a_verdict_that_does_not_hold_the_looks_is_refused_with_a_sentence(guarded: RolloutState, harm: str) -> None:
    verdict = verdict_of(guarded)
    match harm:
        case "another's":
            verdict = verdict_of(drawn(3))
        case "a look fewer":
            verdict["spec"]["lookTable"] = verdict["spec"]["lookTable"].rsplit("\n", 1)[0]
        case "no spec":
            verdict = {"spec": None}
        case "of a later release":
            verdict["spec"]["unheardOf"] = 1
    with pytest.raises(ValueError, match=r"^(is|cannot)"):
        with_looks(lacking(guarded), None if harm == "gone" else verdict)


def test_a_decision_after_looks_were_lost_has_a_digest_of_its_own_and_names_the_one_before(
    guarded: RolloutState,
) -> None:
    lost = lacking(guarded)
    first = digest_of_decision("qa", UID, lost)
    decision = Decision(Verdict.ROLL_BACK, "GuardAlarm", "Harm.", NOW + 99_999, "w10", number=2)
    later = replace(lost, phase=Phase.ROLLING_BACK, decision=decision, previous_digest=first)
    digest = digest_of_decision("qa", UID, later)
    assert digest not in ("", first) and verdict_of(later)["spec"]["digest"] == digest
    again = from_status(status_of(later))[0]
    assert not again.lacks_looks and digest_of_decision("qa", UID, again) == digest
    assert status_of(again)["evidence"]["effect"] == status_of(guarded)["evidence"]["effect"]


def test_a_campaign_whose_looks_were_lost_has_spent_its_risk() -> None:
    spec = policy({"guard": {"holdbackWeight": 10}, "objective": {"risk": {"campaigns": 3}}})
    state = promoted(spec)
    assert len(attempts_spent(lacking(state))) == len(attempts_spent(state)) == 1
    assert not attempts_spent(started(spec)), "a campaign without any look has spent nothing"
    assert guard_of(watching(spec)).taken == 0
