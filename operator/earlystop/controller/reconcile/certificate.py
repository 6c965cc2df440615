"""What a policy's certificate depends on is read, and followed."""

from __future__ import annotations

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import Cluster, ClusterError, Manifest
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.delivery.inputs import ObjectKey
from earlystop.delivery.template_digests import template_digests
from earlystop.rollout.certificate.binding import Binding, digest_of_parameters
from earlystop.rollout.certificate.follow import follow_certificate
from earlystop.rollout.state import RolloutState


def is_lapsed(tracked: TrackedPolicy) -> bool:
    """Whether the policy's certificate has lapsed, as far as is known."""
    return tracked.state.certified is not None and tracked.state.certified.lapse is not None


async def after_certificate(cluster: Cluster, tracked: TrackedPolicy, now: int) -> RolloutState | None:
    """The state after the target of the policy's certificate was read, as a watch last showed it; None where it could
    not be read, which shows no change, or where there is none."""
    certified = tracked.state.certified
    if certified is None:
        return None
    target = tracked.plan.spec.target_ref.name if certified.bound is None else certified.bound.target
    try:
        deployment = await cluster.read(ObjectKey("Deployment", tracked.namespace, target))
    except ClusterError:
        return None
    if deployment is None:
        return None
    return follow_certificate(tracked.state, _found(tracked, target, deployment, now), now)


def _found(tracked: TrackedPolicy, target: str, deployment: Manifest, now: int) -> Binding:
    """What the certificate depends on, as it is now."""
    template = deployment["spec"].get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    return Binding(
        at=now,
        target=target,
        **template_digests(template),
        model=labels.get(MODEL_LABEL, ""),
        parameters=_parameters(tracked),
    )


def _parameters(tracked: TrackedPolicy) -> str:
    """Digest of what the certified setting's parameters mean now. A refused spec changes nothing, and one that no
    longer names them says nothing about them."""
    certified = tracked.state.certified
    assert certified is not None  # the caller asks for nothing else
    spec = tracked.spec if tracked.observations.refusal is None else tracked.plan.spec
    missing = certified.values.keys() - {each.name for each in spec.parameters}
    if missing and certified.bound is not None:
        return certified.bound.parameters
    return digest_of_parameters(spec, certified.values)
