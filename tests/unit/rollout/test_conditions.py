"""What a policy says about itself, in every situation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.status import StoredCondition
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.conditions import conditions, summary
from earlystop.rollout.observations import NOT_YET, Observation, Observations, observations_from
from earlystop.rollout.state import RolloutState
from tests.unit.rollout.messages import BAD, GOOD, PROGRAMMERS_WORDS, REASON
from tests.unit.rollout.states import REACHED

FACTS = {
    "nothing yet": Observations(),
    "all well": Observations(traffic=GOOD, metrics=GOOD),
    "refused": Observations(refusal=Refusal("TargetTaken", "Policy b has it. Delete one.")),
    "no traffic": Observations(traffic=BAD, metrics=GOOD),
    "no metrics": Observations(
        traffic=GOOD, metrics=Observation(ConditionStatus.FALSE, "Timeout", "Counts cannot be used.")
    ),
    "verdict not stored": Observations(traffic=GOOD, metrics=GOOD, storage="It could not be stored."),
}


def said(state: RolloutState, observations: Observations) -> dict[ConditionType, Condition]:
    return {condition.type: condition for condition in conditions(state, observations)}


@pytest.mark.parametrize("observations", FACTS)
@pytest.mark.parametrize("name", REACHED)
def test_in_every_situation_there_are_all_nine_conditions_for_people(name: str, observations: str) -> None:
    found = conditions(REACHED[name], FACTS[observations])
    assert [condition.type for condition in found] == list(ConditionType)
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


@pytest.mark.parametrize("observations", FACTS)
@pytest.mark.parametrize("name", REACHED)
def test_facts_are_read_back_from_the_conditions_that_were_written_from_them(name: str, observations: str) -> None:
    written = [
        {"type": one.type.value, "status": one.status.value, "reason": one.reason, "message": one.message}
        for one in conditions(REACHED[name], FACTS[observations])
    ]
    assert observations_from(written) == FACTS[observations]


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


def test_ready_is_about_the_operators_grip_and_not_about_the_verdict() -> None:
    for name, state in REACHED.items():
        assert said(state, FACTS["all well"])[ConditionType.READY].status == ConditionStatus.TRUE, name
        for observations in ("refused", "no traffic", "no metrics", "verdict not stored"):
            assert said(state, FACTS[observations])[ConditionType.READY].status == ConditionStatus.FALSE, name


def test_a_refused_edit_is_told_and_does_not_stop_what_is_under_way() -> None:
    found = said(REACHED["observing"], FACTS["refused"])
    assert found[ConditionType.ACCEPTED].status == ConditionStatus.FALSE
    assert found[ConditionType.PROGRESSING].status == ConditionStatus.TRUE


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


@pytest.mark.parametrize("kind", FailureKind)
def test_the_reason_of_every_failure_to_read_is_one_that_kubernetes_takes(kind: FailureKind) -> None:
    failure = MetricsFailure(kind, "the source did not answer")
    observations = replace(
        FACTS["all well"],
        metrics=Observation(ConditionStatus.FALSE, kind.value, f"Counts cannot be used: {failure.message}."),
    )
    assert REASON.fullmatch(said(REACHED["blind"], observations)[ConditionType.READY].reason)
