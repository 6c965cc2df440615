"""Argo CD and kstatus show the right word in every phase, whatever was observed beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earlystop.api.conditions import ConditionStatus, Refusal
from earlystop.api.status.compact import compact, is_compact
from earlystop.rollout.conditions import conditions
from earlystop.rollout.gitops_health import ASKS_PEOPLE, BY_PHASE, WAITING, argo_health, argo_script
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import ENDED, Phase
from tests.unit.every_row import every_row
from tests.unit.rollout.kstatus import computed
from tests.unit.rollout.messages import BAD, GOOD
from tests.unit.rollout.states import REACHED

PAGE = Path(__file__).parents[3] / "operator" / "docs" / "gitops.md"
WELL = Observations(traffic=GOOD, metrics=GOOD)
GUARDED = [name for name, state in REACHED.items() if state.is_guarded]
OF_PHASE = {
    "Pending": "Progressing",
    "Applying": "Progressing",
    "Settling": "Progressing",
    "Observing": "Progressing",
    "Choosing": "Progressing",
    "Suspended": "Suspended",
    "Promoting": "Progressing",
    "Promoted": "Healthy",
    "RollingBack": "Progressing",
    "RolledBack": "Degraded",
    "Holding": "Progressing",
    "Held": "Suspended",
    "Reporting": "Progressing",
    "Reported": "Healthy",
}


def policy_in(name: str, observations: Observations = WELL, generation: int = 3, **spec: Any) -> dict[str, Any]:
    """A policy whose status is what the operator writes in this situation."""
    state = REACHED[name]
    said = [
        {"type": each.type.value, "status": each.status.value, "reason": each.reason, "message": each.message}
        for each in conditions(state, observations)
    ]
    status: dict[str, Any] = {"phase": state.phase.value, "observedGeneration": 3, "conditions": said}
    if state.awaiting is not None:
        status["awaiting"] = {"candidate": state.awaiting.candidate}
    return {"metadata": {"generation": generation}, "spec": spec, "status": status}


def test_every_phase_has_a_word_of_its_own() -> None:
    assert {phase.value: health.value for phase, health in BY_PHASE.items()} == OF_PHASE
    assert set(BY_PHASE) == set(Phase)


@every_row("name", REACHED)
def test_argo_cd_shows_the_phase_and_the_sentence_of_ready(name: str) -> None:
    policy = policy_in(name)
    shown = argo_health(policy)
    if REACHED[name].awaiting is not None:
        assert shown == ("Suspended", ASKS_PEOPLE)
        return
    assert shown.status == OF_PHASE[policy["status"]["phase"]]
    assert shown.message == policy["status"]["conditions"][0]["message"]


@every_row("name", REACHED)
def test_kstatus_is_current_while_the_operator_has_a_grip_on_the_policy(name: str) -> None:
    assert computed(policy_in(name)) == "Current"


@every_row("name", REACHED)
@every_row(
    ("observations", "expected"),
    [
        (Observations(refusal=Refusal("MarginSpent", "Write another.", by_spec=True)), "Failed"),
        (Observations(refusal=Refusal("RouteNotFound", "Create it.")), "InProgress"),
        (Observations(traffic=BAD, metrics=GOOD), "InProgress"),
        (Observations(traffic=GOOD, metrics=GOOD, storage="It could not be stored."), "InProgress"),
        (Observations(traffic=GOOD, metrics=GOOD, error="Look at the log."), "InProgress"),
    ],
)
def test_what_only_an_edit_helps_fails_and_what_heals_by_itself_is_waited_for(
    name: str, observations: Observations, expected: str
) -> None:
    policy = policy_in(name, observations)
    assert (computed(policy), argo_health(policy).status) == (expected, "Degraded")


@every_row("name", REACHED)
def test_counts_that_cannot_be_read_are_waited_for_while_anything_reads_them(name: str) -> None:
    unread = policy_in(name, Observations(traffic=GOOD, metrics=Observation(ConditionStatus.FALSE, "Timeout", "Wait.")))
    if REACHED[name].phase in ENDED and not REACHED[name].is_guarded:
        well = policy_in(name)
        assert (computed(unread), argo_health(unread).status) == (computed(well), argo_health(well).status)
    else:
        assert (computed(unread), argo_health(unread).status) == ("InProgress", "Degraded")


@every_row("name", REACHED)
def test_an_edit_that_the_operator_has_not_seen_is_under_way(name: str) -> None:
    policy = policy_in(name, generation=4)
    assert computed(policy) == "InProgress" and argo_health(policy) == ("Progressing", WAITING)


def test_a_policy_that_nobody_has_seen_is_under_way() -> None:
    pending = {"type": "Ready", "status": "Unknown", "reason": "Pending", "message": "Waiting"}
    policy = {"metadata": {"generation": 1}, "spec": {}, "status": {"conditions": [pending]}}
    assert computed(policy) == "InProgress" and argo_health(policy) == ("Progressing", WAITING)


def test_a_pause_that_is_asked_for_is_suspended_at_once() -> None:
    assert argo_health(policy_in("observing", suspend=True)).status == "Suspended"


def test_the_page_has_the_script_as_it_is_made() -> None:
    script = "\n".join(f"    {line}".rstrip() for line in argo_script().splitlines())
    assert script in PAGE.read_text()


def test_what_waits_for_gates_alone_asks_nobody_in_argo_either() -> None:
    gates = {"since": "2026-01-01T00:00:00Z", "forPeople": False, "gates": [{"name": "ci"}]}
    waits = {"phase": "Observing", "observedGeneration": 1, "awaiting": {"candidate": "w10"}}
    found = {"metadata": {"generation": 1}, "spec": {}, "status": {**waits, "gates": gates}}
    assert argo_health(found).status == "Progressing"
    asks_people = {**found, "status": {**waits, "gates": {**gates, "forPeople": True}}}
    assert argo_health(asks_people) == ("Suspended", ASKS_PEOPLE)
    assert "status.gates.forPeople" in argo_script()


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize(
    "observations",
    [WELL, Observations(traffic=BAD, metrics=GOOD), Observations(refusal=Refusal("MarginSpent", "Fix.", by_spec=True))],
    ids=["well", "traffic", "refused"],
)
def test_tools_read_the_same_of_a_guarded_status_that_is_packed(name: str, observations: Observations) -> None:
    policy = policy_in(name, observations)
    guarded = {**policy, "status": {**policy["status"], "guard": {"phase": "Observing"}}}
    packed = {**policy, "status": compact(guarded["status"])}
    assert is_compact(packed["status"])
    assert (computed(packed), argo_health(packed)) == (computed(guarded), argo_health(guarded))
