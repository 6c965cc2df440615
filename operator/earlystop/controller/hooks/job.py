"""The Job of an occurrence, made from the template of a CronJob whose owner allows it. Pure.

The fields that it may have are listed here and in the chart's `jobs.yaml`; every other one is refused, one that
Kubernetes will have some day as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from earlystop.api.values import bounded
from earlystop.api.wire import API_VERSION, GROUP, MANAGED_BY_LABEL, MANAGER, POLICY_UID_LABEL
from earlystop.controller.cluster import Manifest
from earlystop.controller.hooks.channel import HookProblem
from earlystop.rollout.hooks.cloud_event import cloud_event
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, occurrence_id
from earlystop.rollout.hooks.outbox import HookJob, JobResult

TEMPLATE_REFUSED = "JobTemplateRefused"
TEMPLATE_LABEL = f"{GROUP}/job-template"
SEAL_ANNOTATION = f"{GROUP}/job-seal"
OCCURRENCE_ANNOTATION, VERDICT_ANNOTATION = f"{GROUP}/occurrence", f"{GROUP}/verdict"
DIRECTORY, VOLUME = "/etc/earlystop", "earlystop-occurrence"
LONGEST_VERDICT = 200_000
"""Bytes of a verdict that is mounted; annotations of an object have 256 KiB together."""
LONGEST_RUN_SECONDS, DAY_SECONDS = 86_400, 86_400

BATCH = "batch.kubernetes.io"
_JOB = frozenset({"template", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"})
_POD = frozenset(
    {
        "containers",
        "initContainers",
        "restartPolicy",
        "terminationGracePeriodSeconds",
        "dnsPolicy",
        "schedulerName",
        "securityContext",
        "volumes",
        "serviceAccountName",
        "serviceAccount",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "imagePullSecrets",
        "nodeSelector",
        "tolerations",
        "affinity",
    }
)
_CONTAINER = frozenset(
    {
        "name",
        "image",
        "imagePullPolicy",
        "command",
        "args",
        "env",
        "envFrom",
        "workingDir",
        "resources",
        "securityContext",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "volumeMounts",
    }
)
_VOLUMES = frozenset({"name", "configMap", "secret", "emptyDir", "persistentVolumeClaim", "downwardAPI"})
_POD_CONTEXT = frozenset(
    {
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "fsGroupChangePolicy",
        "supplementalGroups",
        "seccompProfile",
    }
)
_CONTEXT = frozenset(
    {
        "allowPrivilegeEscalation",
        "privileged",
        "readOnlyRootFilesystem",
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "capabilities",
        "seccompProfile",
    }
)
SAYS_NOTHING: Mapping[str, object] = {
    "parallelism": 1,
    "completions": 1,
    "completionMode": "NonIndexed",
    "suspend": False,
    "manualSelector": False,
    "podReplacementPolicy": "TerminatingOrFailed",
    "preemptionPolicy": "PreemptLowerPriority",
    "os": {"name": "linux"},
    "hostNetwork": False,
    "hostPID": False,
    "hostIPC": False,
    "hostUsers": True,
    "shareProcessNamespace": False,
    "setHostnameAsFQDN": False,
    "stdin": False,
    "stdinOnce": False,
    "tty": False,
}
"""Fields of a Job, a Pod or a container that charts write, or that stand in a Job that somebody copied from a cluster,
with the value that they have anyway: they are left out."""
LABELS_OF_A_JOB = frozenset({"controller-uid", "job-name", f"{BATCH}/controller-uid", f"{BATCH}/job-name"})
"""Labels that the API server gives to each Job's Pods by itself; it refuses a Job that was copied with another's."""
RIGHTS_BY_ANNOTATION = (
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
    "cdi.k8s.io/",
    "devices.nri.io/",
    "io.kubernetes.cri-o.",
    "io.katacontainers.",
    "k8s.v1.cni.cncf.io/",
)
"""Beginnings of a Pod's annotations by which nodes take profiles off it, or give it devices and networks."""
_OWN_PROFILE = "runtime/default"
_DEFAULT_PROFILE = {"type": "RuntimeDefault"}


def job_name(identity: PolicyIdentity, hook: str, occurrence: Occurrence) -> str:
    """Name of the Job of an occurrence: the same whenever it is asked for, so that none is made twice."""
    digest = hashlib.sha256(f"{occurrence_id(identity.uid, occurrence)}/{hook}".encode()).hexdigest()
    return f"{bounded(identity.name, 40)}-{digest[:16]}"


def job_from(
    template: Manifest, identity: PolicyIdentity, hook: str, occurrence: Occurrence, verdict: Manifest | None
) -> Manifest:
    """The Job. template: the CronJob. verdict: what the occurrence is about, None for nothing.

    Raises HookProblem for a template that asks for more than a Job may have.
    """
    name = template["metadata"]["name"]
    template = deepcopy(template)
    _leave_out_what_says_nothing(template["spec"]["jobTemplate"]["spec"])
    refusals = list(_refusals(template))
    if refusals:
        raise HookProblem(TEMPLATE_REFUSED, f"CronJob {name}: {'; '.join(refusals[:3])}")
    spec: dict[str, Any] = template["spec"]["jobTemplate"]["spec"]
    pod_template = spec["template"]
    metadata = pod_template.get("metadata") or {}
    told = {OCCURRENCE_ANNOTATION: json.dumps(cloud_event(identity, occurrence), sort_keys=True)}
    record = json.dumps(verdict["spec"], sort_keys=True) if verdict is not None else ""
    if record and len(record.encode()) <= LONGEST_VERDICT:
        told[VERDICT_ANNOTATION] = record
    labels = {MANAGED_BY_LABEL: MANAGER, POLICY_UID_LABEL: identity.uid}
    own = {name: value for name, value in metadata.get("labels", {}).items() if name not in LABELS_OF_A_JOB}
    pod_template["metadata"] = {
        "labels": {**own, **labels},
        "annotations": {**metadata.get("annotations", {}), **told},
    }
    _restrict(pod_template["spec"])
    _mount(pod_template["spec"], told)
    longest = min(spec.get("activeDeadlineSeconds") or LONGEST_RUN_SECONDS, LONGEST_RUN_SECONDS)
    kept = max(spec.get("ttlSecondsAfterFinished") or 0, DAY_SECONDS)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(identity, hook, occurrence),
            "namespace": identity.namespace,
            "labels": labels,
            "ownerReferences": [
                {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "name": identity.name, "uid": identity.uid}
            ],
        },
        "spec": {**spec, "activeDeadlineSeconds": longest, "ttlSecondsAfterFinished": kept},
    }


def sealed(job: Manifest, seal: str) -> Manifest:
    """A Job with what tells it from one that somebody else has made. Its Pod does not get it."""
    return {**job, "metadata": {**job["metadata"], "annotations": {SEAL_ANNOTATION: seal}}}


def outcome_of(job: Manifest, number: int) -> HookJob:
    """How a Job stands; one that is said to have failed has not succeeded. number: of the occurrence that it was made
    for."""
    conditions = {
        each["type"]: each for each in job.get("status", {}).get("conditions") or [] if each["status"] == "True"
    }
    name, uid = job["metadata"]["name"], str(job["metadata"].get("uid", ""))
    if "Failed" in conditions:
        reason = conditions["Failed"].get("reason") or "it failed"
        return HookJob(number, name, JobResult.FAILED, f"{reason}, see `kubectl logs job/{name}`"[:256], uid)
    if "Complete" in conditions:
        return HookJob(number, name, JobResult.SUCCEEDED, uid=uid)
    return HookJob(number, name, JobResult.RUNNING, uid=uid)


def _leave_out_what_says_nothing(job: dict[str, Any]) -> None:
    pod = job.get("template", {}).get("spec", {})
    for part in (job, pod, *(pod.get("initContainers") or []), *(pod.get("containers") or [])):
        for field, value in SAYS_NOTHING.items():
            if field in part and part[field] == value and type(part[field]) is type(value):
                del part[field]


def _refusals(template: Manifest) -> Iterator[str]:
    """Why no Job may be made from a template, in words that say what to write."""
    if template["metadata"].get("labels", {}).get(TEMPLATE_LABEL) != "true":
        yield f'it has no label {TEMPLATE_LABEL}: "true", by which its owner allows policies to run it'
    job = template.get("spec", {}).get("jobTemplate", {})
    if job.get("metadata", {}).get("namespace", template["metadata"]["namespace"]) != template["metadata"]["namespace"]:
        yield "jobTemplate.metadata.namespace: a Job runs in the policy's own namespace; remove it"
    yield from _unknown(job.get("spec", {}), _JOB, "jobTemplate.spec")
    told = (job.get("spec", {}).get("template", {}).get("metadata") or {}).get("annotations") or {}
    for name in sorted(told):
        if name.startswith(RIGHTS_BY_ANNOTATION) and told[name] != _OWN_PROFILE:
            yield f"the Pod may not have the annotation {name}, by which nodes give rights; remove it"
    pod = job.get("spec", {}).get("template", {}).get("spec", {})
    yield from _unknown(pod, _POD, "the Pod's spec")
    if pod.get("dnsPolicy", "ClusterFirst") != "ClusterFirst":
        yield "dnsPolicy: write ClusterFirst"
    if pod.get("schedulerName", "default-scheduler") != "default-scheduler":
        yield "schedulerName: remove it"
    for volume in pod.get("volumes") or []:
        yield from _unknown(volume, _VOLUMES, f"volume {volume.get('name', '')}")
        if volume.get("name") == VOLUME:
            yield f"volume {VOLUME} is the operator's own; write another name"
    yield from _context_refusals(pod.get("securityContext") or {}, _POD_CONTEXT, "the Pod's securityContext")
    for container in (*(pod.get("initContainers") or []), *(pod.get("containers") or [])):
        where = f"container {container.get('name', '')}"
        yield from _unknown(container, _CONTAINER, where)
        yield from _context_refusals(container.get("securityContext") or {}, _CONTEXT, f"{where}: securityContext")
        if any(_is_within(each.get("mountPath", "")) for each in container.get("volumeMounts") or []):
            yield f"{where}: the occurrence is mounted at {DIRECTORY}; mount nothing else there"


def _unknown(part: Mapping[str, Any], allowed: frozenset[str], where: str) -> Iterator[str]:
    for name in sorted(part.keys() - allowed):
        if part[name] not in (None, {}, []):
            yield f"{where} may not have {name}; remove it"


def _context_refusals(context: Mapping[str, Any], allowed: frozenset[str], where: str) -> Iterator[str]:
    yield from _unknown(context, allowed, where)
    if context.get("privileged"):
        yield f"{where}: privileged is not allowed; remove it"
    if context.get("allowPrivilegeEscalation"):
        yield f"{where}: allowPrivilegeEscalation must be false"
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield f"{where}: a Job does not run as root; write runAsUser, for example 65532"
    if (context.get("capabilities") or {}).get("add"):
        yield f"{where}: capabilities.add is not allowed; remove it"
    if context.get("seccompProfile", _DEFAULT_PROFILE) != _DEFAULT_PROFILE:
        yield f"{where}: seccompProfile.type must be RuntimeDefault"


def _is_within(path: str) -> bool:
    """Whether a container's path is the occurrence's place or in it, however it is spelt: a node takes one without a
    slash as from the root."""
    plain = PurePosixPath(normpath(f"/{path.lstrip('/')}"))
    return plain.is_relative_to(DIRECTORY)


def _restrict(pod: dict[str, Any]) -> None:
    """Fill in what makes a Pod `restricted`, as Pod Security Standards call it."""
    context = pod.get("securityContext") or {}
    pod["securityContext"] = {**context, "runAsNonRoot": True, "seccompProfile": _DEFAULT_PROFILE}
    account = pod.get("serviceAccountName", "default")
    pod["automountServiceAccountToken"] = account != "default" and pod.get("automountServiceAccountToken", True)
    for container in (*(pod.get("initContainers") or []), *pod["containers"]):
        own = container.get("securityContext") or {}
        safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container["securityContext"] = {**own, **safe}


def _mount(pod: dict[str, Any], told: Mapping[str, str]) -> None:
    """Let each container find what is told in files: occurrence.json, and verdict.json where there is one."""
    items = [
        {"path": f"{name.partition('/')[2]}.json", "fieldRef": {"fieldPath": f"metadata.annotations['{name}']"}}
        for name in told
    ]
    pod["volumes"] = [*(pod.get("volumes") or []), {"name": VOLUME, "downwardAPI": {"items": items}}]
    for container in (*(pod.get("initContainers") or []), *pod["containers"]):
        mount = {"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]
