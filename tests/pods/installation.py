"""A cluster as users have one: everything runs in Pods, the operator by `helm install` of its chart and image."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from earlystop.controller.cluster import DEPLOYMENTS, EVENTS, PODS, POLICIES, ROUTES, VERDICTS
from earlystop.delivery.names import overlay_name
from earlystop.demo import manifests
from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.packaging import CHART, MANIFESTS, helm
from tests.cluster.processes import Child, child_environment, wait_until
from tests.pods import workloads
from tests.pods.pod_images import OPERATOR, TAG

RELEASE, RELEASE_NAMESPACE = "earlystop", "earlystop-system"
INFRASTRUCTURE, TEAM = "infrastructure", "qa"
HOST = "qa.example.com"
SOURCE = "prometheus"
GATEWAY_URL = f"http://{workloads.GATEWAY_ADDRESS}:{workloads.GATEWAY_PORT}"
RATE = 200.0
VERDICT_SECONDS = 120.0


class Installation:
    """What a person does with kubectl and helm, and what can be seen of it. Make one within a `Node`."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane

    def deploy_service(self) -> None:
        """Apply Prometheus, Traefik, the server and its route, and wait until a question is answered through them."""
        for namespace in (INFRASTRUCTURE, TEAM):
            self.plane.kubectl("create", "namespace", namespace)
        self.plane.apply(*workloads.prometheus(INFRASTRUCTURE), *workloads.traefik(INFRASTRUCTURE))
        self.plane.apply(*workloads.server(TEAM), manifests.route(TEAM, HOST, "gateway", INFRASTRUCTURE))
        for namespace in (INFRASTRUCTURE, TEAM):
            where = (f"--namespace={namespace}", "--timeout=180s")
            self.plane.kubectl("wait", "deployment", "--all", "--for=condition=Available", *where, timeout_seconds=200)
        wait_until(lambda: self.ask(1)["ok"] > 0, 30, f"{HOST} to answer through the gateway")

    def helm(self, verb: str, *arguments: str) -> str:
        """What `helm VERB earlystop ARGUMENTS` printed of the release; a verb may have two words."""
        where = f"--namespace={RELEASE_NAMESPACE}"
        return helm(*verb.split(), RELEASE, *arguments, where, kubeconfig=self.plane.kubeconfig)

    def install(self) -> None:
        """Install the release into a namespace where only `restricted` Pods may run; it is ready when this returns."""
        self.plane.kubectl("apply", f"--filename={MANIFESTS / 'namespace.yaml'}")
        image = f"--set=image.repository={OPERATOR},image.tag={TAG},image.pullPolicy=Never"
        try:
            self.helm("install", str(CHART), image, "--wait", "--timeout=3m")
        except ClusterError as error:
            error.add_note(self.operator_log())
            raise
        source = manifests.source(SOURCE, f"http://{workloads.PROMETHEUS_ADDRESS}:{workloads.PROMETHEUS_PORT}")
        self.plane.apply(source)

    def apply_policy(self, name: str, window: int, margin: str, weights: tuple[int, ...]) -> None:
        """`kubectl apply` of a policy that tries this window against the baseline's 40, in steps of these weights."""
        policy = manifests.policy(TEAM, name, SOURCE, window, margin)
        policy["spec"]["rollout"]["steps"] = [{"weight": weight, "minimumSeconds": 3} for weight in weights]
        self.plane.kubectl("apply", "--filename=-", input=json.dumps(policy))

    def delete_policy(self, name: str) -> None:
        """Delete a policy and wait until it and its overlay are gone."""
        self.plane.kubectl("delete", f"esp/{name}", f"--namespace={TEAM}", "--wait=true")
        wait_until(lambda: self.overlay(name) is None, 30, f"the overlay of {name} to be collected")

    def status(self, name: str) -> dict[str, Any]:
        """The policy's status as it stands."""
        status: dict[str, Any] = self.plane.read(POLICIES, TEAM, name).get("status", {})
        return status

    def wait_for(self, name: str, what: Callable[[dict[str, Any]], bool], seconds: float, described: str) -> None:
        """Wait until the policy's status is so. Raises ClusterError with the last status and events at the deadline."""
        try:
            wait_until(lambda: what(self.status(name)), seconds, described)
        except Exception as error:
            error.add_note(f"status: {json.dumps(self.status(name))[:3000]}\nevents: {self.events(name)}")
            raise

    def events(self, name: str) -> list[str]:
        """Reason and message of the events of a policy."""
        found = [each for each in self.plane.items(EVENTS, TEAM) if each["involvedObject"].get("name") == name]
        return [f"{each['reason']}: {each.get('message')}" for each in found]

    def overlay(self, name: str) -> dict[str, Any] | None:
        """The route by which the operator leads requests for a policy."""
        found: dict[str, Any] | None = self.plane.find(ROUTES, TEAM, overlay_name(name))
        return found

    def verdicts(self) -> dict[str, str]:
        """The decision of each verdict by its policy."""
        return {each["spec"]["policy"]: each["spec"]["decision"] for each in self.plane.items(VERDICTS, TEAM)}

    def delete_verdicts(self, policy: str) -> None:
        """Delete the verdicts of a policy, as an admin of the cluster may."""
        of_policy = [each for each in self.plane.items(VERDICTS, TEAM) if each["spec"]["policy"] == policy]
        names = [f"esv/{each['metadata']['name']}" for each in of_policy]
        self.plane.kubectl("delete", *names, f"--namespace={TEAM}", "--wait=true")

    def operator_log(self) -> str:
        """The end of what the operator's Pod printed, and what Kubernetes says of it."""
        where = f"--namespace={RELEASE_NAMESPACE}"
        log = self.plane.kubectl("logs", f"deployment/{RELEASE}", where, "--tail=30")
        return f"{log}\n{self.plane.kubectl('get', 'events', where)}"

    def operator_pods(self) -> dict[str, str]:
        """Names of the operator's Pods that are not being ended, with their UID."""
        pods = self.plane.items(PODS, RELEASE_NAMESPACE)
        running = [each["metadata"] for each in pods if "deletionTimestamp" not in each["metadata"]]
        return {each["name"]: each["uid"] for each in running}

    def kill_operator(self) -> None:
        """Kill its Pod without notice; another is Ready when this returns."""
        before = self.operator_pods()
        where = f"--namespace={RELEASE_NAMESPACE}"
        self.plane.kubectl("delete", "pod", *before, where, "--grace-period=0", "--force")
        wait_until(lambda: self.operator_is_ready(beside=before), 60, "another Pod of the operator to be ready")

    def operator_is_ready(self, beside: dict[str, str]) -> bool:
        """Whether its Deployment has a Pod that is ready and none of `beside`."""
        now = self.operator_pods()
        if not now or now.keys() & beside.keys():
            return False
        return bool(self.plane.read(DEPLOYMENTS, RELEASE_NAMESPACE, RELEASE)["status"].get("readyReplicas"))

    def reconciliations(self) -> int:
        """How many reconciliations the operator's present Pod has done, as its own metrics say."""
        path = f"/api/v1/namespaces/{RELEASE_NAMESPACE}/services/{RELEASE}-metrics:8080/proxy/metrics"
        lines = self.plane.kubectl("get", "--raw", path).splitlines()
        series = 'earlystop_operator_reconciliations_total{outcome="done"}'
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(series))

    def ask(self, seconds: float, rate: float = RATE) -> dict[str, Any]:
        """Ask questions for so long. Returns the load's own summary."""
        options = [f"--rate={rate:g}", f"--seconds={seconds:g}", "--concurrency=16"]
        command = [*_LOAD, *options]
        done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
        summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return summary

    @contextmanager
    def load(self) -> Iterator[dict[str, Any]]:
        """Ask questions all the time; the yielded summary is filled in when the block is left."""
        summary: dict[str, Any] = {}
        child = Child("load", [*_LOAD, f"--rate={RATE:g}", "--concurrency=16"], self.plane.directory)
        try:
            yield summary
        finally:
            child.stop(patience_seconds=40)
        summary |= json.loads(child.tail(1))


_LOAD = (sys.executable, "-m", "earlystop.demo.load", f"--url={GATEWAY_URL}", f"--host-header={HOST}")
