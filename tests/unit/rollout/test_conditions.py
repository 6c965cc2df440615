"""What a policy says about itself, in every situation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.status.policy import StoredCondition
from earlystop.evidence import evidence_state
from earlystop.evidence.setting_check import Effect
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import NOT_YET, Observation, Observations, needed, observations_from
from earlystop.rollout.state import ENDED, RolloutState
from earlystop.rollout.words.summary import summary
from tests.unit.every_row import every_row
from tests.unit.rollout.messages import BAD, GOOD, PROGRAMMERS_WORDS, REASON
from tests.unit.rollout.states import REACHED

FACTS = {
    "nothing yet": Observations(),
    "all well": Observations(traffic=GOOD, metrics=GOOD),
    "refused": Observations(refusal=Refusal("TargetTaken", "Policy b has it. Delete one.")),
    "refused as it is written": Observations(refusal=Refusal("MarginSpent", "Write another.", by_spec=True)),
    "no traffic": Observations(traffic=BAD, metrics=GOOD),
    "no metrics": Observations(
        traffic=GOOD, metrics=Observation(ConditionStatus.FALSE, "Timeout", "Counts cannot be used.")
    ),
    "verdict not stored": Observations(traffic=GOOD, metrics=GOOD, storage="It could not be stored."),
}


OF_PARTS = frozenset(
    {
        ConditionType.GUARDED,
        ConditionType.CERTIFIED,
        ConditionType.HOOKS_DELIVERED,
        ConditionType.JOBS_SUCCEEDED,
        ConditionType.GATES_OPEN,
        ConditionType.LOAD_FOLLOWED,
    }
)
"""Conditions that only policies with such a part have."""


def said(state: RolloutState, observations: Observations, *, edited: bool = False) -> dict[ConditionType, Condition]:
    return {condition.type: condition for condition in conditions(state, observations, edited=edited)}


@every_row("observations", FACTS)
@every_row("name", REACHED)
def test_in_every_situation_there_are_all_conditions_for_people(name: str, observations: str) -> None:
    edited = REACHED[name].plan is not None and observations.startswith("refused")
    found = conditions(REACHED[name], FACTS[observations], edited=edited)
    guard = [ConditionType.GUARDED] if REACHED[name].guard is not None else []
    certificate = [ConditionType.CERTIFIED] if REACHED[name].certified is not None else []
    always = [each for each in ConditionType if each not in OF_PARTS]
    assert [condition.type for condition in found] == [*always, *guard, *certificate]
    for condition in found:
        assert REASON.fullmatch(condition.reason) and len(condition.reason) <= 128
        assert condition.message[0].isupper() and condition.message.endswith(".") and len(condition.message) <= 2048
        assert not PROGRAMMERS_WORDS.search(condition.message), condition.message
        StoredCondition(
            type=condition.type,
            status=condition.status.value,
            last_transition_time="2026-01-01T00:00:00Z",
            reason=condition.reason,
            message=condition.message,
        )


@every_row("observations", FACTS)
@every_row("name", REACHED)
def test_facts_are_read_back_from_the_conditions_that_were_written_from_them(name: str, observations: str) -> None:
    written = [
        {"type": one.type.value, "status": one.status.value, "reason": one.reason, "message": one.message}
        for one in conditions(REACHED[name], FACTS[observations])
    ]
    assert observations_from(written) == needed(REACHED[name], FACTS[observations])


def test_a_policy_that_nobody_has_looked_at_yet_has_no_facts() -> None:
    waiting = {"type": "Ready", "status": "Unknown", "reason": "Pending", "message": "Waiting"}
    assert (
        observations_from([waiting])
        == observations_from([])
        == Observations()
        == Observations(None, NOT_YET, NOT_YET, None)
    )


def test_waiting_tools_see_the_end_of_a_rollout() -> None:
    ends = {
        "promoted": (ConditionStatus.TRUE, ConditionStatus.FALSE),
        "rolled back": (ConditionStatus.FALSE, ConditionStatus.TRUE),
        "held": (ConditionStatus.FALSE, ConditionStatus.FALSE),
        "promoting": (ConditionStatus.UNKNOWN, ConditionStatus.UNKNOWN),
        "rolling back": (ConditionStatus.UNKNOWN, ConditionStatus.UNKNOWN),
        "observing": (ConditionStatus.UNKNOWN, ConditionStatus.UNKNOWN),
        "second campaign": (ConditionStatus.UNKNOWN, ConditionStatus.UNKNOWN),
    }
    for name, expected in ends.items():
        found = said(REACHED[name], FACTS["all well"])
        assert (found[ConditionType.PROMOTED].status, found[ConditionType.ROLLED_BACK].status) == expected


OUTCOMES = {
    "promoted": "Promoted",
    "promoted by request": "Promoted",
    "rolled back": "RolledBack",
    "rolled back without metrics": "RolledBack",
    "rolled back before any look": "Inconclusive",
    "held": "Inconclusive",
    "aborted": "Aborted",
    "aborted after its promotion": "Aborted",
    "in shadow, reported": "Reported",
    "several, every one dropped": "RolledBack",
    "several, without a verdict": "Inconclusive",
}


@every_row("name", REACHED)
def test_completed_is_true_in_every_phase_that_ends_a_campaign_and_in_no_other(name: str) -> None:
    state = REACHED[name]
    found = said(state, FACTS["all well"])[ConditionType.COMPLETED]
    if state.phase in ENDED:
        assert found.status is ConditionStatus.TRUE and found.reason in set(OUTCOMES.values())
        assert found.reason == OUTCOMES.get(name, found.reason) and found.message == summary(state)
    else:
        reason = "Pending" if name == "pending" else "InProgress"
        assert (found.status, found.reason) == (ConditionStatus.FALSE, reason)


def test_every_phase_of_an_end_is_among_the_states_that_completed_is_tested_on() -> None:
    assert {REACHED[name].phase for name in OUTCOMES} == ENDED


@every_row("name", REACHED)
def test_counts_that_nothing_reads_any_more_are_nobodys_task(name: str) -> None:
    state, facts = REACHED[name], FACTS["no metrics"]
    found = said(state, facts)
    counts, ready = found[ConditionType.METRICS_AVAILABLE], found[ConditionType.READY]
    if state.phase in ENDED and not state.is_guarded:
        assert (counts.status, counts.reason) == (ConditionStatus.UNKNOWN, "NotRead")
        assert ready.status is ConditionStatus.TRUE
    else:
        assert (counts.status, counts.reason, ready.reason) == (ConditionStatus.FALSE, "Timeout", "Timeout")


def test_completed_stays_true_when_something_is_refused_after_the_end() -> None:
    found = said(REACHED["rolled back"], FACTS["refused"])[ConditionType.COMPLETED]
    assert (found.status, found.reason) == (ConditionStatus.TRUE, "RolledBack")


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_end_is_not_taken_for_the_end_of_a_later_edit(name: str) -> None:
    refused = said(REACHED[name], FACTS["refused"], edited=True)
    assert (refused[ConditionType.COMPLETED].status, refused[ConditionType.COMPLETED].reason) == (
        ConditionStatus.FALSE,
        "TargetTaken",
    )
    assert "while the policy is refused: Policy b has it." in refused[ConditionType.COMPLETED].message
    waiting = said(REACHED[name], FACTS["all well"], edited=True)
    assert (waiting[ConditionType.COMPLETED].status, waiting[ConditionType.COMPLETED].reason) == (
        ConditionStatus.FALSE,
        "Pending",
    )
    for found in (refused, waiting):
        assert {found[each].status for each in (ConditionType.PROMOTED, ConditionType.ROLLED_BACK)} == {
            ConditionStatus.UNKNOWN
        }


def test_a_refused_policy_without_a_campaign_says_that_none_will_complete() -> None:
    found = said(REACHED["pending"], FACTS["refused"])[ConditionType.COMPLETED]
    assert (found.status, found.reason) == (ConditionStatus.FALSE, "TargetTaken")
    assert "No campaign begins while the policy is refused: Policy b has it. Delete one." in found.message


def test_ready_is_about_the_operators_grip_and_not_about_the_verdict() -> None:
    for name, state in REACHED.items():
        assert said(state, FACTS["all well"])[ConditionType.READY].status == ConditionStatus.TRUE, name
        for observations in ("refused", "no traffic", "verdict not stored"):
            assert said(state, FACTS[observations])[ConditionType.READY].status == ConditionStatus.FALSE, name


def test_a_refused_edit_is_told_and_does_not_stop_what_is_under_way() -> None:
    found = said(REACHED["observing"], FACTS["refused"])
    assert found[ConditionType.ACCEPTED].status == ConditionStatus.FALSE
    assert found[ConditionType.PROGRESSING].status == ConditionStatus.TRUE


@pytest.mark.parametrize(
    ("name", "beneath"),
    [
        ("observing", "Campaign 1 goes on as it began: At step 1 of 3, 5 % of requests, trying window=10"),
        ("promoting", "Campaign 1 goes on as it began: Promoting: window=10"),
        ("suspended", "Campaign 1 stands still: Suspended at step 1 of 3"),
        ("promoted", "Campaign 1 is over: Promoted: window=10"),
        ("second campaign", "Campaign 2 goes on as it began: Putting step 1 of 3, 5 % of requests in force"),
    ],
)
def test_a_refused_edit_shows_why_and_what_goes_on_beneath_it(name: str, beneath: str) -> None:
    ready = said(REACHED[name], FACTS["refused"], edited=True)[ConditionType.READY]
    assert ready.message.startswith(f"The edit is refused: Policy b has it. Delete one. {beneath}")
    same = said(REACHED[name], FACTS["refused"])[ConditionType.READY]
    assert same.message.startswith(f"Policy b has it. Delete one. {beneath}")


@pytest.mark.parametrize(
    ("name", "reason", "what_becomes_of_it"),
    [
        ("suspended", "EditWaits", "begins when the policy is resumed, and campaign 1 ends without a verdict."),
        ("promoted", "EditWaits", "begins when the policy is not suspended."),
        ("rolled back", "EditWaits", "begins when the policy is not suspended."),
        ("searching, between two trials", "EditWaits", "begins when the policy is not suspended."),
        ("promoting", "Promoting", "begins when this decision is carried out."),
    ],
)
def test_an_edit_that_waits_is_told_with_when_its_campaign_begins(
    name: str, reason: str, what_becomes_of_it: str
) -> None:
    found = said(REACHED[name], FACTS["all well"], edited=True)
    ready = found[ConditionType.READY]
    assert (ready.status, ready.reason) == (ConditionStatus.TRUE, reason)
    for each in (ready, found[ConditionType.PROGRESSING]):
        assert each.message.endswith(f"An edit or a retry asks for another campaign: it {what_becomes_of_it}"), each
    same = said(REACHED[name], FACTS["all well"])[ConditionType.READY]
    assert same.reason == REACHED[name].phase.value and "asks for another campaign" not in same.message
    reasons = {each.type: each.reason for each in conditions(REACHED[name], FACTS["all well"], edited=True)}
    unworded = conditions(REACHED[name], FACTS["all well"], edited=True, worded=False)
    assert {each.type: each.reason for each in unworded} == reasons, "else it would be written again and again"


def test_an_edit_that_begins_at_once_or_is_refused_waits_for_nothing() -> None:
    for name in ("observing", "pending", "applying"):
        assert "by now" not in said(REACHED[name], FACTS["all well"], edited=True)[ConditionType.READY].message
    refused = said(REACHED["suspended"], FACTS["refused"], edited=True)[ConditionType.READY]
    assert refused.reason == "TargetTaken" and "by now" not in refused.message


def test_a_broken_split_is_told_with_both_numbers() -> None:
    found = said(REACHED["observing a broken split"], FACTS["all well"])[ConditionType.SAMPLE_RATIO_OK]
    assert (found.status, found.reason) == (ConditionStatus.FALSE, "TrafficSplitMismatch")
    assert "1,900 to the baseline and 1,000 to the candidate" in found.message


def test_progress_is_told_with_step_settings_and_numbers() -> None:
    assert summary(REACHED["observing"]).startswith(
        "At step 1 of 3, 5 % of requests, trying window=10, patience=2.5 (baseline window=40, patience=2.5): "
    )
    assert "after 300 answers" in summary(REACHED["observing"])


def test_someone_who_meets_a_held_or_suspended_rollout_is_told_what_to_do() -> None:
    assert "Edit the policy or retry it" in summary(REACHED["held"])
    assert "Set spec.suspend to false" in summary(REACHED["suspended"])


@every_row("kind", FailureKind)
def test_the_reason_of_every_failure_to_read_is_one_that_kubernetes_takes(kind: FailureKind) -> None:
    failure = MetricsFailure(kind, "the source did not answer")
    observations = replace(
        FACTS["all well"],
        metrics=Observation(ConditionStatus.FALSE, kind.value, f"Counts cannot be used: {failure.message}."),
    )
    assert REASON.fullmatch(said(REACHED["blind"], observations)[ConditionType.READY].reason)


def test_statuses_and_reasons_alone_work_out_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    effects = set()
    for name, state in REACHED.items():
        effects |= {each.claims.setting for each in state.under_trial}
        fresh = tuple(replace(each, evidence=replace(each.evidence)) for each in state.comparisons)
        with monkeypatch.context() as patched:
            patched.setattr(evidence_state, "assess", lambda _: pytest.fail("an interval was worked out"))
            found = conditions(replace(state, comparisons=fresh), FACTS["all well"], worded=False)
        worded = conditions(state, FACTS["all well"])
        told = [[(each.type, each.status, each.reason) for each in one] for one in (found, worded)]
        assert told[0] == told[1], name
    assert effects == set(Effect)
