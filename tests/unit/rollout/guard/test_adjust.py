"""Under an alarm the next more careful certified setting serves, never one that was not proven."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.approval import Approval
from earlystop.api.gates import Gate, ObjectCondition
from earlystop.api.guard import Guard
from earlystop.rollout.exposure import weights
from earlystop.rollout.guard.adjust import careful_setting_due, is_more_careful, next_more_careful, step_back
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, follow
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.unit.rollout import several
from tests.unit.rollout.guarding import digest
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.stepping_back import TIMES, alarmed, harmed, object_of, promoted_of_several, restored


@pytest.fixture(scope="module")
def promoted() -> RolloutState:
    return promoted_of_several()


def stepped(times: LiveTimes, state: RolloutState) -> RolloutState:
    assert state.decision is not None
    return step_back(times, state, state.decision.at + 60, lambda: digest(state))


@pytest.mark.slow
def test_an_alarm_steps_back_to_the_next_more_careful_certified_setting_and_then_to_the_baseline(
    promoted: RolloutState,
) -> None:
    assert promoted.leader == "w5" and promoted.comparison("w10").certified_at is not None
    verdicts = [object_of(promoted)]
    off = alarmed(promoted)
    verdicts.append(object_of(off))
    assert weights(off) == (100, 0, 0, 0), "requests got another setting before they were back"
    back = stepped(TIMES, off)
    decision = back.decision
    assert decision is not None and (decision.verdict, decision.reason) == (Verdict.PROMOTE, "SteppedBack")
    verdicts.append(object_of(back))
    served = carried_out(back)
    assert (served.leader, weights(served)) == ("w10", (0, 100, 0, 0))
    assert served.certified is not None and served.certified.values["window"] == "10"
    again, _ = from_status(json.loads(json.dumps(to_status("qa", UID, TIMES, served, ""))))
    assert again.decision == served.decision and again.guard_steps == served.guard_steps
    last = alarmed(served)
    verdicts.append(object_of(last))
    assert stepped(TIMES, last) is last and weights(last) == (100, 0, 0, 0) and last.certified is None
    assert [each["metadata"]["name"].rpartition("-")[2] for each in verdicts[1:]] == ["2", "3", "4"]
    for each in verdicts:
        assert object_differences(each) == [] and chain_differences(each, verdicts) == []


UNASKED: dict[str, dict[str, Any]] = {
    "nobody asks for it": {"guard": Guard(holdback_weight=10)},
    "no guard": {"guard": None},
}
ASKING: dict[str, Any] = {"approval": Approval(mode="BeforePromotion")}
GATED: dict[str, Any] = {
    "gates": (Gate(name="smoke", condition=ObjectCondition(kind="Job", name="a", type="Complete")),)
}
WAITING: dict[str, dict[str, Any]] = {"people are asked": ASKING, "a gate is asked": GATED}
PREVENTED: dict[str, dict[str, Any]] = {**UNASKED, **WAITING, "suspended": {"suspend": True}}


@pytest.mark.parametrize("why", PREVENTED)
def test_what_keeps_a_setting_from_following_an_alarm_once_keeps_it_for_good(promoted: RolloutState, why: str) -> None:
    off = alarmed(promoted)
    for state in (off, replace(off, phase=Phase.ROLLING_BACK)):
        after = stepped(replace(TIMES, **PREVENTED[why]), state)
        assert (after.phase, after.decision, weights(after)) == (state.phase, state.decision, (100, 0, 0, 0))
        back = restored(after)
        assert stepped(TIMES, back) is back, "a later edit promotes"
    assert stepped(TIMES, promoted) is promoted, "nobody has alarmed"


@pytest.mark.parametrize("why", [*UNASKED, *WAITING])
def test_no_edit_makes_a_setting_follow_an_alarm_that_named_none(promoted: RolloutState, why: str) -> None:
    state = harmed(promoted)
    assert alarm_of(state) is not None
    decided = carried_out(respond(replace(TIMES, **PREVENTED[why]), state, digest(promoted), evidence_of(state)))
    assert decided.decision is not None and decided.decision.reason == "GuardAlarm"
    for seconds in (0, 60, 30 * 86_400):
        assert step_back(TIMES, decided, decided.decision.at + seconds, lambda: "") is decided


def test_what_an_alarm_names_follows_within_a_quarter_of_an_hour_or_never(promoted: RolloutState) -> None:
    off = restored(alarmed(promoted))
    assert off.decision is not None
    at = off.decision.at
    assert careful_setting_due(TIMES, off, at + 900) == "w10" and careful_setting_due(TIMES, off, at + 901) is None
    late = step_back(TIMES, off, at + 901, lambda: digest(off))
    assert late.decision == off.decision and stepped(TIMES, late) is late


@pytest.mark.parametrize("is_over", [False, True])
def test_an_abort_after_an_alarm_is_a_decision_and_no_setting_follows(promoted: RolloutState, is_over: bool) -> None:
    off = alarmed(promoted)
    off = off if is_over else replace(off, phase=Phase.ROLLING_BACK)
    request = Request(off.revision, "user carol")
    assert off.decision is not None
    after, declined = follow("abort", abort, TIMES, off, request, digest(off), off.decision.at + 30)
    decision = after.decision
    assert declined is None and decision is not None and (decision.reason, decision.number) == ("Aborted", 3)
    assert decision.requested_by == "user carol" and weights(after) == (100, 0, 0, 0)
    chain = [object_of(each) for each in (promoted, off, after)]
    assert object_differences(chain[-1]) == [] and chain_differences(chain[-1], chain) == []
    over = restored(carried_out(after))
    assert over.phase is Phase.ROLLED_BACK and stepped(TIMES, over) is over
    again = Request(f"{off.revision}#again", "user carol")
    assert follow("abort", abort, TIMES, over, again, digest(over), decision.at + 9)[0].decision == over.decision


def test_what_was_dropped_or_is_not_certified_is_never_stepped_to(promoted: RolloutState) -> None:
    assert next_more_careful(promoted, "w5") == "w10" and next_more_careful(promoted, "w10") is None
    doubted = tuple(replace(each, certified_at=None) for each in promoted.comparisons)
    assert next_more_careful(replace(promoted, comparisons=doubted), "w5") is None


def test_more_careful_means_later_by_every_parameter_that_differs() -> None:
    values = ({"window": "10", "patience": "2"}, {"window": "5", "patience": "2"}, {"window": "20", "patience": "1"})
    candidates = [
        {"name": f"c{number}", "values": [{"name": name, "value": value} for name, value in each.items()]}
        for number, each in enumerate(values)
    ]
    plan = started(policy({**several.TOGETHER, "candidates": candidates})).pinned_plan
    assert is_more_careful(plan, "c0", "c1") and not is_more_careful(plan, "c1", "c0")
    assert not is_more_careful(plan, "c2", "c1") and not is_more_careful(plan, "c0", "c0")
