"""What the operator remembers of a policy, and what it takes up again after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import ConditionStatus, ConditionType, Refusal
from earlystop.api.policy import PolicySpec
from earlystop.api.status.packed import PACKED_FIELDS
from earlystop.api.wire import RETRY_ANNOTATION
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.acceptance import source_refusal
from earlystop.controller.reconcile.competition import competition_refusal, is_over, successor_of
from earlystop.controller.reconcile.timing import acceptance_is_due
from earlystop.evidence.version import CURRENT, FIRST
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observations
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import ENDED, WATCHING, Phase, RolloutState
from tests.unit.controller.counts.declared_sources import SOURCES
from tests.unit.controller.tracked_policies import manifest, tracked
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.states import REACHED


@pytest.mark.slow
@every_row("name", REACHED)
def test_a_session_takes_up_what_was_stored(name: str) -> None:
    found = tracked(REACHED[name])
    assert found.state == found.status.stored == REACHED[name]
    assert found.state is found.status.stored


def test_a_policy_that_the_operator_has_not_seen_begins_with_nothing_and_is_checked() -> None:
    fresh = manifest()
    fresh["status"] = {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "Pending", "message": "W"}]}
    found = TrackedPolicy.load(fresh, NOW)
    assert found.state == RolloutState() and found.observations == Observations() and acceptance_is_due(found, NOW)


@pytest.mark.slow
def test_after_a_restart_looks_come_before_checks_but_what_was_being_done_is_done_again() -> None:
    for state in REACHED.values():
        found = tracked(state)
        if state.phase != Phase.PENDING:
            assert not acceptance_is_due(found, NOW)
        assert found.traffic.recheck == (state.watch_phase not in WATCHING)


def test_a_policy_that_was_refused_or_edited_meanwhile_is_checked_at_once() -> None:
    refused = tracked(REACHED["observing"], observations=Observations(refusal=Refusal("TargetTaken", "No.")))
    assert acceptance_is_due(refused, NOW)
    edited = manifest(REACHED["observing"])
    edited["metadata"]["generation"] = 2
    assert acceptance_is_due(TrackedPolicy.load(edited, NOW), NOW)


@pytest.mark.parametrize(
    ("field", "value"), [("looks", "x"), ("mark", "1"), ("ledger", "x"), ("plan", "[]"), ("phase", "X"), ("step", 99)]
)
def test_a_status_that_cannot_be_understood_is_a_value_error_and_nothing_worse(field: str, value: object) -> None:
    broken = manifest(REACHED["observing"])
    place = broken["status"]["internal"] if field in PACKED_FIELDS else broken["status"]
    place[field] = value
    with pytest.raises(ValueError, match=r".+"):
        TrackedPolicy.load(broken, NOW)


def test_a_retry_is_asked_for_by_an_annotation() -> None:
    made = manifest()
    assert TrackedPolicy.load(made, NOW).retry_token == ""
    made["metadata"]["annotations"] = {RETRY_ANNOTATION: "x" * 500}
    assert TrackedPolicy.load(made, NOW).retry_token == "x" * 128


def sharing(spec: PolicySpec, campaigns: int) -> PolicySpec:
    """The spec, whose candidates share the risks of error over so many campaigns."""
    risk = spec.objective.risk.model_copy(update={"campaigns": campaigns})
    return spec.model_copy(update={"objective": spec.objective.model_copy(update={"risk": risk})})


@pytest.mark.parametrize(("engine", "attempt"), [(FIRST, 1), (CURRENT, 2), (FIRST, 2)])
@pytest.mark.parametrize("phase", sorted(ENDED))
def test_a_campaign_of_any_engine_and_attempt_completes_and_leaves_its_target_as_any_other(
    engine: int, attempt: int, phase: Phase
) -> None:
    state = next(each for each in REACHED.values() if each.phase is phase)
    over = tracked(state)
    over.spec = sharing(state.pinned_plan.spec, 2)
    over.state = replace(state, plan=parse_plan(plan_text(over.spec, over.retry_token, engine, attempt)))
    assert not over.is_edited(over.state)
    said = {each.type: each for each in conditions(over.state, over.shown, edited=over.is_edited(over.state))}
    assert said[ConditionType.COMPLETED].status is ConditionStatus.TRUE
    if is_over(over):
        wanting = tracked(uid="2222-other", name="other", created="2026-02-01T00:00:00Z")
        wanting.spec = over.spec
        assert successor_of(over, [over, wanting]) == "other"
    over.spec = sharing(over.spec, 3)
    assert over.is_edited(over.state)


# Who may move which traffic


def older_and_younger(**other: object) -> tuple[TrackedPolicy, TrackedPolicy]:
    changes = {"targetRef": {"name": "else"}, "delivery": {"gatewayHeader": {"routeRef": {"name": "else"}}}, **other}
    older = tracked(created="2026-01-01T00:00:00Z")
    return older, tracked(created="2026-01-02T00:00:00Z", uid="2222-younger", name="qa2", changes=changes)


@pytest.mark.parametrize(
    "shared", [{"targetRef": {"name": "qa-server"}}, {"delivery": {"gatewayHeader": {"routeRef": {"name": "qa"}}}}]
)
def test_of_two_policies_for_one_target_or_route_just_the_younger_is_refused(shared: dict[str, object]) -> None:
    older, younger = older_and_younger(**shared)
    refusal = competition_refusal(younger, [older, younger])
    assert refusal is not None and refusal.reason == "TargetTaken"
    assert "Policy qa has the traffic" in refusal.message and "Delete one" in refusal.message
    assert competition_refusal(older, [older, younger]) is None


def test_a_policy_that_moves_the_traffic_already_keeps_it_from_an_older_one() -> None:
    waiting = tracked(created="2026-01-01T00:00:00Z")
    moving = tracked(REACHED["promoted"], created="2026-01-02T00:00:00Z", uid="2222", name="qa2")
    assert competition_refusal(moving, [waiting, moving]) is None
    refusal = competition_refusal(waiting, [waiting, moving])
    assert refusal is not None and refusal.reason == "TargetTaken"


def test_policies_of_one_age_are_told_apart_so_that_just_one_is_refused() -> None:
    one = tracked(uid="1111")
    other = tracked(uid="2222", name="qa2")
    assert [competition_refusal(each, [one, other]) is None for each in (one, other)] == [True, False]


def test_policies_for_other_traffic_are_no_rivals() -> None:
    older, younger = older_and_younger()
    assert competition_refusal(younger, [older, younger]) is None


@pytest.mark.parametrize(
    ("change", "reason", "advice"),
    [
        (None, "SourceNotFound", "Ask the cluster's admin to create it"),
        ({"url": "http://p#part"}, "SourceUnusable", "Ask the cluster's admin to fix it"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_with_what_to_do(
    change: dict[str, object] | None, reason: str, advice: str
) -> None:
    known = {} if change is None else {"default": SOURCES["default"].model_validate({"url": "http://p", **change})}
    refusal = source_refusal(policy(), known)
    assert refusal is not None and refusal.reason == reason and advice in refusal.message
    assert source_refusal(policy(), SOURCES) is None


def test_of_sources_those_are_named_instead_that_policies_of_the_same_namespace_use_and_no_other_tenants() -> None:
    there = dict.fromkeys(("of-another-tenant", "ours", *(f"s{number}" for number in range(9))), SOURCES["default"])
    refusal = source_refusal(policy(), there, {"ours", "default", "gone"})
    assert refusal is not None and refusal.message.endswith("name another: policies of this namespace use ours.")
    refusal = source_refusal(policy(), there, {f"s{number}" for number in range(9)})
    assert refusal is not None and refusal.message.endswith("use s0, s1, s2, s3, s4 and 4 more.")
    refusal = source_refusal(policy(), there)
    assert refusal is not None and "tenant" not in refusal.message and "ours" not in refusal.message


@pytest.mark.parametrize(
    "change",
    [
        *({"flavour": flavour} for flavour in ("Prometheus", "Thanos", "VictoriaMetrics", "Mimir")),
        {"auth": {"type": "Bearer", "secretRef": {"name": "a", "key": "b"}}},
        {"tls": {"caRef": {"name": "a", "key": "b"}}},
    ],
)
def test_every_flavour_and_credentials_are_taken(change: dict[str, object]) -> None:
    known = {"default": SOURCES["default"].model_validate({"url": "https://p", **change})}
    assert source_refusal(policy(), known) is None


@pytest.mark.parametrize("name", sorted(set(REACHED) - {"pending"}))
def test_a_status_with_a_campaign_of_another_policy_is_not_followed_and_that_is_told(name: str) -> None:
    """As after a restore that made the policy anew and brought its status along."""
    made = manifest(REACHED[name])
    restored = {**made, "metadata": {**made["metadata"], "uid": "0b6e28ba-2fa1-11d2-883f-0016d3cca427"}}
    found = TrackedPolicy.load(restored, NOW)
    assert (found.state, found.observations) == (RolloutState(), Observations())
    assert [note.reason for note in found.notes] == ["StatusOfAnother"]
    own = TrackedPolicy.load(made, NOW)
    assert own.state.revision == REACHED[name].revision and own.notes == []
