"""Under an alarm the next more careful certified setting serves, never one that was not proven."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.rollout.exposure import weights
from earlystop.rollout.guard.adjust import is_more_careful, next_more_careful, step_back
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify import chain_differences, object_differences
from tests.unit.rollout import several
from tests.unit.rollout.guarding import HARM, digest, in_force, look, watched
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import SAVING, Server

GUARD = {"guard": {"holdbackWeight": 10, "adjust": {}}}
SPEC = policy({**several.TOGETHER, **GUARD})
TIMES = LiveTimes.of(SPEC)


@pytest.fixture(scope="module")
def promoted() -> RolloutState:
    """w5, which saves most of three, with w10 certified beside it and w1 dropped."""
    return carried_out(several.decided(SPEC, started(SPEC), several.USUAL))


def object_of(state: RolloutState) -> dict[str, Any]:
    return {
        "metadata": {"name": verdict_name("qa", state)},
        "spec": json.loads(json.dumps(verdict_spec("qa", UID, state))),
    }


def guarded(state: RolloutState) -> tuple[RolloutState, Server]:
    server = Server()
    assert state.decision is not None
    state = look(SPEC, in_force(follow_guard(TIMES, state, state.decision.at + 5)), server)
    return watched(SPEC, state, server, SAVING, 10), server


def alarmed(state: RolloutState) -> RolloutState:
    state, server = guarded(state)
    after = watched(SPEC, state, server, HARM, 100)
    assert after.phase is Phase.ROLLING_BACK
    return carried_out(after)


def stepped(times: LiveTimes, state: RolloutState) -> RolloutState:
    assert state.decision is not None
    return step_back(times, state, state.decision.at + 60, lambda: digest(state))


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


@pytest.mark.parametrize("change", [{"guard": None}, {"suspend": True}])
def test_nothing_steps_anywhere_without_being_asked_to_or_while_suspended(
    promoted: RolloutState, change: dict[str, Any]
) -> None:
    off = alarmed(promoted)
    assert stepped(replace(TIMES, **change), off) is off
    plain = LiveTimes.of(policy({**several.TOGETHER, "guard": {"holdbackWeight": 10}}))
    assert stepped(plain, off) is off
    assert stepped(TIMES, promoted) is promoted, "nobody has alarmed"


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
