"""Prometheus is away for ten minutes in the middle of three rollouts under load, and comes back with its data.

The policies are that of the README, but for a wider margin and `assumeIndependent`, with which a verdict takes minutes.
They differ in what they say of an outage: nothing, that it may last longer, and that it is waited out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from earlystop.controller.cluster import POLICIES, ROUTES, VERDICTS
from earlystop.delivery.names import overlay_name
from earlystop.rollout.verify.verdict import differences
from tests.cluster.processes import Child, wait_until
from tests.e2e.proof import assert_looks_are_what_prometheus_says, looks_of, verdict_looks, weights
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Watch
from tests.faults.service_namespaces import POLICY, ServiceNamespace

AWAY_SECONDS, DEFAULT_HOLD_SECONDS = 600.0, 300.0
RATE = 50.0
SAYS_NOTHING, PATIENT, WAITS = "says-nothing", "patient", "waits"
OUTAGES: dict[str, dict[str, Any]] = {
    SAYS_NOTHING: {},
    PATIENT: {"holdSeconds": 2 * int(AWAY_SECONDS)},
    WAITS: {"holdSeconds": 60, "then": "Hold"},
}
ENDED = phase_is("Promoted", "RolledBack", "Held")


@dataclass(slots=True)
class Rollout:
    """One of the policies, in a namespace of its own with its clients."""

    tenant: ServiceNamespace
    load: Child
    watch: Watch

    @property
    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.tenant.stage.access.read(POLICIES, self.tenant.namespace, POLICY).get(
            "status", {}
        )
        return status

    @property
    def shares(self) -> set[tuple[int, ...]]:
        """The weights that the overlay has now."""
        return weights(self.tenant.stage.access.read(ROUTES, self.tenant.namespace, overlay_name(POLICY)))

    def is_at_its_second_step(self) -> bool:
        return phase_is("Observing")(self.status) and self.status["step"] >= 1

    def summary(self) -> dict[str, Any]:
        """End the load. Returns what became of its requests."""
        self.load.stop(30)
        found: dict[str, Any] = json.loads(self.load.tail(1))
        return found


def policy(tenant: ServiceNamespace, on_no_metrics: dict[str, Any]) -> dict[str, Any]:
    made = tenant.policy()
    made["spec"]["rollout"] = {"steps": [{"weight": 5}, {"weight": 25}, {"weight": 50}]}
    if on_no_metrics:
        made["spec"]["rollout"]["onNoMetrics"] = on_no_metrics
    objective = made["spec"]["objective"]
    del objective["risk"]
    objective["exactMatch"]["margin"] = "0.04"
    return made


@pytest.fixture
def rollouts(stage: Stage) -> Iterator[dict[str, Rollout]]:
    tenants = {name: ServiceNamespace(stage, f"{name}-{stage.namespace[-6:]}") for name in OUTAGES}
    for tenant in tenants.values():
        stage.access.kubectl("create", "namespace", tenant.namespace)
        tenant.apply(*tenant.objects().values())
    wait_until(lambda: all(tenant.answers() for tenant in tenants.values()), 60, "the services to answer")
    begun = {}
    for seed, (name, tenant) in enumerate(tenants.items()):
        options = (f"--host-header={tenant.host}", f"--rate={RATE}", f"--seed={seed}", f"--data={stage.data}")
        load = stage.python(f"load-{name}", "earlystop.demo.load", f"--url={stage.gateway.url}", *options)
        begun[name] = Rollout(tenant, load, Watch(stage.access, tenant.namespace, "earlystoppolicies"))
        tenant.apply(policy(tenant, OUTAGES[name]))
    yield begun
    for rollout in begun.values():
        rollout.load.stop(0)
        rollout.watch.stop()
        stage.access.kubectl("delete", "namespace", rollout.tenant.namespace, "--wait=false")


def all_are(rollouts: dict[str, Rollout], what: Callable[[Rollout], bool]) -> Callable[[], bool]:
    return lambda: all(what(each) for each in rollouts.values())


def test_an_outage_of_ten_minutes_moves_no_weight_but_as_the_policy_says_and_costs_neither_request_nor_count(
    stage: Stage, rollouts: dict[str, Rollout]
) -> None:
    wait_until(all_are(rollouts, Rollout.is_at_its_second_step), 150, "all at their second step")
    stage.prometheus.stop(abruptly=True)
    began = time.monotonic()
    wait_until(all_are(rollouts, lambda each: condition_is("MetricsAvailable", "False")(each.status)), 60, "told")
    before = {name: (each.shares, looks_of(each.status)) for name, each in rollouts.items()}
    while time.monotonic() - began < AWAY_SECONDS:
        away = time.monotonic() - began
        for name in (SAYS_NOTHING,) if away < DEFAULT_HOLD_SECONDS - 30 else (PATIENT, WAITS):
            assert (rollouts[name].shares, looks_of(rollouts[name].status)) == before[name], (
                f"{name} after {away:.0f} s"
            )
        time.sleep(5)
    assert phase_is("RolledBack")(rollouts[SAYS_NOTHING].status)
    stage.prometheus.start()
    wait_until(all_are(rollouts, lambda each: ENDED(each.status)), 300, "all to end")
    wait_until(
        all_are(rollouts, lambda each: condition_is("Completed", "True")(each.status)), 60, "all to be completed"
    )
    for name, rollout in rollouts.items():
        summary = rollout.summary()
        (verdict,) = stage.access.items(VERDICTS, rollout.tenant.namespace)
        decided = (verdict["spec"]["decision"], verdict["spec"]["reason"])
        print(name, decided, summary)
        assert summary["failed"] == 0 and differences(verdict["spec"]) == []
        assert decided == ("RollBack", "NoMetrics") if name == SAYS_NOTHING else decided[0] == "Promote"
        where = cast(Stage, SimpleNamespace(namespace=rollout.tenant.namespace, prometheus=stage.prometheus))
        assert_looks_are_what_prometheus_says(where, verdict_looks(verdict), rollout.watch.revisions(POLICY))
