"""By the load one of two certified settings serves, never one that was not proven, and the guard mixes neither."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from earlystop.api.approval import Approval
from earlystop.api.gates import Gate, ObjectCondition
from earlystop.api.guard import Guard
from earlystop.evidence import guard_detectors
from earlystop.rollout.certificate.binding import Lapse, Part
from earlystop.rollout.exposure import promoted_label, serving, weights
from earlystop.rollout.guard.busy import LoadRead, follow_load
from earlystop.rollout.guard.busy_words import load_condition, load_notes
from earlystop.rollout.guard.detector_packing import pack_detectors, rounded
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, follow
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.step_moves import lose_metrics
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.unit.rollout.guarding import HARM, digest, guard_of, in_force, look, watched
from tests.unit.rollout.policies import policy
from tests.unit.rollout.stepping_back import SPEC as STEPPING
from tests.unit.rollout.stepping_back import guarded, object_of, promoted_of_several, restored
from tests.unit.rollout.traffic import SAVING, Server

WHEN_BUSY: dict[str, Any] = {"load": "queue", "above": "40", "below": "10", "minimumSeconds": 300, "changesPerHour": 4}
SPEC = STEPPING.model_copy(
    update={"guard": Guard.model_validate({"holdbackWeight": 10, "adjust": {}, "whenBusy": WHEN_BUSY})}
)
TIMES = LiveTimes.of(SPEC)
IDLE, BETWEEN, FULL = LoadRead(3.0), LoadRead(25.0), LoadRead(60.0)


@pytest.fixture(scope="module")
def served() -> RolloutState:
    """w5 was promoted and is watched; w10 is certified beside it and more careful."""
    return guarded(promoted_of_several())[0]


def after(seconds: int, state: RolloutState, load: LoadRead, times: LiveTimes = TIMES) -> RolloutState:
    return follow_load(times, state, load, guard_of(state).since + seconds)


def quiet(state: RolloutState, seconds: int = 400) -> RolloutState:
    """The same with the more careful setting in force, watched for a while."""
    state, server = after(seconds, state, IDLE), Server()
    return watched(SPEC, look(SPEC, in_force(state), server), server, SAVING, 10)


def test_with_little_load_the_more_careful_certified_setting_serves_and_under_load_the_promoted_one(
    served: RolloutState,
) -> None:
    assert weights(served) == (10, 0, 90, 0)
    calm = quiet(served)
    assert (serving(calm), promoted_label(calm), weights(calm)) == ("w10", "w10", (10, 90, 0, 0))
    assert calm.phase is Phase.PROMOTED and calm.decision == served.decision, "the load is no decision of the campaign"
    assert after(900, calm, BETWEEN) is calm, "between the two thresholds nothing changes"
    busy = after(900, calm, FULL)
    assert (serving(busy), weights(busy)) == ("w5", (10, 0, 90, 0))
    assert after(1000, busy, BETWEEN) is busy


def test_a_setting_serves_for_its_least_time_and_changes_so_often_an_hour_at_most(served: RolloutState) -> None:
    assert after(299, served, IDLE) is served and serving(after(300, served, IDLE)) == "w10"
    state, changed = served, []
    for seconds in range(0, 7200, 10):
        new = after(seconds, state, FULL if guard_of(state).busy.serves else IDLE)
        if new is not state:
            server = Server()
            state = watched(SPEC, look(SPEC, in_force(new), server), server, SAVING, 1)
            changed.append(seconds)
    assert len(changed) >= 8 and all(later - earlier >= 300 for earlier, later in pairwise(changed))
    assert all(sum(at - 3600 < each <= at for each in changed) <= 4 for at in changed)


def test_a_load_that_nobody_knows_changes_nothing_and_is_told(served: RolloutState) -> None:
    unknown = LoadRead(None, "the query gives nothing")
    for state in (served, quiet(served)):
        assert after(90_000, state, unknown) is state
        condition = load_condition(TIMES, state, unknown)
        assert condition is not None and (condition.status.value, condition.reason) == ("Unknown", "LoadUnknown")
        assert "the query gives nothing" in condition.message and serving(state) in condition.message


def test_each_setting_goes_on_with_detectors_of_its_own_over_changes_and_restarts(served: RolloutState) -> None:
    guard = guard_of(served)
    calm = after(400, served, IDLE)
    fresh = guard_of(calm)
    assert fresh.taken == 0 and not fresh.looks and not fresh.window.parts and fresh.clock.step != guard.clock.step
    started = guard_detectors.start(fresh.objective)
    assert pack_detectors(fresh.detectors, fresh.objective) == pack_detectors(started, fresh.objective)
    calm = quiet(served)
    parked = rounded(guard_of(calm).detectors, guard_of(calm).objective)
    packed = pack_detectors(parked, guard_of(calm).objective)
    busy = restored(after(900, restored(calm), FULL))
    again = guard_of(busy)
    assert again.taken == guard.taken and again.busy.parked == packed
    assert again.detectors == rounded(guard.detectors, guard.objective)
    assert again.checkpoint_at == guard.since + 900, "time in which the other one served opens no bets"
    steps = [guard_of(each).clock.step for each in (served, calm, busy)]
    assert len(set(steps)) == 3, "counters of two settings have one label"


def test_harm_of_a_setting_that_serves_now_and_then_is_found_over_its_turns(served: RolloutState) -> None:
    state, server, moment = served, Server(), 400
    for _ in range(40):
        harmful = not guard_of(state).busy.serves
        state = watched(SPEC, state, server, HARM if harmful else SAVING, 3)
        if not state.is_guarded:
            break
        moment = max(moment + 1000, guard_of(state).looked_at - guard_of(state).since + 1)
        state = after(moment, state, IDLE if harmful else FULL)
        server = Server()
        state = look(SPEC, in_force(state), server)
    decision = state.decision
    assert decision is not None and (decision.reason, decision.candidate) == ("GuardAlarm", "w5")
    assert weights(state) == (100, 0, 0, 0)


def test_an_alarm_is_about_the_setting_that_serves_and_its_verdict_can_be_recomputed(served: RolloutState) -> None:
    calm = after(400, served, IDLE)
    state, server = calm, Server()
    state = look(SPEC, in_force(state), server)
    state = watched(SPEC, state, server, HARM, 100)
    decision = state.decision
    assert decision is not None and (decision.reason, decision.candidate) == ("GuardAlarm", "w10")
    alarm = guard_of(state).alarm
    assert alarm is not None and state.certified is None and alarm.then == "", "nothing is more careful"
    first, second = object_of(served), object_of(state)
    assert object_differences(second) == [] and chain_differences(second, [first, second]) == []
    back = restored(carried_out(state))
    for load in (IDLE, FULL):
        assert follow_load(TIMES, back, load, decision.at + 9000) is back, "a setting serves although an alarm stands"


ASKING = Approval(mode="Always")
GATE = Gate(name="smoke", condition=ObjectCondition(kind="Job", name="a", type="Complete"))
LAPSE = Lapse((Part.MODEL,), 5, 5)


def lapsed(state: RolloutState) -> RolloutState:
    assert state.certified is not None
    return replace(state, certified=replace(state.certified, lapse=LAPSE))


def by_person(state: RolloutState) -> RolloutState:
    assert state.decision is not None
    return replace(state, decision=replace(state.decision, requested_by="user carol"))


def unproven(state: RolloutState) -> RolloutState:
    return replace(state, comparisons=tuple(replace(each, certified_at=None) for each in state.comparisons))


STATES: dict[str, tuple[Any, str]] = {
    "no certificate": (lambda state: replace(state, certified=None), "NotCertified"),
    "a person promoted it": (by_person, "NotCertified"),
    "nothing else is proven": (unproven, "NothingMoreCareful"),
}
TERMS: dict[str, dict[str, Any]] = {
    "people must agree to each": {"approval": ASKING},
    "a gate must be open": {"gates": (GATE,)},
    "suspended": {"suspend": True},
}


@pytest.mark.parametrize("why", [*STATES, *TERMS])
def test_what_is_not_certified_or_not_agreed_to_or_paused_never_serves_by_the_load(
    served: RolloutState, why: str
) -> None:
    change, reason = STATES.get(why, (lambda state: state, "NeedsConsent"))
    times = replace(TIMES, **TERMS.get(why, {}))
    for state in map(change, (served, quiet(served))):
        for load in (IDLE, FULL):
            assert after(90_000, state, load, times) is state
        condition = load_condition(times, state, IDLE)
        assert why == "suspended" or (condition is not None and condition.reason == reason)


def test_once_the_certificate_has_lapsed_nothing_bolder_serves_whatever_the_load_is(served: RolloutState) -> None:
    for load in (IDLE, FULL, LoadRead(None, "gone")):
        assert serving(after(10, lapsed(served), load)) == "w10", "the guard tightens at once"
        calm = lapsed(quiet(served))
        assert after(90_000, calm, load) is calm
    condition = load_condition(TIMES, lapsed(served), FULL)
    assert condition is not None and condition.reason == "Lapsed"


def test_nothing_bolder_serves_while_the_guard_cannot_see(served: RolloutState) -> None:
    calm = quiet(served)
    begins = after(400, served, IDLE)
    for blind in (lose_metrics(calm, guard_of(calm).looked_at + 5), begins, in_force(begins)):
        assert after(90_000, blind, FULL) is blind


def test_a_load_that_swings_hides_no_blindness_and_lets_nothing_bolder_serve_unseen(served: RolloutState) -> None:
    calm, server = after(400, served, IDLE), Server()
    state, seen = look(SPEC, in_force(calm), server), SAVING.at(90)
    baseline, promoted = (replace(each, match=0, mismatch=0, unscored=0) for each in (seen.baseline, seen.candidate))
    for _ in range(40):
        server.serve(state, replace(seen, baseline=baseline, candidate=promoted))
        state = look(SPEC, state, server)
        assert after(90_000, state, FULL) is state, "no answer of what serves has been compared"
    assert guard_of(state).is_blind


def test_without_the_part_or_without_the_guard_the_promoted_setting_serves_again(served: RolloutState) -> None:
    calm = quiet(served)
    without = replace(TIMES, guard=Guard(holdback_weight=10))
    assert serving(after(401, calm, IDLE, without)) == "w5"
    ends = follow_guard(replace(TIMES, guard=None), calm, guard_of(calm).since + 900)
    assert serving(ends) == "w5" and weights(ends) == (0, 0, 100, 0)
    assert after(990, ends, IDLE, replace(TIMES, guard=None)) is ends
    aborted, _ = follow("abort", abort, TIMES, calm, Request(calm.revision, "user carol"), digest(calm), 5)
    assert weights(aborted) == (100, 0, 0, 0) and follow_load(TIMES, aborted, FULL, 10) is aborted


def test_other_evidence_or_another_share_of_the_guard_keeps_the_setting_that_serves(served: RolloutState) -> None:
    calm = quiet(served)
    for changed in ({"holdback_weight": 20}, {"evidence": "Pairs", "holdback_weight": 20}):
        times = replace(TIMES, guard=SPEC.guard.model_copy(update=changed))  # type: ignore[union-attr]
        again = follow_guard(times, calm, guard_of(calm).looked_at + 5)
        assert serving(again) == "w10" and guard_of(again).busy.changes == guard_of(calm).busy.changes


def test_each_change_is_an_event_that_names_the_setting(served: RolloutState) -> None:
    calm = after(400, served, IDLE)
    (note,) = load_notes(served, calm)
    assert note.reason == "Quiet" and note.message.startswith("w10 (window=10")
    (back,) = load_notes(quiet(served), after(900, quiet(served), FULL))
    assert back.reason == "Busy" and back.message.startswith("w5 (window=5")
    assert load_notes(calm, calm) == load_notes(carried_out(served), served) == []
    for state, reason in ((served, "Busy"), (calm, "Quiet")):
        condition = load_condition(TIMES, state, BETWEEN)
        assert condition is not None and condition.reason == reason and "of 40 on" in condition.message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"above": "ten"}, "above"),
        ({"changesPerHour": 0}, "changesPerHour"),
        ({"changesPerHour": 13}, "changesPerHour"),
        ({"minimumSeconds": 0}, "minimumSeconds"),
        ({"load": "Queue!"}, "load"),
        ({"query": "up"}, "query"),
    ],
)
def test_what_is_no_rule_about_load_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        policy({"guard": {"whenBusy": {**WHEN_BUSY, **changes}}})
