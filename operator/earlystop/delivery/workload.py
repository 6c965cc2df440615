"""Mode Workload: each candidate has a Deployment of its own, a copy of the target's with other arguments or variables.

The overlay is that of GatewayHeader, and a candidate's alias Service selects the candidate's Pods. No request is led
there before they are ready, and the Pods end only when no request was led to them for a while. A promotion is a change
of the target, which the operator does not own: until the target has it, the candidate keeps its share. The incumbent of
a search has Pods as a candidate has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from earlystop.api.conditions import Condition, ConditionStatus, Refusal, traffic_condition
from earlystop.api.delivery import Workload
from earlystop.delivery import gateway_header
from earlystop.delivery.candidate_pods.copying import claims_of, copy_refusal
from earlystop.delivery.candidate_pods.deployment import (
    candidate_deployment,
    scaled_to_zero,
    selector_of,
    workload_name,
)
from earlystop.delivery.candidate_pods.knobs import consent_refusal, found_value, negative_refusal
from earlystop.delivery.candidate_pods.readiness import target_is_rolling, unready
from earlystop.delivery.candidate_pods.target import container_of, holds, promotion_applies, promotion_message
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.names import alias_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.ownership import is_controlled_by
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered, Unready
from earlystop.delivery.route_mode import RouteMode, backend_services, objects_needed
from earlystop.delivery.split import TrafficSplit, VariantWeight

IN_TARGET = "PromotedInTarget"


def settings_of(inputs: ClusterInputs) -> Workload:
    """The mode's settings in a policy of this mode."""
    settings = inputs.spec.delivery.workload
    assert settings is not None  # a rule of the API
    return settings


def needed(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    """What any overlay needs, and the claims that the target's Pods mount."""
    yield from objects_needed(inputs)
    if inputs.deployment is not None and inputs.pods is not None:
        for claim in claims_of(inputs.deployment):
            yield ObjectKey("PersistentVolumeClaim", inputs.namespace, claim)


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    names = [workload_name(inputs.spec.target_ref.name, each) for each in candidates]
    return [*(("Deployment", name) for name in names), *gateway_header.owned_names(inputs, candidates)]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why the target's Pods cannot be run with the candidates' settings, or led to; None when they can."""
    target, settings = inputs.deployment, settings_of(inputs)
    assert target is not None  # checked before
    if inputs.pods is None:
        return Refusal(
            "WorkloadsNotAllowed",
            f"The operator may run no Deployments in namespace {inputs.namespace}. Ask the cluster's admin to add the "
            "namespace to the chart's workload.namespaces.",
        )
    # What is not settable is not even read whole.
    consents = (consent_refusal(target, settings.container, each) for each in settings.settings)
    refused = next((each for each in consents if each is not None), None)
    if refused is not None:
        return refused
    container = container_of(target, settings.container)
    if container is None:
        return Refusal(
            "ContainerNotFound",
            f"The Pods of Deployment {target['metadata']['name']} have no container {settings.container}. Correct "
            "workload.container; init containers serve no request.",
        )
    refused = copy_refusal(inputs, target)
    for setting in settings.settings:
        found = found_value(container, setting)
        refused = refused or (found if isinstance(found, Refusal) else None)
        for each in split.variants[1:]:
            value = dict(each.settings)[setting.parameter]
            refused = refused or negative_refusal(container, setting, value)
    return refused or _baseline_refusal(inputs, split, target) or gateway_header.BACKENDS.refusal(inputs, split)


def _baseline_refusal(inputs: ClusterInputs, split: TrafficSplit, target: Manifest) -> Refusal | None:
    """Why the target is not the baseline that the candidates would be compared with."""
    settings = settings_of(inputs)
    promoted = _promoted(split)
    if promoted is not None and holds(target, settings, split.baseline.settings, promoted.settings):
        return None
    container = container_of(target, settings.container)
    assert container is not None  # checked before
    for setting in settings.settings:
        found, value = found_value(container, setting), dict(split.baseline.settings)[setting.parameter]
        if found not in (None, value):
            return Refusal(
                "BaselineDiffers",
                f"Deployment {target['metadata']['name']} has {setting.knob} {found}, and baseline.values says "
                f"{setting.parameter} {value}. Write the same in both.",
            )
    return None


def _promoted(split: TrafficSplit) -> VariantWeight | None:
    return next((each for each in split.variants[1:] if each.variant == split.promoted), None)


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The Deployments of the candidates and of the incumbent, their alias Services, and the overlay."""
    target, settings = inputs.deployment, settings_of(inputs)
    assert target is not None  # checked before
    promoted = _promoted(split)
    if (
        promoted is not None
        and holds(target, settings, split.baseline.settings, promoted.settings)
        and not target_is_rolling(target)
    ):
        return _with_idle(Rendered((), over=_over(target)), inputs)
    by_header = gateway_header.render(inputs, split)
    assert by_header.primary is not None  # the overlay
    workloads = [candidate_deployment(inputs, split, each) for each in split.variants[1:] if each.weight > 0]
    aliases = [_to_candidates(inputs, split, each) for each in by_header.prerequisites]
    objects, waits_for = (*workloads, *aliases, by_header.primary), _unready(inputs, target, workloads)
    rendered = Rendered(objects, by_header.primary, unready=waits_for, left_to_do=_change_of_target(inputs, split))
    if promoted is not None and settings.promote == "Apply":
        rendered = replace(
            rendered, promotion=promotion_applies(target, settings, split.baseline.settings, promoted.settings)
        )
    return _with_idle(rendered, inputs)


def _change_of_target(inputs: ClusterInputs, split: TrafficSplit) -> str:
    """What a person changes in the target after a promotion, "" before one."""
    promoted, name = _promoted(split), inputs.spec.target_ref.name
    if promoted is None:
        return ""
    return promotion_message(name, settings_of(inputs), split.baseline.settings, promoted.settings)


def _over(target: Manifest) -> Condition:
    message = (
        f"Deployment {target['metadata']['name']} has the promoted values, so all requests go by your own route. The "
        "candidate's Pods end when they are drained."
    )
    return traffic_condition(ConditionStatus.TRUE, IN_TARGET, message)


def _with_idle(rendered: Rendered, inputs: ClusterInputs) -> Rendered:
    """What is rendered, with the policy's Deployments that are not needed for it: they end once they are drained."""
    needed = {each["metadata"]["name"] for each in rendered.objects if each["kind"] == "Deployment"}
    own = [
        each
        for key, each in inputs.objects.items()
        if key.kind == "Deployment" and key.name not in needed and is_controlled_by(each, inputs.uid)
    ]
    idle = tuple(scaled_to_zero(each) for each in own)
    return replace(rendered, idle=idle, idle_seconds=float(settings_of(inputs).drain_seconds))


def _unready(inputs: ClusterInputs, target: Manifest, workloads: Iterable[Manifest]) -> Unready | None:
    """The first reason why a candidate's Pods cannot be compared with the target's yet."""
    for each in workloads:
        observed = inputs.own("Deployment", each["metadata"]["name"])
        found = unready(each, observed, inputs.pods or ())
        if found is not None:
            return found
    if workloads and target_is_rolling(target):
        message = f"Pods of Deployment {target['metadata']['name']} are being replaced; the step waits until they are."
        return Unready("CandidateRolling", message)
    return None


def _to_candidates(inputs: ClusterInputs, split: TrafficSplit, alias: Manifest) -> Manifest:
    """An alias Service that leads to its variant's own Pods instead of the target's, and to none that is not ready."""
    variant = next(
        each.variant
        for each in split.variants[1:]
        for service in backend_services(inputs)
        if alias_name(service, each.variant) == alias["metadata"]["name"]
    )
    spec = {name: value for name, value in alias["spec"].items() if name != "publishNotReadyAddresses"}
    return {**alias, "spec": {**spec, "selector": selector_of(workload_name(inputs.spec.target_ref.name, variant))}}


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """A rule for each variant that only the operator's probes meet, all of them to the candidates' Pods."""
    rules = gateway_header.BACKENDS.probe_only(inputs, split)
    if rules is None:
        return None
    *aliases, overlay = rules.objects
    return replace(rules, objects=(*(_to_candidates(inputs, split, each) for each in aliases), overlay))


def summary(split: TrafficSplit) -> str:
    """A sentence about a split that is in force."""
    return gateway_header.summary(split)


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=gateway_header.has_split,
    probe_only=probe_only,
    probes=gateway_header.probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
    needs=needed,
)
