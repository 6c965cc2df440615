"""The operator's token runs injectors and nothing else, by the chart's admission policies on a real API server."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.delivery.modes import mode_of
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.packaging import MANIFESTS, named, objects
from tests.cluster.processes import wait_until
from tests.unit.delivery.cluster import in_bodies, inputs, split
from tests.unit.rollout.policies import policy

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
INSTALL = (MANIFESTS / "install.yaml").read_text()
IMAGE = next(
    each.partition("=")[2]
    for each in named(INSTALL, "Deployment", "earlystop")["spec"]["template"]["spec"]["containers"][0]["args"]
    if each.startswith("--injector-image=")
)
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "any", "key": "token"}}}
REFUSED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "another image": ((*CONTAINER, "image"), "evil:1"),
    "another command": ((*CONTAINER, "command"), ["sh"]),
    "a Secret in the environment": ((*CONTAINER, "env"), [SECRET]),
    "a hook": ((*CONTAINER, "lifecycle", "postStart"), {"exec": {"command": ["sh"]}}),
    "another last command": ((*CONTAINER, "lifecycle", "preStop", "exec", "command"), ["sh"]),
    "a probe by command": ((*CONTAINER, "livenessProbe"), {"exec": {"command": ["sh"]}}),
    "a capability": ((*CONTAINER, "securityContext", "capabilities", "add"), ["NET_ADMIN"]),
    "a file system to write to": ((*CONTAINER, "securityContext", "readOnlyRootFilesystem"), False),
    "a second container": ((*POD, "containers", 1), {"name": "more", "image": IMAGE}),
    "an init container": ((*POD, "initContainers"), [{"name": "first", "image": IMAGE}]),
    "a token": ((*POD, "automountServiceAccountToken"), True),
    "another account": ((*POD, "serviceAccountName"), "admin"),
    "a volume": ((*POD, "volumes"), [{"name": "node", "hostPath": {"path": "/"}}]),
    "the node's network": ((*POD, "hostNetwork"), True),
    "the node's processes": ((*POD, "hostPID"), True),
    "the node's users": ((*POD, "hostUsers"), True),
    "root by the container": ((*CONTAINER, "securityContext", "runAsUser"), 0),
    "root that the container allows": ((*CONTAINER, "securityContext", "runAsNonRoot"), False),
    "root by the Pod": ((*POD, "securityContext", "runAsUser"), 0),
    "a group of files": ((*POD, "securityContext", "fsGroup"), 0),
    "no filter of system calls": ((*POD, "securityContext", "seccompProfile"), {"type": "Unconfined"}),
    "none for the container": ((*CONTAINER, "securityContext", "seccompProfile"), {"type": "Unconfined"}),
    "no AppArmor": ((*POD, "securityContext", "appArmorProfile"), {"type": "Unconfined"}),
    "none for the container's": ((*CONTAINER, "securityContext", "appArmorProfile"), {"type": "Unconfined"}),
    "no AppArmor by annotation": (
        ("spec", "template", "metadata", "annotations"),
        {"container.apparmor.security.beta.kubernetes.io/injector": "unconfined"},
    ),
    "another SELinux type": ((*POD, "securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    "the container's SELinux type": ((*CONTAINER, "securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    "a /proc that is said": ((*CONTAINER, "securityContext", "procMount"), "Default"),
    "a system setting": ((*POD, "securityContext", "sysctls"), [{"name": "kernel.shm_rmid_forced", "value": "1"}]),
    "capabilities that are kept": ((*CONTAINER, "securityContext", "capabilities", "drop"), ["NET_RAW"]),
    "a device by claim": ((*POD, "resourceClaims"), [{"name": "gpu", "resourceClaimName": "gpu"}]),
    "a device by name": ((*CONTAINER, "resources", "limits", "nvidia.com/gpu"), "1"),
    "a named node": ((*POD, "nodeName"), "control-plane"),
    "nodes of a kind": ((*POD, "nodeSelector"), {"node-role.kubernetes.io/control-plane": ""}),
    "nodes that others may not use": ((*POD, "tolerations"), [{"operator": "Exists"}]),
    "a registry's Secret": ((*POD, "imagePullSecrets"), [{"name": "any"}]),
    "another scheduler": ((*POD, "schedulerName"), "mine"),
    "another runtime": ((*POD, "runtimeClassName"), "mine"),
    "its own resolver": ((*POD, "dnsConfig"), {"nameservers": ["192.0.2.1"]}),
    "names of its own": ((*POD, "hostAliases"), [{"ip": "192.0.2.1", "hostnames": ["qa"]}]),
    "a priority": ((*POD, "priorityClassName"), "system-node-critical"),
    "processes that see each other": ((*POD, "shareProcessNamespace"), True),
    "a port of the node": ((*CONTAINER, "ports", 0), {"containerPort": 1, "hostPort": 1, "protocol": "TCP"}),
    "a terminal": ((*CONTAINER, "tty"), True),
    "a probe of another host": ((*CONTAINER, "livenessProbe", "httpGet", "host"), "192.0.2.1"),
    "an engine of another namespace": ((*CONTAINER, "args"), ["--upstream=http://qa.others.svc:80"]),
    "an argument of another kind": ((*CONTAINER, "args"), ["--parameters=/etc/passwd"]),
    "weights of another file": ((*CONTAINER, "args"), ["--weights=/etc/passwd"]),
    "a label that a Service of others selects": (("spec", "template", "metadata", "labels", "app"), "database"),
    "more Pods than a policy may ask for": (("spec", "replicas"), 17),
    "more cores": ((*CONTAINER, "resources", "requests", "cpu"), "2001m"),
    "more memory": ((*CONTAINER, "resources", "limits", "memory"), "11Gi"),
    "memory without a limit": ((*CONTAINER, "resources", "limits"), {}),
    "more memory kept for it": ((*CONTAINER, "resources", "requests", "memory"), "65Mi"),
}


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    found = [each for each in objects(INSTALL) if each["kind"].startswith("ValidatingAdmission")]
    narrowing = [each for each in found if "injector" in each["metadata"]["name"]]
    assert len(narrowing) == 8
    cluster.access.apply(*narrowing)
    # A new policy is in force a moment after it is stored.
    wait_until(
        lambda: not admitted(cluster, "default", changed("Deployment", (*CONTAINER, "image"), "evil:1")), 60, "it"
    )
    wait_until(lambda: not admitted(cluster, "default", of_others("PodDisruptionBudget")), 60, "the second")
    wait_until(lambda: not admitted(cluster, "default", of_others("NetworkPolicy")), 60, "the third")
    yield
    for each in narrowing:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def made(kind: str, split_by: str = "Gateway", **injector: Any) -> dict[str, Any]:
    """What the operator makes of this kind for an injector with these settings. No API server asks for its owners."""
    by_cookie = {"userKey": {"kind": "Cookie", "name": "sid"}} if split_by == "Injector" else {}
    request_body = {"routeRef": {"name": "qa"}, "engine": "VLLM", "injector": injector, "split": split_by, **by_cookie}
    delivery = {"gatewayHeader": None, "mode": "RequestBody", "requestBody": request_body}
    here = inputs(spec=policy({"parameters": in_bodies(), "delivery": delivery}), injector_image=IMAGE)
    return next(each for each in mode_of(here.spec.delivery).render(here, split(50)).objects if each["kind"] == kind)


def changed(kind: str, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(made(kind))
    put_at(manifest, path, value)
    return manifest


def put_at(manifest: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Let the manifest have the value there; a number that its list has not yet appends."""
    holder: Any = manifest
    for key in path[:-1]:
        holder = holder[key]
    if isinstance(holder, list) and path[-1] == len(holder):
        holder.append(value)
    else:
        holder[path[-1]] = value


def of_others(kind: str) -> dict[str, Any]:
    """One that is for the Pods of somebody else."""
    field = "selector" if kind == "PodDisruptionBudget" else "podSelector"
    return changed(kind, ("spec", field), {"matchLabels": {"app": "database"}})


def placed(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The manifest as it is in this namespace; those of the tests are in llm."""
    text = json.dumps(manifest).replace("://qa.llm.svc", f"://qa.{namespace}.svc")
    there: dict[str, Any] = json.loads(text)
    there["metadata"]["namespace"] = namespace
    return there


def admitted(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> bool:
    """Whether the operator's account may write it, with every right that RBAC could give. Raises ClusterError for
    another refusal."""
    there = placed(manifest, namespace)
    try:
        write = ("create", "--filename=-", "--dry-run=server", OPERATOR, *RIGHTS)
        cluster.access.kubectl(*write, input=json.dumps(there))
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return False
        raise
    return True


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_what_the_operator_makes_for_an_injector_is_admitted(cluster: Cluster, namespace: str, kind: str) -> None:
    assert admitted(cluster, namespace, made(kind))


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_what_it_makes_for_one_that_draws_variants_is_admitted(cluster: Cluster, namespace: str, kind: str) -> None:
    assert admitted(cluster, namespace, made(kind, "Injector"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("volumes", 0, "configMap", "name"), "others"),
        (("volumes", 0, "configMap", "items"), [{"key": "any", "path": "weights.json"}]),
        (("volumes", 0), {"name": "weights", "secret": {"secretName": "others"}}),
        (("volumes", 1), {"name": "more", "emptyDir": {}}),
        (("containers", 0, "volumeMounts", 0, "mountPath"), "/usr"),
        (("containers", 0, "volumeMounts", 0, "subPath"), "weights.json"),
    ],
)
def test_such_a_pod_mounts_its_own_weights_and_nothing_else(
    cluster: Cluster, namespace: str, path: tuple[str | int, ...], value: Any
) -> None:
    manifest = made("Deployment", "Injector")
    put_at(manifest, (*POD, *path), value)
    assert not admitted(cluster, namespace, manifest)


def test_the_most_that_a_policy_may_ask_for_is_admitted(cluster: Cluster, namespace: str) -> None:
    most = made("Deployment", replicas=16, resources={"cpu": "2", "memory": "9999Mi"})
    assert admitted(cluster, namespace, most)


def test_where_pods_run_may_be_said_by_others_and_is_not_changed_by_the_operator(
    cluster: Cluster, namespace: str
) -> None:
    others = placed(changed("Deployment", (*POD, "tolerations"), [{"key": "spot", "operator": "Exists"}]), namespace)
    del others["metadata"]["ownerReferences"]
    cluster.access.kubectl("create", "--filename=-", input=json.dumps(others))
    name = others["metadata"]["name"]

    def patch(spec: dict[str, Any]) -> None:
        wanted = ("--type=merge", f"--patch={json.dumps({'spec': spec})}", "--dry-run=server")
        cluster.access.kubectl("patch", "deployment", name, f"--namespace={namespace}", *wanted, OPERATOR, *RIGHTS)

    patch({"replicas": 3})
    with pytest.raises(ClusterError, match="no other field that the operator does not write"):
        patch({"template": {"spec": {"tolerations": [{"operator": "Exists"}]}}})


@pytest.mark.parametrize("what", REFUSED)
def test_no_pod_that_is_more_than_an_injector_is_admitted(cluster: Cluster, namespace: str, what: str) -> None:
    assert not admitted(cluster, namespace, changed("Deployment", *REFUSED[what]))


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy"])
def test_nor_what_is_for_the_pods_of_others(cluster: Cluster, namespace: str, kind: str) -> None:
    assert not admitted(cluster, namespace, of_others(kind))


def scaled(cluster: Cluster, namespace: str, name: str, replicas: int, *, by_patch: bool) -> None:
    """Asks for so many Pods of a Deployment, as anybody may who has the right. Raises ClusterError."""
    patch = ("patch", f"--patch={json.dumps({'spec': {'replicas': replicas}})}", "--type=merge")
    words = patch if by_patch else ("scale", f"--replicas={replicas}")
    where = (f"deployment/{name}", f"--namespace={namespace}", "--dry-run=server")
    cluster.access.kubectl(words[0], *where, *words[1:])


def test_nobody_scales_an_injector_to_0_by_either_way_and_any_other_number_or_deployment_is_left_alone(
    cluster: Cluster, namespace: str
) -> None:
    injector = placed(made("Deployment"), namespace)
    del injector["metadata"]["ownerReferences"]
    other = copy.deepcopy(injector)
    other["metadata"]["name"] = "database"
    for each in (other["spec"]["selector"]["matchLabels"], other["spec"]["template"]["metadata"]["labels"]):
        each.clear()
        each["app"] = "database"
    other["spec"]["template"]["spec"].pop("topologySpreadConstraints", None)
    cluster.access.kubectl("create", "--filename=-", input=json.dumps(injector))
    cluster.access.kubectl("create", "--filename=-", input=json.dumps(other))
    name = injector["metadata"]["name"]
    for by_patch in (False, True):

        def is_refused(by_patch: bool = by_patch) -> bool:
            try:
                scaled(cluster, namespace, name, 0, by_patch=by_patch)
            except ClusterError as error:
                return "users' requests pass this injector and would fail without it" in str(error)
            return False

        wait_until(is_refused, 60, "the policy that keeps an injector serving")
        scaled(cluster, namespace, name, 1, by_patch=by_patch)
        scaled(cluster, namespace, "database", 0, by_patch=by_patch)
    cluster.access.kubectl("delete", "deployment", name, f"--namespace={namespace}", "--wait=false")
