"""The pure decision of what to do next about traffic, without a cluster, a gateway or a clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.modes import route_modes
from earlystop.delivery.decide import PACING, SECONDS_BETWEEN_CHANGES, decide
from earlystop.delivery.decisions import Detach, Probe, Quarantine, SplitStatus, TrafficDecision, Wait, Write
from earlystop.delivery.desired import Desired, desired_traffic
from earlystop.delivery.drift import drifted
from earlystop.delivery.harm import SECONDS_TO_SERVE
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.probes.misrouting import MISROUTES, PATIENCE_SECONDS
from earlystop.delivery.proof import ProbeResult, Proof
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_view import TrafficView
from tests.unit.delivery.cluster import backend, gateway, inputs, prefix, route, running, spec_in, split
from tests.unit.rollout.policies import examples

NOW = 1_000_000.0
LONG_AGO = "1970-01-02T00:00:00Z"
HALF, NONE = split(50), split(0)
NOT_YET = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for.")
MISROUTED = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.FALSE, MISROUTES, "It confuses backends.")
FRESH = TrafficView(condition=NOT_YET)
UNFIT = {"route": route({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]})}

modes = st.sampled_from(sorted(route_modes()))


def stored(here: ClusterInputs, objects: Any) -> ClusterInputs:
    """The objects as a server keeps them, written long ago."""
    return here.with_objects(
        [running({**each, "metadata": {**each["metadata"], "creationTimestamp": LONG_AGO}}) for each in objects]
    )


def put(here: ClusterInputs, wanted: TrafficSplit) -> ClusterInputs:
    """The inputs once this split was written."""
    return stored(here, desired_traffic(here, wanted, rolling_back=False).rendered.objects)


def asked(
    here: ClusterInputs, wanted: TrafficSplit, memory: TrafficView = FRESH, rolling_back: bool = False, now: float = NOW
) -> TrafficDecision:
    return decide(here, desired_traffic(here, wanted, rolling_back), memory, now)


def answered(here: ClusterInputs, wanted: TrafficSplit, proof: Proof, **memory: Any) -> TrafficView:
    """The memory after whatever may be probed for a split was answered in this way."""
    desired = desired_traffic(here, wanted, rolling_back=False)
    asked = [(desired.proof, "targets"), (desired.proof, "by_variant"), (desired.probe_only, "targets")]
    targets = [getattr(each, name, None) for each, name in asked]
    found = ProbeResult(proof, f"It was {proof.value}.")
    view = replace(FRESH, answers=tuple((each, found) for each in targets if each))
    return replace(view, **memory)


def kinds(objects: tuple[Manifest, ...]) -> list[str]:
    return [each["kind"] for each in objects]


WITHOUT_ADDRESS = {"gateways": {("llm", "edge"): gateway(address=None)}}


# What comes before users are led


def test_before_users_are_led_the_probe_only_rules_are_written_and_probed() -> None:
    here = inputs()
    first = asked(here, HALF)
    assert isinstance(first, Write) and kinds(first.objects) == ["Service", "HTTPRoute"] and first.then is None
    here = stored(here, first.objects)
    second = asked(here, HALF)
    assert isinstance(second, Probe) and not second.users_led
    shown = replace(FRESH, proven_on_probes=HALF)
    third = asked(here, HALF, shown)
    assert isinstance(third, Write) and kinds(third.objects) == ["HTTPRoute"]
    paced = asked(here, HALF, replace(shown, written_at=NOW - 1))
    assert isinstance(paced, Wait) and paced.condition.reason == PACING


def test_where_no_probe_can_be_sent_the_alias_is_written_and_waited_for_and_then_the_route() -> None:
    here = inputs(**WITHOUT_ADDRESS)
    first = asked(here, HALF)
    assert isinstance(first, Write) and kinds(first.objects) == ["Service"]
    assert first.then is not None and first.then.condition.message.endswith("the candidate's Service.")
    second = asked(stored(here, first.objects), HALF)
    assert isinstance(second, Write) and kinds(second.objects) == ["HTTPRoute"] and second.then is None


@pytest.mark.parametrize(
    ("proof", "seconds", "status", "reason"),
    [
        (Proof.WRONG, 0, SplitStatus.NOT_WRITTEN, "WaitingForGateway"),
        (Proof.WRONG, PATIENCE_SECONDS[Proof.WRONG], SplitStatus.MISROUTED, MISROUTES),
        (Proof.STALE, PATIENCE_SECONDS[Proof.STALE] - 1, SplitStatus.NOT_WRITTEN, "WaitingForGateway"),
        (Proof.STALE, PATIENCE_SECONDS[Proof.STALE], SplitStatus.MISROUTED, MISROUTES),
    ],
)
def test_a_gateway_that_contradicts_probes_leads_nobody(
    proof: Proof, seconds: float, status: SplitStatus, reason: str
) -> None:
    here = inputs()
    first = asked(here, HALF)
    assert isinstance(first, Write)
    here = stored(here, first.objects)
    found = asked(here, HALF, answered(here, HALF, proof, contradicted_at=NOW - seconds))
    assert isinstance(found, Wait) and (found.status, found.condition.reason) == (status, reason)


def test_a_gateway_that_is_known_to_misroute_stays_known_while_it_is_waited_for() -> None:
    here = inputs()
    first = asked(here, HALF)
    assert isinstance(first, Write)
    here = stored(here, first.objects)
    memory = answered(here, HALF, Proof.WRONG, contradicted_at=NOW, condition=MISROUTED)
    assert asked(here, HALF, memory) == Wait(SplitStatus.NOT_WRITTEN, MISROUTED)


@pytest.mark.parametrize("proof", [Proof.UNREACHABLE, Proof.UNSUPPORTED])
def test_users_are_led_where_nobody_answers_probes(proof: Proof) -> None:
    here = inputs()
    first = asked(here, HALF)
    assert isinstance(first, Write)
    here = stored(here, first.objects)
    found = asked(here, HALF, answered(here, HALF, proof))
    assert isinstance(found, Write) and kinds(found.objects) == ["HTTPRoute"]


def test_a_rollback_of_what_led_nobody_is_in_force_without_a_write() -> None:
    here = inputs()
    first = asked(here, HALF)
    assert isinstance(first, Write)
    here = stored(here, first.objects)
    found = asked(here, NONE, rolling_back=True)
    assert isinstance(found, Wait) and found.status == SplitStatus.PROVEN
    assert asked(here, NONE, replace(FRESH, condition=MISROUTED), rolling_back=True) == Wait(
        SplitStatus.PROVEN, MISROUTED
    )


# Writing


@pytest.mark.slow
@examples
@given(modes, st.floats(0, SECONDS_BETWEEN_CHANGES, exclude_max=True))
def test_a_change_that_raises_waits_for_the_one_before_and_one_that_takes_all_off_does_not(
    mode: str, seconds: float
) -> None:
    here = put(inputs(spec=spec_in(mode)), replace(HALF, step=1, shadows=split(0, shadows=1).shadows))
    memory = replace(FRESH, written_at=NOW - seconds)
    raised = asked(here, replace(HALF, step=2), memory)
    assert isinstance(raised, Wait) and (raised.status, raised.condition.reason) == (SplitStatus.NOT_WRITTEN, PACING)
    taken_off = asked(here, replace(NONE, step=2), memory, rolling_back=True)
    assert isinstance(taken_off, Write) and kinds(taken_off.objects)[-1] == "HTTPRoute" and taken_off.then is None


def test_what_has_not_drifted_is_not_written() -> None:
    for mode in route_modes():
        here = put(inputs(spec=spec_in(mode)), HALF)
        assert isinstance(asked(here, HALF), Probe)


# Proof


@pytest.mark.parametrize(
    ("proof", "memory", "expected"),
    [
        (Proof.NOT_YET, {"written_at": NOW - 1}, (SplitStatus.WRITTEN, "WaitingForGateway")),
        (Proof.NOT_YET, {"written_at": NOW - SECONDS_TO_SERVE - 1}, (SplitStatus.WRITTEN, "ShareNotServed")),
        (Proof.STALE, {"contradicted_at": NOW}, (SplitStatus.WRITTEN, "WaitingForGateway")),
        (Proof.WRONG, {"contradicted_at": NOW}, (SplitStatus.WRITTEN, "WaitingForGateway")),
        (Proof.UNSUPPORTED, {}, (SplitStatus.UNPROVABLE, "ProbeUnsupported")),
        (Proof.UNREACHABLE, {}, (SplitStatus.UNPROVABLE, "GatewayUnreachable")),
        (Proof.IN_FORCE, {"proven": HALF}, (SplitStatus.PROVEN, "InForce")),
    ],
)
def test_every_answer_says_how_far_the_split_has_got(
    proof: Proof, memory: dict[str, Any], expected: tuple[SplitStatus, str]
) -> None:
    here = put(inputs(), HALF)
    found = asked(here, HALF, answered(here, HALF, proof, **memory))
    assert isinstance(found, Wait) and (found.status, found.condition.reason) == expected


def test_a_split_that_was_proven_is_not_probed_again_and_another_one_is() -> None:
    here = put(inputs(), HALF)
    found = asked(here, HALF, replace(FRESH, proven=HALF))
    assert isinstance(found, Wait) and found.status == SplitStatus.PROVEN
    assert isinstance(asked(here, HALF, replace(FRESH, proven=NONE)), Probe)


def test_without_an_address_only_metrics_can_prove_a_split() -> None:
    here = put(inputs(**WITHOUT_ADDRESS), HALF)
    found = asked(here, HALF)
    assert isinstance(found, Wait)
    assert (found.status, found.condition.reason) == (SplitStatus.UNPROVABLE, "NoGatewayAddress")
    shown = asked(here, HALF, replace(FRESH, proven=HALF))
    assert isinstance(shown, Wait) and shown.status == SplitStatus.PROVEN


# Quarantine, and taking candidates off where the split no longer fits


@pytest.mark.parametrize("proof", PATIENCE_SECONDS)
@pytest.mark.parametrize("mode", route_modes())
def test_a_gateway_that_misroutes_under_way_is_quarantined_until_another_campaign(mode: str, proof: Proof) -> None:
    wanted = replace(HALF, shadows=split(0, shadows=1).shadows)
    here = put(inputs(spec=spec_in(mode)), wanted)
    memory = answered(here, wanted, proof, contradicted_at=NOW - PATIENCE_SECONDS[proof])
    found = asked(here, wanted, memory)
    assert isinstance(found, Quarantine) and found.condition.reason == MISROUTES
    assert kinds(found.objects) == ["HTTPRoute"]
    here = stored(here, found.objects)
    kept = replace(FRESH, quarantined_revision=wanted.revision, condition=found.condition)
    assert asked(here, wanted, kept) == Quarantine((), found.condition)
    assert not isinstance(asked(here, replace(wanted, revision="another"), kept), Quarantine)


@pytest.mark.parametrize("mode", route_modes())
def test_where_the_split_no_longer_fits_users_go_by_their_own_route(mode: str) -> None:
    wanted = replace(HALF, shadows=split(0, shadows=1).shadows)
    was = put(inputs(spec=spec_in(mode)), wanted)
    here = replace(inputs(spec=spec_in(mode), **UNFIT), objects={**was.objects, **inputs(**UNFIT).objects})
    raised = asked(here, wanted)
    assert isinstance(raised, Detach) and raised.status == SplitStatus.NOT_WRITTEN
    assert raised.condition.reason == "RouteSplitsAlready"
    off = asked(here, NONE)
    assert isinstance(off, Detach) and kinds(off.objects) == ["HTTPRoute"]
    again = asked(here.with_objects(off.objects), NONE)
    assert isinstance(again, Detach) and again.objects == ()


def test_an_object_of_somebody_else_is_not_touched_to_take_candidates_off() -> None:
    here = put(inputs(), HALF)
    foreign = replace(here, uid="another")
    refused = Refusal("RouteManaged", "Somebody else moves it.")
    desired = Desired(split=NONE, refusal=refused, detached=desired_traffic(here, NONE, rolling_back=True).detached)
    assert isinstance(found := decide(foreign, desired, FRESH, NOW), Detach) and found.objects == ()
    assert isinstance(mine := decide(here, desired, FRESH, NOW), Detach) and mine.objects


# Whatever comes back


@pytest.mark.slow
@examples
@given(
    modes,
    st.sampled_from([HALF, NONE, split(100)]),
    st.lists(st.sampled_from(sorted(Proof)), min_size=4, max_size=4),
    st.booleans(),
    st.floats(0, 200),
    st.none() | st.floats(0, 200),
)
def test_asked_again_after_each_write_and_probe_it_ends_and_writes_nothing_twice(
    mode: str, wanted: TrafficSplit, proofs: list[Proof], rolling_back: bool, age: float, contradicted: float | None
) -> None:
    here = inputs(spec=spec_in(mode))
    desired = desired_traffic(here, wanted, rolling_back)
    since = None if contradicted is None else NOW - contradicted
    memory = replace(FRESH, written_at=NOW - age, contradicted_at=since)
    written: list[Manifest] = []
    for _ in range(6):
        found = decide(here, desired, memory, NOW)
        if isinstance(found, Write):
            assert found.objects and drifted(here, found.objects) == list(found.objects)
            assert not any(each in written for each in found.objects)
            written += found.objects
            if found.then is not None:
                return
            here = here.with_objects(found.objects)
            memory = replace(FRESH, written_at=NOW)
        elif isinstance(found, Probe):
            proof = proofs.pop()
            name = "proven" if found.users_led else "proven_on_probes"
            shown: dict[str, Any] = {name: wanted} if proof == Proof.IN_FORCE else {}
            since = (memory.contradicted_at or NOW) if proof in PATIENCE_SECONDS else None
            answers = (*memory.answers, (found.targets, ProbeResult(proof, "Said.")))
            memory = replace(memory, answers=answers, contradicted_at=since, **shown)
        else:
            return
    raise AssertionError("it was asked six times and came to no end")
