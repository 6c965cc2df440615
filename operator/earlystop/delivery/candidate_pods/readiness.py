"""Whether a candidate's Pods, as they are observed, can serve what a route would lead to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from earlystop.api.plurals import counted
from earlystop.api.wire import TEMPLATE_ANNOTATION, WORKLOAD_LABEL
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.refused_pods import printable, quoted, refused_pods, reported
from earlystop.delivery.rendered import Unready

DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"


def unready(desired: Manifest, observed: Manifest | None, pods: Iterable[Manifest]) -> Unready | None:
    """Why a candidate's Deployment cannot serve yet, None when all its Pods are new and ready.

    pods: of the policy's candidates.
    """
    name, wanted = desired["metadata"]["name"], int(desired["spec"]["replicas"])
    if observed is None:
        return Unready("CandidateStarting", f"Deployment {name} is made.", serves_nobody=True)
    status: dict[str, Any] = observed.get("status") or {}
    ready = int(status.get("availableReplicas", 0))
    overdue = reported(status, "Progressing").get("reason") == DEADLINE_EXCEEDED
    is_new = (observed["metadata"].get("annotations") or {}).get(TEMPLATE_ANNOTATION) == (
        desired["metadata"]["annotations"][TEMPLATE_ANNOTATION]
    )
    is_seen = int(status.get("observedGeneration", 0)) >= int(observed["metadata"].get("generation", 1))
    updated = int(status.get("updatedReplicas", 0))
    if is_new and is_seen and ready >= wanted and updated == int(status.get("replicas", 0)) and ready > 0:
        return None
    found = _hindrance(name, status, [each for each in pods if _is_of(each, name)], f"{ready} of {wanted}")
    return replace(found, overdue=overdue and is_new and is_seen, serves_nobody=ready == 0)


def target_is_rolling(target: Manifest) -> bool:
    """Whether Pods of the target of two templates serve beside each other, as far as its status tells."""
    status = target.get("status")
    if not status:
        return False
    is_seen = int(status.get("observedGeneration", 0)) >= int(target["metadata"].get("generation", 0))
    return not is_seen or int(status.get("updatedReplicas", 0)) < int(status.get("replicas", 0))


def readiness_gist(deployment: Manifest) -> tuple[object, ...]:
    """What of the status of a Deployment that the operator made a decision follows from; it changes when its policy has
    to be looked at."""
    status = deployment.get("status") or {}
    names = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    failure = reported(status, "ReplicaFailure")
    told = (reported(status, "Progressing").get("reason"), failure.get("status"), failure.get("reason"))
    return (*(status.get(name) for name in names), *told)


def _hindrance(name: str, status: dict[str, Any], pods: list[Manifest], ready: str) -> Unready:
    """What keeps a candidate's Pods from serving, the most certain hindrance first."""
    for pod in pods:
        scheduled = reported(pod.get("status") or {}, "PodScheduled")
        if scheduled.get("status") == "False":
            message = (
                f"A Pod of Deployment {name} has no node: {quoted(scheduled)} Make room for it, or "
                "write fewer replicas. The target is not scaled down for it."
            )
            return Unready("CandidateUnschedulable", message, needs_help=True)
    refused = refused_pods(name, status)
    if refused is not None:
        return Unready("CandidateUnschedulable", refused, needs_help=True)
    ready_pods = counted(ready, f"Pod of Deployment {name} is ready", f"Pods of Deployment {name} are ready")
    waiting = next((reason for pod in pods for reason in _waiting(pod)), "")
    if waiting:
        message = f"{ready_pods}; a container waits: {waiting}. Look at the Pods' events and logs."
        return Unready("CandidateNotReady", message, needs_help=True)
    if int(status.get("replicas", 0)) > int(status.get("updatedReplicas", 0)) > 0:
        return Unready("CandidateRolling", f"{ready_pods}; those of an earlier template are being replaced.")
    return Unready("CandidateStarting", f"{ready_pods}; the step begins once all of them are.")


def _waiting(pod: Manifest) -> Iterable[str]:
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        reason = ((container.get("state") or {}).get("waiting") or {}).get("reason", "")
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            yield printable(reason)


def _is_of(pod: Manifest, name: str) -> bool:
    return (pod["metadata"].get("labels") or {}).get(WORKLOAD_LABEL) == name
