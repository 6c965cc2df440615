"""The operator as a process tells a receiver that is slow, redirects and fails, and runs one Job, on a real API server;
nothing is sent or run that the cluster's admin does not allow."""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import EVENTS, PODS, POLICIES
from earlystop.controller.hooks.job import job_from, sealed
from earlystop.controller.hooks.run_job import JOBS
from earlystop.demo import manifests
from earlystop.rollout.hooks.occurrence import PolicyIdentity
from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.installed import OPERATOR_NAMESPACE, install_without_operator
from tests.cluster.kit import Cluster
from tests.cluster.objects import policy
from tests.cluster.packaging import ROOT, objects, template
from tests.cluster.processes import Child, wait_until
from tests.faults.webhook_receiver import WebhookReceiver
from tests.unit.controller.hooks.cron_jobs import cron_job, with_container
from tests.unit.rollout.hooks.occurred import occurred

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT_SECONDS, SLOW_SECONDS = 4, 8.0
"""For one request. A receiver on a busy machine may take a second for an answer that counts."""
SIGNED = {"signingRef": {"name": "hooks", "key": "key"}}
PLAIN = {"allowHttp": True, "allowNetworks": ["127.0.0.0/8"], "timeoutSeconds": TIMEOUT_SECONDS, **SIGNED}
TOLD = {"JobSucceeded", "HookGivenUp"}
"""Reasons of events after the operator was killed. Those before it may be lost with it: an event follows its status."""
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
REFUSED_JOBS: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "the node's network": ((*POD, "hostNetwork"), True),
    "the node's processes": ((*POD, "hostPID"), True),
    "a path of the node": ((*POD, "volumes", 1), {"name": "node", "hostPath": {"path": "/"}}),
    "a token by volume": ((*POD, "volumes", 1), {"name": "token", "projected": {"sources": []}}),
    "a named node": ((*POD, "nodeName"), "control-plane"),
    "another account": ((*POD, "serviceAccountName"), "admin"),
    "the account's token": ((*POD, "automountServiceAccountToken"), True),
    "root": ((*POD, "securityContext", "runAsNonRoot"), False),
    "root by number": ((*CONTAINER, "securityContext", "runAsUser"), 0),
    "more privileges": ((*CONTAINER, "securityContext", "allowPrivilegeEscalation"), True),
    "a capability": ((*CONTAINER, "securityContext", "capabilities", "add"), ["NET_ADMIN"]),
    "a port of the node": ((*CONTAINER, "ports"), [{"containerPort": 1, "hostPort": 1}]),
    "a hook": ((*CONTAINER, "lifecycle"), {"preStop": {"exec": {"command": ["sh"]}}}),
    "no profile of AppArmor": (
        ("spec", "template", "metadata", "annotations", "container.apparmor.security.beta.kubernetes.io/train"),
        "unconfined",
    ),
    "a device by annotation": (("spec", "template", "metadata", "annotations", "cdi.k8s.io/gpu"), "vendor.com/gpu=0"),
    "many Pods": (("spec", "parallelism"), 50),
    "no end": (("spec", "activeDeadlineSeconds"), 10**6),
    "no owner": (("metadata", "ownerReferences"), []),
    "other labels": (("metadata", "labels"), {"app": "mine"}),
}
REFUSED_TARGETS: dict[str, tuple[dict[str, Any], str]] = {
    "http": ({"url": "http://hooks.example.com/", **SIGNED}, "write https://"),
    "no signature": ({"url": "https://hooks.example.com/"}, "signingRef"),
    "no address": (SIGNED, "write one of the two"),
    "two addresses": ({"url": "https://x.example/", "urlRef": {"name": "a", "key": "b"}, **SIGNED}, "one of the two"),
    "a chat's secret": ({"url": "https://hooks.slack.com/services/T", "template": "Slack"}, "urlRef"),
    "credentials": ({"url": "https://user:password@hooks.example.com/", **SIGNED}, "credentials"),
    "no host": ({"url": "https:///events", **SIGNED}, "with a host"),
}


@pytest.fixture(scope="module", autouse=True)
def installed(cluster: Cluster) -> None:
    install_without_operator(cluster.access)


@pytest.fixture
def jobs_allowed(cluster: Cluster, namespace: str) -> Iterator[None]:
    """The admin lets hooks run Jobs in the namespace of the test."""
    values = (f"--set=jobs.namespaces={{{namespace}}}", "--set=jobs.serviceAccounts={retrain}")
    made = objects(template(*values, "--show-only=templates/jobs.yaml"))
    cluster.access.apply(*made)
    attack = json.dumps(attacked(namespace, "the node's network"))
    wait_until(lambda: not admitted(cluster.access, attack), 60, "the admission policy to be in force")
    yield
    for each in made:
        if "namespace" not in each["metadata"]:
            cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def template_in(namespace: str, made: dict[str, Any] | None = None) -> dict[str, Any]:
    """A CronJob of this namespace."""
    found = made or cron_job()
    return {**found, "metadata": {**found["metadata"], "namespace": namespace}}


def attacked(namespace: str, what: str) -> dict[str, Any]:
    """The Job of an occurrence, with one thing more."""
    identity = PolicyIdentity(namespace, "qa", "5a1d8c0e-0000-4000-8000-000000000001")
    job = copy.deepcopy(job_from(template_in(namespace), identity, "retrain", occurred(number=1), None))
    path, value = REFUSED_JOBS[what]
    holder: Any = job
    for key in path[:-1]:
        holder = holder[key]
    if isinstance(holder, list):
        holder.append(value)
    else:
        holder[path[-1]] = value
    return job


def admitted(access: Access, manifest: str) -> bool:
    """Whether the operator's account may write it, with every right that RBAC could give."""
    try:
        access.kubectl("create", "--filename=-", "--dry-run=server", OPERATOR, *RIGHTS, input=manifest)
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return False
        raise
    return True


def refused(access: Access, *words: str, input: str | None = None) -> bool:
    """Whether an admission policy keeps the cluster's admin from it."""
    try:
        access.kubectl(*words, input=input)
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return True
        raise
    return False


def target(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "HookTarget", "metadata": {"name": name}, "spec": spec}


def watched_policy(namespace: str) -> dict[str, Any]:
    """A policy that needs no gateway, and tells two receivers and a Job of its rollbacks."""
    made = policy(namespace)
    made["spec"]["delivery"] = {"mode": "ConfigMap", "configMap": {"name": "qa-settings", "drawnBy": "Request"}}
    made["spec"]["metrics"] = {"sourceRef": {"name": f"source-{namespace}"}}
    made["spec"]["hooks"] = [
        {"name": "ci", "targetRef": {"name": f"ci-{namespace}"}},
        {"name": "inside", "targetRef": {"name": f"inside-{namespace}"}, "on": ["RolledBack"]},
        {"name": "retrain", "jobRef": {"name": "retrain"}, "on": ["RolledBack"]},
    ]
    return made


def stored(access: Access, namespace: str) -> dict[str, Any]:
    return dict(access.read(POLICIES, namespace, "qa").get("status", {}))


def condition(access: Access, namespace: str, type_: str) -> dict[str, Any]:
    found = [each for each in stored(access, namespace).get("conditions", []) if each["type"] == type_]
    return found[0] if found else {"status": "", "reason": "", "message": ""}


def reason_is(access: Access, namespace: str, type_: str, reason: str) -> Callable[[], bool]:
    return lambda: bool(condition(access, namespace, type_)["reason"] == reason)


def events(access: Access, namespace: str) -> set[str]:
    """Reasons of the events that were posted."""
    return {str(each["reason"]) for each in access.items(EVENTS, namespace)}


def start_operator(access: Access, name: str) -> Child:
    own = access.service_account_kubeconfig(OPERATOR_NAMESPACE, "earlystop")
    paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    environment = {"KUBECONFIG": str(own), "PYTHONPATH": paths, "EARLYSTOP_NAMESPACE": OPERATOR_NAMESPACE}
    command = [sys.executable, "-m", "earlystop.controller", "--host=127.0.0.1", "--port=0"]
    return Child(name, command, Path(access.directory), environment=environment)


def aborted(access: Access, namespace: str) -> None:
    """A person aborts the campaign under way."""
    wait_until(
        lambda: stored(access, namespace).get("phase") in ("Applying", "Settling", "Observing"), 60, "a campaign"
    )
    revision = stored(access, namespace)["revision"]
    annotation = f"earlystop.dev/abort={revision}"
    access.kubectl("annotate", "esp/qa", f"--namespace={namespace}", "--overwrite", annotation)


def finish(access: Access, namespace: str, name: str) -> None:
    """The Job's Pod ends well, as a node would say: none runs containers here."""

    def pods() -> list[str]:
        found = (each["metadata"] for each in access.items(PODS, namespace))
        return [each["name"] for each in found if each.get("labels", {}).get("batch.kubernetes.io/job-name") == name]

    def has_ended() -> bool:
        # Its node may write over it once more, with what the node itself knows of the Pod.
        for pod in pods():
            assert access.write("PATCH", PODS, namespace, pod, status, subresource="status") == 200
        job = access.read(JOBS, namespace, name)
        return bool(job.get("status", {}).get("succeeded"))

    status = {"status": {"phase": "Succeeded"}}
    wait_until(lambda: bool(pods()), 60, "the Job's Pod")
    wait_until(has_ended, 60, "the Job to have ended")


@pytest.fixture
def nothing_left(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Takes out afterwards what belongs to no namespace."""
    yield
    gone = (f"hooktarget/ci-{namespace}", f"hooktarget/inside-{namespace}", f"metricsource/source-{namespace}")
    cluster.access.kubectl("delete", "--ignore-not-found", *gone)


def prepare(access: Access, namespace: str, url: str) -> None:
    labels = {"earlystop.dev/settings": "true"}
    settings = {"name": "qa-settings", "namespace": namespace, "labels": labels}
    secret = {"name": "hooks", "namespace": OPERATOR_NAMESPACE}
    access.apply(
        *manifests.service(namespace, 8080),
        manifests.source(f"source-{namespace}", "http://127.0.0.1:9"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings},
        {"apiVersion": "v1", "kind": "Secret", "metadata": secret, "stringData": {"key": KEY}},
        target(f"ci-{namespace}", {"url": url, **PLAIN}),
        target(f"inside-{namespace}", {"url": url, **{**PLAIN, "allowNetworks": []}, "retrySeconds": 5}),
        template_in(namespace),
        watched_policy(namespace),
    )


def test_an_occurrence_is_taken_once_or_given_up_aloud_and_its_one_job_is_read_back(
    cluster: Cluster, namespace: str, jobs_allowed: None, nothing_left: None
) -> None:
    access = cluster.access
    with WebhookReceiver(answers=[302, 500, 0, 503], slow_seconds=SLOW_SECONDS) as receiver:
        prepare(access, namespace, receiver.url)
        operator = start_operator(access, f"operator-{namespace}")
        try:
            aborted(access, namespace)
            wait_until(lambda: bool(access.items(JOBS, namespace)), 60, "the Job")
            # It is lost while the receiver does not take what it tells.
            operator.stop(patience_seconds=0)
            operator = start_operator(access, f"operator-again-{namespace}")
            wait_until(lambda: len(receiver.taken) == 1, 60, "the occurrence to be taken")
            (job,) = access.items(JOBS, namespace)
            finish(access, namespace, job["metadata"]["name"])
            wait_until(reason_is(access, namespace, "JobsSucceeded", "JobSucceeded"), 60, "the result of the Job")
            wait_until(reason_is(access, namespace, "HooksDelivered", "HookGivenUp"), 60, "the end of tries")
            wait_until(lambda: events(access, namespace) >= TOLD, 60, "the events, which follow the status")
        finally:
            operator.stop()
    assert {each["id"] for each in receiver.bodies} == {receiver.taken[0]} and len(receiver.taken) == 1
    assert len(receiver.bodies) >= 4 and receiver.elsewhere == []
    given_up = condition(access, namespace, "HooksDelivered")["message"]
    assert "Hook inside" in given_up and "public address" in given_up and receiver.url not in given_up
    assert len(access.items(JOBS, namespace)) == 1
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    assert json.loads(annotations["earlystop.dev/occurrence"])["id"] == receiver.taken[0]
    assert json.loads(annotations["earlystop.dev/verdict"])["decision"] == "RollBack"
    assert KEY not in operator.log.read_text()


def test_the_operators_token_runs_no_job_beyond_the_allowed_fields(
    cluster: Cluster, namespace: str, jobs_allowed: None
) -> None:
    identity = PolicyIdentity(namespace, "qa", "5a1d8c0e-0000-4000-8000-000000000001")
    for made in (template_in(namespace), template_in(namespace, with_container(args=["--fast"]))):
        access = cluster.access
        access.kubectl("create", "--filename=-", "--dry-run=server", input=json.dumps(made))
        job = job_from(made, identity, "retrain", occurred(number=1), None)
        assert admitted(access, json.dumps(job))
    for what in REFUSED_JOBS:
        assert not admitted(cluster.access, json.dumps(attacked(namespace, what))), what


def test_nobody_else_makes_a_job_that_looks_like_the_operators_nor_makes_another_into_one(
    cluster: Cluster, namespace: str, jobs_allowed: None
) -> None:
    access = cluster.access
    access.apply(watched_policy(namespace))  # else the Job, whose owner it is, would be collected
    identity = PolicyIdentity(namespace, "qa", access.read(POLICIES, namespace, "qa")["metadata"]["uid"])
    job = sealed(job_from(template_in(namespace), identity, "retrain", occurred(number=1), None), "0" * 64)
    create, dry_run = ("create", "--filename=-"), "--dry-run=server"
    wait_until(lambda: refused(access, *create, dry_run, input=json.dumps(job)), 60, "the admission policy on labels")
    own = {**job, "metadata": {"name": "own", "namespace": namespace, "labels": {"app": "own"}}}
    unlabelled = {**job, "metadata": {"name": "unlabelled", "namespace": namespace}}
    assert refused(access, *create, dry_run, input=json.dumps(unlabelled)), "it gets the labels of its Pod"
    assert not refused(access, *create, input=json.dumps(own))
    access.kubectl(*create, OPERATOR, *RIGHTS, input=json.dumps(job))
    label, seal = "earlystop.dev/policy-uid", "earlystop.dev/job-seal"
    made, where = job["metadata"]["name"], ("--overwrite", "--namespace", namespace)
    assert refused(access, "label", "job", "own", f"{label}={identity.uid}", *where)
    for verb, change in (("label", f"{label}=other"), ("label", f"{label}-"), ("annotate", f"{seal}=1" + "0" * 63)):
        assert refused(access, verb, "job", made, change, *where), change
    assert not refused(access, "annotate", "job", made, "team=search", *where)
    assert not refused(access, "annotate", "job", "own", f"{seal}=1", *where)


def test_a_target_that_the_admin_wrote_wrongly_is_refused_with_what_to_write(cluster: Cluster) -> None:
    create = ("create", "--filename=-", "--dry-run=server")
    for spec, words in REFUSED_TARGETS.values():
        with pytest.raises(ClusterError, match=words):
            cluster.access.kubectl(*create, input=json.dumps(target("bad", spec)))
    good = {"url": "https://hooks.example.com/events", **SIGNED}
    cluster.access.kubectl(*create, input=json.dumps(target("good", good)))
