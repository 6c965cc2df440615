"""Where each user keeps a variant: what a campaign promotes, what holds it, and what its record says of users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import ConditionStatus, ConditionType
from earlystop.api.counts import UserScatter
from earlystop.api.policy import PolicySpec
from earlystop.evidence.version import FIRST
from earlystop.rollout.conditions import conditions
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.observations import Observations
from earlystop.rollout.plan_objective import objective_of
from earlystop.rollout.state import RolloutState, Verdict
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from tests.unit.rollout.claims import begun, restarted
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import UID, policy
from tests.unit.rollout.traffic import HARMFUL, SAVING, Quality

COHORTS = [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}]
DELIVERY = {
    "mode": "HeaderCohort",
    "gatewayHeader": None,
    "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-user-cohort", "cohorts": COHORTS},
}
KNOWN = UserScatter(2500, 1500, 1000, 1000, 210, 190)


def cohorts(exact_match: dict[str, Any] | None = None) -> PolicySpec:
    rollout = {"strategy": "ABTest", "steps": None, "minimumSeconds": 60}
    return policy(
        {
            "delivery": DELIVERY,
            "rollout": rollout,
            "objective": {"exactMatch": {"assumeIndependent": False, **(exact_match or {})}},
        }
    )


def watched(spec: PolicySpec, quality: Quality, users: UserScatter | None, looks: int = 40) -> RolloutState:
    """The campaign after so many looks, or after its decision; users: as every look has them."""
    state, server = begun(spec)
    for _ in range(looks):
        if state.decision is not None:
            break
        server.serve(state, quality.at(50))
        at = next_look(LiveTimes.of(spec), state)
        assert at is not None
        state = take_look(LiveTimes.of(spec), state, at, replace(server.totals(state), users=users))
    return state


def progressing(state: RolloutState) -> tuple[ConditionStatus, str, str]:
    found = {each.type: each for each in conditions(state, Observations())}[ConditionType.PROGRESSING]
    return found.status, found.reason, found.message


@pytest.mark.parametrize("users", [None, UserScatter()], ids=["never counted", "not counted for all answers"])
def test_a_proven_candidate_is_held_while_nobody_knows_how_much_users_scatter_and_the_policy_says_so(
    users: UserScatter | None,
) -> None:
    state = watched(cohorts(), SAVING, users)
    assert state.decision is None and state.comparisons[0].assessment.log_e.promote > 3
    status, reason, message = progressing(state)
    assert (status, reason) == (ConditionStatus.FALSE, "DispersionUnknown")
    assert "exactMatch.assumeIndependent: true" in message and "exactMatch.dispersion" in message
    begin, _ = begun(cohorts())
    assert [note.reason for note in event_notes(begin, state)].count("DispersionUnknown") == 1
    assert "DispersionUnknown" not in [note.reason for note in event_notes(state, state)]


def test_harm_acts_while_nobody_knows_it() -> None:
    state = watched(cohorts(), HARMFUL, None)
    assert state.decision is not None and state.decision.verdict is Verdict.ROLL_BACK
    assert differences(verdict_spec("qa", UID, state)) == []


def test_a_candidate_is_promoted_by_the_measured_factor_and_the_verdict_says_by_which() -> None:
    state = watched(cohorts(), SAVING, KNOWN)
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    assert "of about 210 and 190 users who scatter 2.5 times as much as independent answers" in state.decision.message
    record = in_rows(verdict_spec("qa", UID, state))
    assert differences(record) == []
    assert dict(zip(record["columns"], record["looks"][-1], strict=True))["users.answers"] == 2500


def test_a_record_with_another_factor_is_found_out() -> None:
    record = in_rows(verdict_spec("qa", UID, watched(cohorts(), SAVING, KNOWN)))
    column = record["columns"].index("users.answers")
    record["looks"] = [(*row[:column], 1000, *row[column + 1 :]) for row in record["looks"]]
    assert any("The looks give a log e-value" in each for each in differences(record))


def test_a_record_without_its_users_is_refused() -> None:
    record = in_rows(verdict_spec("qa", UID, watched(cohorts(), SAVING, KNOWN)))
    record["looks"] = [row[:-6] for row in record["looks"]]
    assert any("where users are counted" in each for each in differences(record))


def test_a_large_factor_needs_more_answers() -> None:
    few, many = (watched(cohorts(), SAVING, replace_factor(factor)).most_looks for factor in (1000, 9000))
    assert few < many


def replace_factor(factor: int) -> UserScatter:
    return KNOWN._replace(answers=factor)


def test_what_is_known_of_users_survives_a_restart() -> None:
    state = watched(cohorts(), SAVING, KNOWN, looks=1)
    assert restarted(cohorts(), state).comparisons == state.comparisons
    unknown = watched(cohorts(), SAVING, UserScatter(), looks=3)
    assert restarted(cohorts(), unknown).comparisons == unknown.comparisons


@pytest.mark.parametrize("stated", [{"dispersion": "2"}, {"assumeIndependent": True}])
def test_a_policy_that_says_how_much_answers_scatter_asks_for_no_users(stated: dict[str, Any]) -> None:
    spec = cohorts(stated)
    state = watched(spec, SAVING, None)
    assert state.decision is not None and state.decision.verdict is Verdict.PROMOTE
    assert not any(name.startswith("users.") for name in in_rows(verdict_spec("qa", UID, state))["columns"])


def test_users_are_asked_for_in_cohorts_alone_and_not_by_the_first_version_of_the_engine() -> None:
    assert objective_of(cohorts()).by_users and not objective_of(policy()).by_users
    assert not objective_of(cohorts(), FIRST).by_users


def test_the_condition_on_the_sample_ratio_says_what_is_checked_of_cohorts() -> None:
    state = watched(cohorts(), SAVING, KNOWN, looks=1)
    found = {each.type: each for each in conditions(state, Observations())}[ConditionType.SAMPLE_RATIO_OK]
    assert found.reason == "NotSplit" and "probes" in found.message
