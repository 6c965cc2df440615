"""A decision that follows one whose verdict could not be stored leaves no gap, whoever is killed meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, promote_now
from earlystop.rollout.record.chain_report import chain_report
from earlystop.rollout.state import ACTING, Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.unstored import relinked, states_to_record
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout import searching, stepping_back
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import SAVING, Server, decided

HOLDING = policy({"rollout": {"deadlineSeconds": 600, "onInconclusive": "Hold"}})


def digest(state: RolloutState) -> str:
    return digest_of_decision("qa", UID, state)


def requested(what: str, state: RolloutState) -> RolloutState:
    """The state after a person's abort or promotion, by the spec that it is pinned to."""
    decide = {"abort": abort, "promote": promote_now}[what]
    assert state.decision is not None
    after = decide(
        LiveTimes.of(state.pinned_plan.spec),
        state,
        Request(f"{state.revision}#{what}", "carol"),
        digest(state),
        state.decision.at + 1,
    )
    assert isinstance(after, RolloutState)
    return after


def restored(state: RolloutState) -> RolloutState:
    times = LiveTimes.of(state.pinned_plan.spec)
    return from_status(json.loads(json.dumps(to_status("qa", UID, times, state, ""))))[0]


def decided_often(which: str) -> RolloutState:
    """A campaign of which no verdict could be stored since its decision, and the decisions after it."""
    match which:
        case "a promotion and its abort":
            return requested("abort", decided(policy(), started(policy()), Server(), SAVING))
        case "a hold, its promotion and its abort":
            held = expire(LiveTimes.of(HOLDING), started(HOLDING), started(HOLDING).campaign_started_at + 600)
            return requested("abort", requested("promote", held))
        case "a promotion of a search and its abort":
            world = searching.World(searching.searched(), searching.SAFE_BUT_LAST)
            world.run(lambda state: state.phase is Phase.PROMOTING)
            return requested("abort", world.state)
        case _:
            alarm = stepping_back.off_by_alarm(stepping_back.promoted_of_several())
            return requested("abort", alarm)


CASES = {
    "a promotion and its abort": ("Promote", "RollBack"),
    "a hold, its promotion and its abort": ("Inconclusive", "Promote", "RollBack"),
    "a promotion of a search and its abort": ("Promote", "RollBack"),
    "an alarm and its abort": ("RollBack", "RollBack"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_verdicts_of_all_decisions_are_made_in_their_order_as_each_was_promised(case: str) -> None:
    state = decided_often(case)
    stored = restored(state)
    assert state.phase in ACTING and len(state.unstored) == len(CASES[case]) - 1
    made = [verdict_object("qa", "llm", UID, each) for each in states_to_record(stored)]
    assert [each["spec"]["decision"] for each in made] == list(CASES[case])
    for before, after in pairwise(made):
        assert after["spec"]["previous"] == before["spec"]["digest"]
    report = chain_report("qa", _with_the_one_before(case, made))
    assert (report.problems, report.head) == ((), digest(state))
    assert carried_out(stored).unstored == ()


def _with_the_one_before(case: str, made: list[dict[str, object]]) -> list[dict[str, object]]:
    """The verdicts with that of the promotion over which the guard has alarmed: it was stored."""
    if case != "an alarm and its abort":
        return made
    promoted = stepping_back.promoted_of_several()
    return [verdict_object("qa", "llm", UID, promoted), *made]


@pytest.mark.parametrize("case", CASES)
def test_whoever_aborts_again_and_again_adds_no_decision(case: str) -> None:
    state = decided_often(case)
    assert requested("abort", state) is state


def test_a_release_that_renders_verdicts_otherwise_links_them_as_it_renders_them() -> None:
    state = restored(decided_often("a hold, its promotion and its abort"))
    assert relinked(state, digest) is state
    first, second = state.unstored
    other = replace(state, unstored=(first, replace(second, previous_digest="sha256:y")), previous_digest="sha256:x")
    assert relinked(other, digest) == state
