"""What a policy may ask for that this release does not do yet: it is refused by name, never half done."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pydantic.alias_generators import to_camel

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Pairs
from earlystop.api.modes import built_modes
from earlystop.api.policy import PolicySpec

REASON = "NotBuilt"


def refusal_of_spec(spec: PolicySpec) -> Refusal | None:
    """Why this release cannot carry out a policy whatever the cluster holds, or None."""
    return unbuilt(spec) or engine_refusal(spec) or shadow_refusal(spec)


def unbuilt(spec: PolicySpec) -> Refusal | None:
    """The first part of the policy that this release cannot carry out, or None."""
    for asks, what in CHECKS:
        if asks(spec):
            return Refusal(REASON, what)
    return None


def engine_refusal(spec: PolicySpec) -> Refusal | None:
    """Why counters of an engine or a gateway cannot judge variants that share its Pods, or None."""
    preset = spec.metrics.preset
    if spec.delivery.traits.own_pods or not spec.metrics.traits.needs_own_pods:
        return None
    return Refusal(
        "VariantsNotTold",
        f"metrics.preset {preset}: an engine's counters cannot tell variants that share its Pods apart, as they do in "
        f"delivery.mode {spec.delivery.mode}. Write preset EarlyStop, or Custom with the MetricSource's templates for "
        "counters that carry a label for the variant.",
    )


def shadow_refusal(spec: PolicySpec) -> Refusal | None:
    """Why candidates cannot be judged in shadow, or beside each other, with these counts; None when they can."""
    in_shadow = not spec.delivery.traits.moves_traffic or spec.rollout.shadow_seconds > 0
    if in_shadow and not spec.metrics.traits.by_convention:
        return Refusal(
            "ShadowNeedsPairs",
            f"metrics.preset {spec.metrics.preset}: judging in shadow needs the pairs that a server exposes by the "
            "convention. Write preset EarlyStop, or remove rollout.shadowSeconds or mode Shadow.",
        )
    if not spec.delivery.traits.moves_traffic and spec.objective.query_classes:
        return Refusal(
            "ShadowNeedsPairs",
            "objective.queryClasses are compared on live answers, and delivery.mode Shadow has none. Remove them.",
        )
    if not spec.metrics.traits.by_convention and spec.candidates is not None and len(spec.candidates) > 1:
        return Refusal(
            "VariantsNotTold",
            f"metrics.preset {spec.metrics.preset} counts one candidate beside the baseline. Write one candidate, or "
            "preset EarlyStop.",
        )
    return None


def missing_counts(spec: PolicySpec, written: Collection[str]) -> Refusal | None:
    """Which count the policy's objective needs that its MetricSource has no template for, or None."""
    if spec.objective.query_classes:
        return Refusal(
            "CountsMissing",
            f"objective.queryClasses: the preset {spec.metrics.preset} has no counts by query class. Remove them, or "
            "write EarlyStop.",
        )
    missing = [name for name in _needed(spec) if name not in written]
    if not missing:
        return None
    named = ", ".join(to_camel(name) for name in missing)
    if not spec.metrics.traits.from_source:
        return Refusal(
            "CountsMissing",
            f"metrics.preset {spec.metrics.preset} does not count {named}, which this policy's objective needs. Write "
            "another preset, or an objective without it.",
        )
    return Refusal(
        "CountsMissing",
        f"metrics.preset {spec.metrics.preset}: MetricSource {spec.metrics.source_ref.name} has no template for "
        f"{named}, which this policy's objective needs. Ask the cluster's admin to write it in spec.templates.",
    )


def _needed(spec: PolicySpec) -> tuple[str, ...]:
    """Fields of `Tally` without which a claim of the objective could never be made. The sum of squared tokens is one:
    without it nobody knows how much lengths scatter."""
    kinds = {rail.kind for rail in spec.objective.guardrails or ()}
    return (
        *("match", "mismatch", "completed", "tokens", "tokens_squared"),
        *(("failed",) if "FailureRate" in kinds else ()),
        *(("feedback_up", "feedback_down") if kinds - {"FailureRate"} else ()),
        *(PAIR_FIELDS if spec.objective.exact_match.evidence == "Pairs" else ()),
    )


PAIR_FIELDS = tuple(f"pairs_{name}" for name in Pairs._fields)
CHECKS: tuple[tuple[Callable[[PolicySpec], bool], str], ...] = (
    (lambda s: s.search is not None, "spec.search is not built yet; write the setting to try as the one candidate."),
    (
        lambda s: not s.delivery.traits.built,
        f"This delivery.mode is not built yet; write one of {', '.join(sorted(built_modes()))}.",
    ),
    (lambda s: s.guard is not None, "spec.guard is not built yet; remove it, the promoted setting gets all traffic."),
    (lambda s: s.approval.mode != "Never", "approval.mode is not built yet beyond Never; write Never."),
)
