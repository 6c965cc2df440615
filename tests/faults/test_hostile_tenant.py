"""A tenant does what the rights of an editor allow, all at once: a thousand refused policies, edits without end, labels
like the operator's, slow answers to probes, huge series of its own policy and forged ones of its neighbour's. The
neighbour's verdict comes as fast as without it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from earlystop.controller.cluster import POLICIES
from tests.cluster.network import POD_ADDRESS
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.proof import only_verdict, verdict_looks
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.faults.hostile import HostileServer, create_refused, editing, with_hostile_labels
from tests.faults.policies import ONE_STEP, apply_quick
from tests.faults.service_namespaces import ServiceNamespace

REFUSED = 1000
PORT = 8090
LATER_SECONDS = 10.0
"""What the neighbour may wait longer: it begins, is looked at and is promoted in turn with the hostile tenant."""
NEW_POLICY_SECONDS = 10.0
LIMIT_MIB = 256
"""The chart's limit of the operator's memory."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What happened to the neighbour, without and with the hostile tenant. All times are in seconds; alone, beside: how
    long it waited for its verdict, but for the looks that its answers made necessary. Factors: of what more each may
    take, as processes waited for cores (tests/cluster/slowed.py)."""

    alone: float
    beside: float
    beside_factor: float
    new_policy: float
    new_policy_factor: float
    refused: int
    edits: int
    refused_edits: int
    hostile_reason: str
    peak_mib: float
    same_process: bool
    reasons: set[str]


def seconds_waited(stage: Stage, name: str) -> float:
    """From the application of a harmless, saving candidate to its promotion, with the longest time between two looks in
    place of all of them: how many looks a proof needs is the luck of what was asked meanwhile."""
    began = time.monotonic()
    apply_quick(stage, name)
    stage.wait_for(name, phase_is("Promoted"), 120, "promoted")
    taken = time.monotonic() - began
    moments = [look.at for look in verdict_looks(only_verdict(stage, name))]
    stage.delete_policy(name)
    return taken - (moments[-1] - moments[0]) + max((after - at for at, after in pairwise(moments)), default=0)


def apply_hostile(stage: Stage, server: HostileServer) -> tuple[ServiceNamespace, list[str]]:
    """A tenant with all that it may do, under way. Returns it, and the names of its refused policies."""
    hostile, slow = (
        ServiceNamespace(stage, f"{stage.namespace}-evil"),
        ServiceNamespace(stage, f"{stage.namespace}-slow", PORT),
    )
    for tenant in (hostile, slow):
        stage.access.create_namespace(tenant.namespace)
        tenant.apply(*tenant.objects().values())
    objects = hostile.objects()
    hostile.apply(*with_hostile_labels(objects["Service"], objects["HTTPRoute"]))
    for tenant in (hostile, slow):
        wait_until(tenant.answers, 60, f"{tenant.host} to answer")
    policy = hostile.policy("accepted")
    policy["spec"]["rollout"].update(ONE_STEP, deadlineSeconds=3600)
    hostile.apply(policy, slow.policy("slow"))
    wait_until(lambda: revision_of(stage, hostile.namespace, "accepted") != "", 60, "the campaign to begin")
    server.exported[f"{hostile.namespace}/accepted"] = revision_of(stage, hostile.namespace, "accepted")
    return hostile, create_refused(stage.access, hostile.policy("refused"), REFUSED)


def revision_of(stage: Stage, namespace: str, name: str) -> str:
    return str(stage.access.read(POLICIES, namespace, name).get("status", {}).get("revision", ""))


def metrics_reason(stage: Stage, namespace: str) -> str:
    """What the hostile tenant's own policy is told about its counts."""
    conditions = stage.access.read(POLICIES, namespace, "accepted")["status"]["conditions"]
    return str(next(each["reason"] for each in conditions if each["type"] == "MetricsAvailable"))


def refused_by_now(stage: Stage, namespace: str) -> int:
    policies = stage.access.items(POLICIES, namespace)
    return sum(condition_is("Accepted", "False")(each.get("status", {})) for each in policies)


def peak_mib(pid: int) -> float:
    """The most memory that a process has held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@pytest.fixture(scope="module")
def found(stage: Stage, core_waits: CoreWaits) -> Iterator[Neighbourhood]:
    assert stage.operator is not None
    process = stage.operator
    stage.apply_source(namespaceLabel="namespace", evaluationDelaySeconds=DELAY_SECONDS, timeoutSeconds=5)
    jobs = {"qa": [f"{stage.server_address}:{stage.server_port}"]}
    labels = {"qa": {"namespace": stage.namespace}, "evil": {"namespace": f"{stage.namespace}-evil"}}
    stage.prometheus.set_targets(jobs, labels=labels)
    stage.start_load(200.0)
    with ExitStack() as stack, HostileServer(POD_ADDRESS, PORT) as server:
        alone = seconds_waited(stage, "alone")
        hostile, names = apply_hostile(stage, server)
        stack.callback(
            stage.access.kubectl, "delete", "namespace", hostile.namespace, f"{stage.namespace}-slow", "--wait=false"
        )
        stage.prometheus.set_targets({**jobs, "evil": [f"{POD_ADDRESS}:{PORT}"]}, labels=labels)
        with editing(stage.access, hostile.namespace, names) as edits:
            apply_quick(stage, "forged")
            stage.wait_for("forged", lambda status: "revision" in status, 60, "begun")
            server.exported[f"{stage.namespace}/forged"] = revision_of(stage, stage.namespace, "forged")
            forged = stage.wait_for("forged", phase_is("Promoted"), 120, "promoted")
            stage.delete_policy("forged")
            began_beside = time.monotonic()
            beside = seconds_waited(stage, "beside")
            beside_factor = core_waits.factor(began_beside, time.monotonic())
        # A condition is told anew once a minute at most, and its series are found too large only after some looks.
        wait_until(lambda: metrics_reason(stage, hostile.namespace) == "TooLarge", 120, "its own series to be met")
        hostile_reason = metrics_reason(stage, hostile.namespace)
        wait_until(lambda: refused_by_now(stage, hostile.namespace) == REFUSED, 60, "all policies to be refused")
        refused = refused_by_now(stage, hostile.namespace)
        stage.access.kubectl(
            "delete", "esp", "--all", f"--namespace={hostile.namespace}", "--wait=false", timeout_seconds=600
        )
        began = time.monotonic()
        apply_quick(stage, "new")
        stage.wait_for("new", condition_is("Accepted", "True"), 60, "accepted")
        new_policy = time.monotonic() - began
        new_policy_factor = core_waits.factor(began, time.monotonic())
        yield Neighbourhood(
            alone=alone,
            beside=beside,
            beside_factor=beside_factor,
            new_policy=new_policy,
            new_policy_factor=new_policy_factor,
            refused=refused,
            edits=len(edits),
            refused_edits=len(edits) - edits.count(200),
            hostile_reason=hostile_reason,
            peak_mib=peak_mib(process.pid),
            same_process=process.alive,
            reasons={each["reason"] for each in forged["conditions"]},
        )
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, (summary["failures"], summary["examples"])


def test_the_neighbours_verdict_comes_as_fast_as_without_it(found: Neighbourhood) -> None:
    assert found.beside <= found.alone + LATER_SECONDS * found.beside_factor, found


def test_the_operator_lives_through_it_within_the_charts_memory(found: Neighbourhood) -> None:
    assert found.same_process and found.peak_mib < LIMIT_MIB, found


def test_all_that_the_hostile_tenant_does_was_really_met(found: Neighbourhood) -> None:
    assert found.refused == REFUSED and found.edits > 50 and not found.refused_edits, found
    assert found.hostile_reason == "TooLarge", found


def test_a_policy_that_is_new_while_the_thousand_are_deleted_is_accepted_soon(found: Neighbourhood) -> None:
    assert found.new_policy <= NEW_POLICY_SECONDS * found.new_policy_factor, found


def test_series_that_are_forged_in_the_neighbours_name_change_nothing(found: Neighbourhood) -> None:
    assert "TooLarge" not in found.reasons, found
