"""After a promotion harm takes the setting back, an outage does not, and nothing of a guard ever promotes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Pairs
from earlystop.api.look_table import number_of_looks
from earlystop.api.status.policy import DecisionStatus
from earlystop.rollout.exposure import weights
from earlystop.rollout.formatting import in_duration, rfc3339
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.guard.state import KEPT_LOOKS, WatchPhase
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase, Verdict
from earlystop.rollout.step_moves import lose_metrics, take_look, weights_lost
from earlystop.rollout.stored.decision_codec import decision_status, restore_decision
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.totals import Totals
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import differences, object_differences
from tests.turns import Turns
from tests.unit.rollout.guard.many_kinds import CLASSES, RAILS, in_classes
from tests.unit.rollout.guarding import (
    HARM,
    SPEC,
    alarmed,
    begun,
    digest,
    guard_of,
    guarded_policy,
    in_force,
    look,
    promoted,
    watched,
    watching,
)
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.traffic import SAVING, Server, answers

TIMES = LiveTimes.of(SPEC)


def test_a_promotion_stays_promoted_and_leaves_the_baseline_the_share_that_the_guard_needs() -> None:
    before = promoted()
    after = begun()
    assert (weights(before), weights(after)) == ((0, 100), (10, 90))
    assert before.phase is after.phase is Phase.PROMOTED
    assert after.clock.step != before.clock.step, "evidence of the trial and of the guard would mix"
    assert after.certified == before.certified and after.looks == before.looks


@pytest.mark.slow
def test_harm_that_begins_after_six_weeks_of_health_takes_the_setting_back_and_its_certificate() -> None:
    spec, server = guarded_policy({"rollout": {"lookSeconds": 3600}}), Server()
    healthy = watched(spec, watching(spec, server, promoted(spec)), server, SAVING, 1030)
    assert healthy.is_guarded and guard_of(healthy).looked_at - guard_of(healthy).since > 42 * 86_400
    after = watched(spec, healthy, server, HARM, 50)
    decision = after.decision
    assert decision is not None and guard_of(after).taken < 1040
    assert (decision.verdict, decision.reason, decision.number) == (Verdict.ROLL_BACK, "GuardAlarm", 2)
    assert after.phase is Phase.ROLLING_BACK and weights(after) == (100, 0)
    assert after.certified is None and after.previous_digest == digest(healthy)
    assert carried_out(after).phase is Phase.ROLLED_BACK


@pytest.mark.slow
def test_the_verdict_of_an_alarm_can_be_recomputed_and_no_count_of_it_be_changed() -> None:
    after = alarmed(healthy=100)
    spec = json.loads(json.dumps(verdict_spec("qa", UID, after)))
    assert verdict_name("qa", after).endswith("-2")
    named = {"metadata": {"name": verdict_name("qa", after)}, "spec": spec}
    assert object_differences(named) == []
    names, *looks = spec["guard"]["lookTable"].split("\n")
    assert spec["guard"]["looksTaken"] > len(looks) == number_of_looks(spec["guard"])
    changes: tuple[dict[str, Any], ...] = (
        {"lookTable": "\n".join([names, *looks[:-1]])},
        {"lookTable": "\n".join([names, *(with_another_count(line) for line in looks)])},
        {"lookTable": "\n".join([names.replace("match", "mismatch"), *looks])},
        {"lookTable": "\n".join(looks)},
        {"falseRevertSeconds": 86_400 * 3650},
        {"alarm": ["floor"]},
        {"checkpoint": "x"},
        {"factors": "50.0"},
        {"detectors": []},
    )
    for change in changes:
        told = differences({**spec, "guard": {**spec["guard"], **change}})
        assert any("guard" in sentence for sentence in told), change
    assert any("holds no guard" in each for each in differences({k: v for k, v in spec.items() if k != "guard"}))


def with_another_count(line: str) -> str:
    """A look as text, in which one count is larger."""
    *before, count = line.split(" ")[:8]
    return " ".join([*before, str(int(count) + 1), *line.split(" ")[8:]])


def test_the_looks_of_a_guards_verdict_stand_one_a_line_under_the_names_of_their_columns() -> None:
    after = alarmed(healthy=100)
    names, *lines = verdict_spec("qa", UID, after)["guard"]["lookTable"].split("\n")
    known = guard_of(after)
    assert names.split(" ")[:4] == ["at", "step", "weight", "baseline.started"]
    assert len(lines) == len(known.looks) > 1
    for line, each in zip(lines, known.looks, strict=True):
        at, step, weight, started, *counts = line.split(" ")
        assert (at, int(step), int(weight)) == (rfc3339(each.at), each.step, each.weight)
        assert int(started) == each.baseline.started and len(counts) == len(names.split(" ")) - 4


def test_a_guards_verdict_of_an_earlier_release_verifies_and_keeps_its_digest_under_this_one() -> None:
    after = alarmed(healthy=100)
    assert after.decision is not None and after.decision.guard_looks_as_text
    earlier = replace(after, decision=replace(after.decision, guard_looks_as_text=False))
    spec = json.loads(json.dumps(verdict_spec("qa", UID, earlier)))
    assert [tuple(row) for row in spec["guard"]["looks"]] == [tuple(look.row()) for look in guard_of(after).looks]
    assert differences(spec) == []
    for state in (after, earlier):
        stored = decision_status("qa", UID, state)
        assert stored is not None
        read = restore_decision(state.pinned_plan, DecisionStatus.model_validate(stored.wire()))
        assert read == state.decision and stored.digest == verdict_spec("qa", UID, state)["digest"]


def test_an_alarm_says_its_promise_in_days_and_one_that_says_it_in_seconds_verifies_too() -> None:
    after = alarmed(healthy=100)
    assert after.decision is not None
    promise = f"once in {in_duration(2_592_000)} at most"
    message = after.decision.message
    assert promise in message and " 30 d " in promise
    for apart, is_right in (("2592000 s", True), ("2592001 s", False), ("29 d", False)):
        said = message.replace(promise, f"once in {apart} at most")
        spec = verdict_spec("qa", UID, replace(after, decision=replace(after.decision, message=said)))
        assert (differences(json.loads(json.dumps(spec))) == []) is is_right, apart


@pytest.mark.slow
def test_a_status_holds_all_of_a_guard_and_no_more_for_longer_watching() -> None:
    server, sizes = Server(), []
    state = watching(SPEC, server)
    for looks in (KEPT_LOOKS, 150, 300):
        state = watched(SPEC, state, server, SAVING, looks)
        status = json.loads(json.dumps(to_status("qa", UID, TIMES, state, "")))
        again, _ = from_status(status)
        assert again.guard == state.guard and again.guard_steps == state.guard_steps
        sizes.append(len(json.dumps(status["guard"])))
    # Answers are summed in a few spans more, until these reach back for some hours.
    assert max(sizes) <= 4096 and sizes[-1] <= 1.05 * sizes[-2]


def test_an_outage_after_a_promotion_is_told_and_never_reverts_a_certified_setting() -> None:
    server = Server()
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 20)
    at = guard_of(state).looked_at
    blind = lose_metrics(state, at + 30, at + 15)
    for month in range(1, 12):
        blind = lose_metrics(blind, at + month * 2_592_000, at + month * 2_592_000 - 15)
        assert blind.decision == state.decision and weights(blind) == weights(state)
    server.serve(blind, Totals(answers(20_000), answers(180_000, mean_tokens=300)))
    seeing = look(SPEC, blind, server)
    assert seeing.clock.metrics_lost_at is None and seeing.is_guarded, "the length of an outage was evidence"


def test_who_changes_the_split_gives_the_guard_nothing_to_compare_until_it_is_back() -> None:
    server = Server()
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 5)
    lost = weights_lost(state)
    assert lost.watch_phase is Phase.APPLYING and next_look(TIMES, lost) is None
    server.serve(lost, HARM.at(90))  # of whatever split was in force
    back = look(SPEC, in_force(lost), server)
    turns = Turns()
    while guard_of(back).phase is not WatchPhase.OBSERVING and turns.another():
        back = look(SPEC, back, server)
    again = watched(SPEC, back, server, SAVING, 1)
    assert guard_of(again).taken == guard_of(state).taken + 1 and again.is_guarded
    assert guard_of(again).window.candidate.exact_match == pytest.approx(0.8)


def test_the_guard_follows_its_spec_without_a_new_campaign() -> None:
    server = Server()
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 30)
    seen, now = guard_of(state), guard_of(state).looked_at + 20
    assert follow_guard(TIMES, state, now) is state
    longer = follow_guard(LiveTimes.of(guarded_policy({"guard": {"falseRevertSeconds": 86_400}})), state, now)
    assert weights(longer) == (5, 95) and guard_of(longer).false_revert_seconds == 86_400
    assert guard_of(longer).detectors == seen.detectors, "another share of requests forgot what was seen"
    assert longer.clock.step == state.clock.step + 1
    ending = follow_guard(replace(TIMES, guard=None), state, now)
    assert weights(ending) == (0, 100) and ending.is_guarded
    gone = in_force(ending)
    assert gone.guard is None and weights(gone) == (0, 100) and gone.certified == state.certified
    anew = follow_guard(TIMES, gone, now + 100)
    assert anew.clock.step not in {state.clock.step, longer.clock.step - 1, gone.clock.step}
    assert guard_of(anew).taken == 0


def test_a_suspended_guard_stands_still_and_starts_its_step_afresh() -> None:
    server = Server()
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 5)
    now, halted = guard_of(state).looked_at + 20, replace(TIMES, suspend=True)
    still = follow_guard(halted, state, now)
    assert still.watch_phase is Phase.SUSPENDED and next_look(halted, still) is None
    assert weights(still) == weights(state) and follow_guard(halted, still, now + 50) is still
    resumed = follow_guard(TIMES, still, now + 100)
    assert resumed.watch_phase is Phase.APPLYING and guard_of(resumed).interrupted
    assert follow_guard(halted, promoted(), now) == promoted(), "weights moved while the policy was suspended"


def test_golden_questions_guard_a_promotion_without_holding_anybody_back() -> None:
    spec = guarded_policy(
        {
            "guard": {"holdbackWeight": None, "evidence": "Pairs"},
            "objective": {"exactMatch": {"evidence": "Pairs", "assumeIndependent": None}},
        }
    )
    state, server = begun(spec, promoted()), Server()
    assert weights(state) == (0, 100)
    state = look(spec, in_force(state), server)
    for pairs in [Pairs(80, 2, 2, 16)] * 20 + [Pairs(30, 50, 0, 20)] * 20:
        if not state.is_guarded:
            break
        counted = answers(500, mean_tokens=300)
        names = {f"pairs_{name}": count for name, count in pairs._asdict().items()}
        server.serve(state, Totals(candidate=replace(counted, **names)))
        state = look(spec, state, server)
    assert state.decision is not None and state.decision.reason == "GuardAlarm"
    assert 20 < guard_of(state).taken < 30
    assert differences(json.loads(json.dumps(verdict_spec("qa", UID, state)))) == []


@pytest.mark.parametrize("claim", ["floor", "guardrail/failures"])
def test_each_harm_of_the_trial_takes_the_setting_back_after_it_too(claim: str) -> None:
    rail = {"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"}
    spec = guarded_policy({"objective": {"exactMatch": {"floor": "0.6"}, "guardrails": [rail]}})
    server = Server()
    state = watched(spec, watching(spec, server, promoted(spec)), server, SAVING, 40)
    good = SAVING.at(90)
    candidate, baseline = good.candidate, good.baseline
    if claim == "floor":  # all answers are worse, so the two variants differ in nothing
        candidate, baseline = answers(candidate.scored, 0.5, 300), answers(baseline.scored, 0.5)
    else:
        candidate = replace(candidate, failed=200, started=candidate.started + 200)
    for _ in range(60):
        if not state.is_guarded:
            break
        server.serve(state, Totals(baseline, candidate))
        state = look(spec, state, server)
    assert state.decision is not None and state.decision.reason == "GuardAlarm"
    assert f"({claim})" in state.decision.message
    assert differences(json.loads(json.dumps(verdict_spec("qa", UID, state)))) == []


def test_a_look_whose_answers_cannot_be_compared_waits_and_loses_none() -> None:
    server = Server()
    state = watching(SPEC, server)
    server.serve(state, Totals(candidate=answers(30)))
    waiting = look(SPEC, state, server)
    assert guard_of(waiting).taken == 0
    server.serve(waiting, Totals(answers(4), answers(10)))
    after = look(SPEC, waiting, server)
    (only,) = guard_of(after).looks
    assert only.candidate.scored == 40 and only.baseline.scored == 4


def test_nothing_is_looked_at_before_the_guards_weights_are_in_force() -> None:
    state = begun()
    assert next_look(TIMES, state) is None
    assert take_look(TIMES, state, guard_of(state).since + 50, Totals(answers(50), answers(50, 0.0))) == state


EVERYTHING = guarded_policy(
    {"objective": {"exactMatch": {"floor": "0.5"}, "guardrails": RAILS, "queryClasses": CLASSES}}
)


@pytest.mark.slow
def test_with_every_claim_that_there_is_a_guard_takes_four_kib_and_finds_the_class_that_is_harmed() -> None:
    rng, server = random.Random(3), Server(len(CLASSES))
    state = replace(started(EVERYTHING), phase=Phase.PROMOTED, decision=promoted().decision)
    state = watching(EVERYTHING, server, state)
    for looks in range(80):
        server.serve(state, in_classes(rng))
        state = look(EVERYTHING, state, server)
        if looks % 20 == 19:
            status = json.loads(json.dumps(to_status("qa", UID, LiveTimes.of(EVERYTHING), state, "")))
            assert len(json.dumps(status["guard"], separators=(",", ":"))) <= 4096
            assert from_status(status)[0].guard == state.guard
    assert state.is_guarded
    for _ in range(60):
        if not state.is_guarded:
            break
        server.serve(state, in_classes(rng, harmed=0.5))
        state = look(EVERYTHING, state, server)
    assert state.decision is not None and "(class/class-3)" in state.decision.message
