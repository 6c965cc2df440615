"""Every revision of the objects that a rollout moves, as `kubectl get --watch` reports them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earlystop.controller.cluster import POLICIES, ROUTES, Resource
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import overlay_name
from tests.cluster.access import Access
from tests.cluster.binaries import binary
from tests.cluster.processes import Child, wait_until
from tests.e2e.stage import Stage

Manifest = dict[str, Any]


class Watch:
    """All objects of one kind in one namespace: first as they were found, then every change, in order."""

    def __init__(self, access: Access, namespace: str, resource: str) -> None:
        directory = Path(tempfile.mkdtemp(prefix=f"watch-{resource}-", dir=access.directory))
        command: list[str | Path] = [
            binary("kubectl"),
            f"--kubeconfig={access.kubeconfig}",
            f"--cache-dir={access.directory / 'kubectl-cache'}",
            f"--namespace={namespace}",
            "get",
            resource,
            "--watch",
            "--output-watch-events",
            "--output=json",
        ]
        self._child = Child("watch", command, directory)
        self._read = 0
        self._rest = ""
        self._events: list[tuple[str, Manifest]] = []

    def events(self) -> list[tuple[str, Manifest]]:
        """Type (ADDED, MODIFIED or DELETED) and object, so far."""
        assert self._child.alive, f"the watch has ended, so revisions may be missing: {self._child.tail()}"
        with self._child.log.open("rb") as stream:
            stream.seek(self._read)
            new = stream.read()
        # A character that was cut in two is read again with its other half.
        text = new.decode(errors="ignore")
        self._read += len(text.encode())
        self._rest += text
        while self._rest.strip():
            try:
                event, end = json.JSONDecoder().raw_decode(self._rest.lstrip())
            except json.JSONDecodeError:
                break
            self._rest = self._rest.lstrip()[end:]
            self._events.append((event["type"], event["object"]))
        return self._events

    def revisions(self, name: str) -> list[Manifest]:
        """Every revision of the object of that name that was there, oldest first."""
        return [each for type_, each in self.events() if type_ != "DELETED" and each["metadata"]["name"] == name]

    def has_seen(self, name: str, version: int) -> bool:
        """Whether an event of the object of that name was of this resource version, or of a later one."""
        mine = (each["metadata"] for _, each in self.events() if each["metadata"]["name"] == name)
        return any(int(metadata["resourceVersion"]) >= version for metadata in mine)

    def stop(self) -> None:
        """End the watch."""
        self._child.stop(0.0)


class Following:
    """Policies and routes of a stage, watched from before the first policy."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._policies = Watch(stage.access, stage.namespace, "earlystoppolicies")
        self._routes = Watch(stage.access, stage.namespace, "httproutes")

    def policies(self, name: str) -> list[Manifest]:
        """Every revision of a policy, up to the one that is stored now."""
        self._catch_up(self._policies, POLICIES, name)
        return self._policies.revisions(name)

    def overlays(self, policy: str) -> list[Manifest]:
        """Every revision of a policy's overlay route that led users' requests, up to the one that is stored now."""
        return [each for each in self._revisions_of_overlay(policy) if not serves_no_user(each)]

    def trials(self, policy: str) -> list[Manifest]:
        """Every revision of it that led the operator's own requests alone."""
        return [each for each in self._revisions_of_overlay(policy) if serves_no_user(each)]

    def _revisions_of_overlay(self, policy: str) -> list[Manifest]:
        name = overlay_name(policy)
        self._catch_up(self._routes, ROUTES, name)
        return self._routes.revisions(name)

    def _catch_up(self, watch: Watch, resource: Resource, name: str) -> None:
        """Wait until a watch, which is a process of its own, has told what is stored now. Of an object that is gone
        nothing more comes."""
        stored = self._stage.access.find(resource, self._stage.namespace, name)
        if stored is not None:
            version = int(stored["metadata"]["resourceVersion"])
            wait_until(lambda: watch.has_seen(name, version), 30.0, f"the watch to tell of {name} as it is stored")

    def routes(self) -> list[tuple[str, Manifest]]:
        """All events about routes, the user's own among them."""
        return self._routes.events()

    def status(self, name: str) -> Manifest:
        """The status of a policy that is stored now; empty before it has one."""
        self._catch_up(self._policies, POLICIES, name)
        return self._told(name)

    def _told(self, name: str) -> Manifest:
        found = self._policies.revisions(name)
        return dict(found[-1].get("status", {})) if found else {}

    def weight(self, policy: str) -> int | None:
        """The candidate's weight in the newest overlay; None before there is one."""
        found = self.overlays(policy)
        return int(found[-1]["spec"]["rules"][0]["backendRefs"][1]["weight"]) if found else None

    def wait_status(
        self, name: str, what: Callable[[Manifest], bool], deadline_seconds: float, described: str
    ) -> Manifest:
        """The policy's status once it is as wanted. Raises AssertionError at the deadline, with the last status."""
        return self.wait(lambda: what(self._told(name)), deadline_seconds, f"{name} to be {described}", name)

    def wait(self, what: Callable[[], bool], deadline_seconds: float, described: str, policy: str) -> Manifest:
        """Wait for anything about a policy. Returns its status; raises AssertionError at the deadline."""
        try:
            wait_until(what, deadline_seconds, described)
        except RuntimeError as error:
            shown = ("phase", "step", "weight", "counts", "evidence", "decision", "conditions")
            status = {key: self._told(policy).get(key) for key in shown}
            log = self._stage.operator.tail(15) if self._stage.operator else ""
            raise AssertionError(f"{error}; status: {json.dumps(status)}\n{log}") from None
        return self.status(policy)

    def stop(self) -> None:
        """End the watches."""
        self._policies.stop()
        self._routes.stop()


@contextmanager
def following(stage: Stage) -> Iterator[Following]:
    """Watch a stage; returns once the watch of its routes has begun."""
    watches = Following(stage)
    try:
        wait_until(lambda: bool(watches.routes()), 30.0, "the watch of routes to find the user's route")
        yield watches
    finally:
        watches.stop()
