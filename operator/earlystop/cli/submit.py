"""Submitting what a person asks for: read the policy, find out who asks, patch just what was read, and wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from earlystop.api.signatures import annotation_of, signature, signature_annotation
from earlystop.cli.connection import explained, read_from
from earlystop.cli.manual_plan import ManualPlan, Refused, same_situation, waiting_requests
from earlystop.controller.cluster_errors import ClusterError, Conflict, NotFound
from earlystop.controller.resources import POLICIES, Manifest, Resource
from earlystop.rollout.words.deletion import deletion_message, held_by

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster

SELF_REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews")
FIELD_MANAGER = "earlystop-cli"
"""Not kubectl-earlystop: what managers wrote whose names begin with kubectl, Flux takes for its own at its next apply,
and takes away what Git does not say: a pause would end by itself within minutes."""
ATTEMPTS = 5
POLL_SECONDS = 0.5


async def read(cluster: Cluster, namespace: str, name: str) -> Manifest:
    """The policy. Raises CommandFailure when there is none, or when it may not be read, and Refused for one that was
    deleted: nothing is asked of it any more."""
    found = await read_from(cluster, POLICIES, namespace, name)
    if holders := held_by(found["metadata"]):
        raise Refused(f"{namespace}/{name} can be asked for nothing. {deletion_message(holders)}")
    return found


async def whoami(cluster: Cluster) -> str | None:
    """The user's name as the API server knows it, None where it does not say."""
    review = {"apiVersion": SELF_REVIEWS.api_version, "kind": "SelfSubjectReview", "metadata": {}}
    try:
        answer = await cluster.create(SELF_REVIEWS, None, review)
    except ClusterError:
        return None
    user: dict[str, Any] = answer.get("status", {}).get("userInfo", {})
    return user.get("username")


async def submit(cluster: Cluster, policy: Manifest, planned: ManualPlan) -> str | None:
    """Write what is planned, signed, on the policy as it was read. Returns who signed.

    Counts that grew in the meantime are no other policy: then it is written on the newer one. Raises Refused.
    """
    assert planned.changes is not None  # asked for only where something has to change
    who = await whoami(cluster)
    namespace, name = policy["metadata"]["namespace"], policy["metadata"]["name"]
    newest = policy
    for _ in range(ATTEMPTS):
        try:
            await cluster.merge(POLICIES, namespace, name, _signed(planned, who, newest), FIELD_MANAGER)
        except Conflict:
            newest = await read(cluster, namespace, name)
            if not same_situation(policy, newest):
                raise Refused(
                    f"{namespace}/{name} has changed since it was read: it is {newest.get('status', {}).get('phase')} "
                    "now. Look at it with `kubectl earlystop status` and ask again."
                ) from None
        except NotFound:
            raise Refused(f"{namespace}/{name} was deleted in the meantime.") from None
        except ClusterError as error:
            raise Refused(explained(error, "patch", namespace, POLICIES)) from None
        else:
            return who
    raise Refused(f"{namespace}/{name} changes faster than it can be written; ask again.")


def _signed(planned: ManualPlan, who: str | None, policy: Manifest) -> Manifest:
    """The merge patch with the signature of who asks, without what nobody signed and nobody has carried out."""
    assert planned.changes is not None
    metadata = planned.changes.get("metadata", {})
    sign = None if who is None else signature(who, planned.value, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    dropped = [each.verb for each in waiting_requests(policy, planned.verb) if each.is_dropped]
    annotations = {
        **dict.fromkeys(map(annotation_of, dropped)),
        **metadata.get("annotations", {}),
        signature_annotation(planned.verb): sign,
    }
    version = policy["metadata"]["resourceVersion"]
    return {**planned.changes, "metadata": {**metadata, "annotations": annotations, "resourceVersion": version}}


async def wait(cluster: Cluster, policy: Manifest, reached: Callable[[Manifest], bool], seconds: float) -> Manifest:
    """The policy once its status shows what was asked for. Raises Refused at the deadline, or when it cannot come."""
    namespace, name = policy["metadata"]["namespace"], policy["metadata"]["name"]
    end = time.monotonic() + seconds
    while True:
        found = await read(cluster, namespace, name)
        status = found.get("status", {})
        if reached(status):
            return found
        if time.monotonic() >= end:
            raise Refused(
                f"{namespace}/{name} is {status.get('phase', 'not seen by the operator')} after {seconds:g} s. What "
                "was asked for stands and will be done. For what holds it up, see whether the operator runs, and "
                f"`kubectl describe esp {name} -n {namespace}`."
            )
        await asyncio.sleep(POLL_SECONDS)
