"""What a policy's certificate depends on is read, and followed."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import Cluster, ClusterError, Manifest
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.evaluators import evaluators_of
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.recorder import Recorder
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.template_digests import template_digests
from earlystop.metrics.convention.evaluators import NOTHING_KNOWN, EvaluatorDigests
from earlystop.rollout.certificate.binding import Binding, digest_of_parameters
from earlystop.rollout.certificate.evaluators import differing_evaluators
from earlystop.rollout.certificate.follow import follow_certificate, is_known_to_lapse


async def read_certificate(
    cluster: Cluster, reader: CountBatcher, recorder: Recorder, tracked: TrackedPolicy, now: float
) -> bool:
    """Read the target of the policy's certificate, as a watch last showed it, and what its evaluators say, and keep
    what follows. Nothing follows where the target cannot be read, which shows no change, or where there is none.
    Returns whether anything that has lapsed was read just now.

    Raises what `Recorder.keep` raises.
    """
    certified = tracked.state.certified
    if certified is None:
        _tell_differing(tracked, NOTHING_KNOWN, now)
        return False
    evaluators = await evaluators_of(reader, tracked.evaluators, tracked.label, tracked.state, now)
    _tell_differing(tracked, evaluators, now)
    target = tracked.plan.spec.target_ref.name if certified.bound is None else certified.bound.target
    try:
        deployment = await cluster.read(ObjectKey("Deployment", tracked.namespace, target))
    except ClusterError:
        return False
    if deployment is None:
        return False
    found = _present_binding(tracked, target, deployment, evaluators, int(now))
    after = follow_certificate(tracked.state, found, int(now))
    return await recorder.keep(tracked, Progress(after)) and is_known_to_lapse(after, found)


def _tell_differing(tracked: TrackedPolicy, evaluators: EvaluatorDigests, now: float) -> None:
    """Say on the policy that its evaluators differ, or no more."""
    differing = differing_evaluators(len(evaluators.scorers), len(evaluators.questions))
    if differing != tracked.observations.evaluators:
        tracked.observe(replace(tracked.observations, evaluators=differing), now)


def _present_binding(
    tracked: TrackedPolicy, target: str, deployment: Manifest, evaluators: EvaluatorDigests, now: int
) -> Binding:
    """What the certificate depends on, as it is now."""
    template = deployment["spec"].get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    return Binding(
        at=now,
        target=target,
        **template_digests(template),
        model=labels.get(MODEL_LABEL, ""),
        parameters=_parameters(tracked),
        scorer=evaluators.scorer,
        questions=evaluators.question_set,
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
