"""The objects of a stage in its cluster: its source, its policies, and what the operator says of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from earlystop.controller.cluster import EVENTS, POLICIES, VERDICTS
from earlystop.demo import manifests
from tests.cluster.access import Access
from tests.cluster.processes import PATIENCE, Child, wait_until
from tests.cluster.prometheus import Prometheus


class StageObjects:
    """access: the cluster. source: name of the stage's MetricSource. operator: the one whose log a failure shows."""

    access: Access
    prometheus: Prometheus
    namespace: str
    source: str
    operator: Child | None

    def apply_source(self, url: str | None = None, **spec: Any) -> None:
        """Change the stage's MetricSource: its address, or other fields of its spec."""
        source = manifests.source(self.source, url or self.prometheus.url)
        source["spec"].update(spec)
        self.access.apply(source)

    def apply_policy(
        self,
        name: str,
        window: int,
        margin: str,
        *,
        saving: str = "0.10",
        risk: str = "0.01",
        harm: str | None = None,
        objective: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        **rollout: Any,
    ) -> dict[str, Any]:
        """Apply a policy that tries a window against the baseline of 40; `rollout` overrides its spec.rollout,
        `objective` adds to its spec.objective, and `spec` replaces whole parts of its spec. risk: of both wrong
        decisions, but for `harm`, that of a false rollback, where it is given."""
        policy = manifests.policy(self.namespace, name, self.source, window, margin)
        policy["spec"]["objective"]["tokens"]["minimumSaving"] = saving
        policy["spec"]["objective"]["risk"] = {"promote": risk, "harm": harm or risk}
        policy["spec"]["objective"].update(objective or {})
        policy["spec"].update(spec or {})
        policy["spec"]["rollout"].update(rollout)
        self.access.apply(policy)
        return policy

    def policy(self, name: str) -> dict[str, Any]:
        """The policy as it stands in the cluster."""
        found: dict[str, Any] = self.access.read(POLICIES, self.namespace, name)
        return found

    def delete_policy(self, name: str) -> None:
        """Delete a policy and wait until it is gone."""
        self.access.delete(POLICIES, self.namespace, name)
        wait_until(lambda: self.access.find(POLICIES, self.namespace, name) is None, 60, f"{name} to be gone")

    def verdicts(self) -> list[dict[str, Any]]:
        """All verdicts of the stage's namespace."""
        return self.access.items(VERDICTS, self.namespace)

    def events(self, name: str) -> list[tuple[str, str]]:
        """Reason and message of a policy's events, oldest first."""
        items = self.access.items(EVENTS, self.namespace)
        mine = [item for item in items if item["involvedObject"].get("name") == name]
        return [(item["reason"], item["message"]) for item in sorted(mine, key=lambda item: item["eventTime"])]

    def told(self, name: str, reason: str, beginning: str = "", deadline_seconds: float = 10.0) -> list[str]:
        """Messages of a policy's events of this reason, oldest first, once the newest begins so: an event comes a
        moment after the status that it tells of. Raises ClusterError at the deadline."""
        found: list[str] = []

        def came() -> bool:
            found[:] = [message for each, message in self.events(name) if each == reason]
            return bool(found) and found[-1].startswith(beginning)

        wait_until(came, deadline_seconds, f"the event {reason} on {name} to begin with {beginning!r}")
        return found

    def wait_for(
        self, name: str, what: Callable[[dict[str, Any]], bool], deadline_seconds: float, described: str
    ) -> dict[str, Any]:
        """The policy's status once it is as wanted. Raises AssertionError at PATIENCE times the deadline, with the
        last status."""
        status: dict[str, Any] = {}
        end = time.monotonic() + PATIENCE * deadline_seconds
        while time.monotonic() < end:
            status = self.policy(name).get("status", {})
            if what(status):
                return status
            time.sleep(0.3)
        shown = {key: status.get(key) for key in ("phase", "step", "counts", "evidence", "decision", "conditions")}
        log = self.operator.log.read_text()[-3000:] if self.operator else ""
        raise AssertionError(
            f"{name} was not {described} within {PATIENCE * deadline_seconds:.0f} s; status: {shown}\n{log}"
        )

    def assert_never(self, name: str, what: Callable[[dict[str, Any]], bool], seconds: float, described: str) -> None:
        """For so many seconds the policy's status is not as described. Raises AssertionError with one that is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.policy(name).get("status", {})
            assert not what(status), f"{name} is {described}: {status}"
            time.sleep(0.3)


def phase_is(*phases: str) -> Callable[[dict[str, Any]], bool]:
    """For `wait_for`: whether the rollout has come to one of these phases."""
    return lambda status: status.get("phase") in phases


def condition_is(type_: str, status: str, reason: str | None = None) -> Callable[[dict[str, Any]], bool]:
    """For `wait_for`: whether a condition has this status, and this reason if one is given."""

    def holds(found: dict[str, Any]) -> bool:
        return any(
            condition["type"] == type_ and condition["status"] == status and reason in (None, condition["reason"])
            for condition in found.get("conditions", [])
        )

    return holds
