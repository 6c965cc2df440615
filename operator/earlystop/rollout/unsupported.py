"""What a policy may ask for that this release does not do yet: it is refused by name, never half done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from pydantic.alias_generators import to_camel

from earlystop.api.body_settings import body_refusal, unreached_refusal
from earlystop.api.conditions import Refusal
from earlystop.api.counts import Pairs
from earlystop.api.gateway_fields import gateway_refusal
from earlystop.api.modes import MODES, built_modes
from earlystop.api.parameters import RESERVED_NAMES
from earlystop.api.policy import RESERVED_VARIANTS, PolicySpec
from earlystop.api.policy_rules import NOBODY_SCORES
from earlystop.api.presets import PRESETS_FOR_SHARED_PODS
from earlystop.api.unbuilt import unbuilt_parts
from earlystop.rollout.guard.unsupported import guard_refusal
from earlystop.rollout.unsupported_search import search_refusal


def refusal_of_spec(spec: PolicySpec) -> Refusal | None:
    """Why this release cannot carry out a policy whatever the cluster holds, or None."""
    checks = (
        *(unbuilt, reserved_names, search_refusal, engine_refusal, shadow_refusal, pinned_refusal, unwritten_bodies),
        *(unwritable_fields, uncounted_by_preset, unscored_refusal, guard_refusal),
    )
    return next((refusal for check in checks if (refusal := check(spec)) is not None), None)


def unbuilt(spec: PolicySpec) -> Refusal | None:
    """The first part of the policy that this release cannot carry out, or None. The API server refuses the same; it has
    not done so of a policy that an earlier release's kinds let pass."""
    written = spec.wire()
    for part in unbuilt_parts():
        message = part.refuses(written)
        if message is not None:
            return Refusal(part.reason, message)
    return None


def reserved_names(spec: PolicySpec) -> Refusal | None:
    """Which name of the policy the operator itself has in use, or None. The API server refuses the same; a policy that
    was stored before the word was taken keeps it."""
    for kind, named, reserved in (
        ("candidates", spec.candidates or (), RESERVED_VARIANTS),
        ("parameters", spec.parameters, RESERVED_NAMES),
    ):
        for each in named:
            if each.name in reserved:
                return Refusal(
                    "NameReserved",
                    f"{kind}: the name {each.name} has a meaning of its own in headers and metrics. Write another, for "
                    f"example {each.name}-1.",
                )
    return None


def engine_refusal(spec: PolicySpec) -> Refusal | None:
    """Why an engine's counters cannot tell the policy's variants apart, None when they can. The API server refuses the
    same."""
    if spec.delivery.traits.own_pods or not spec.metrics.traits.needs_own_pods:
        return None
    return Refusal(
        "VariantsNotTold",
        f"metrics.preset {spec.metrics.preset} cannot tell variants apart that share Pods, as they do in delivery.mode "
        f"{spec.delivery.mode}. Write one of {', '.join(PRESETS_FOR_SHARED_PODS)}: Custom counts by the MetricSource's "
        "templates, from counters that carry a label for the variant.",
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
    in_classes = spec.objective.query_classes and not spec.objective.per_class
    if not spec.delivery.traits.moves_traffic and in_classes:
        return Refusal(
            "ShadowNeedsPairs",
            "objective.queryClasses are compared on live answers, and delivery.mode Shadow has none. Remove them, or "
            "write objective.perClass: true, which compares pairs in each class.",
        )
    if not spec.metrics.traits.by_convention and spec.most_at_once > 1:
        return Refusal(
            "VariantsNotTold",
            f"metrics.preset {spec.metrics.preset} counts one candidate beside the baseline. Write one candidate, a "
            "search that tries one setting after the other, or preset EarlyStop.",
        )
    return None


def pinned_refusal(spec: PolicySpec) -> Refusal | None:
    """Why the pinned baseline cannot be a setting of these parameters, or None. The API server refuses the same."""
    pinned = spec.pinned_settings()
    if pinned is None:
        return None
    known = {each.name: each for each in spec.parameters}
    sentences = [f"it has no value for {name}" for name, each in known.items() if name not in pinned and not each.body]
    for name, value in pinned.items():
        problem = known[name].problem_of(value) if name in known else f"there is no parameter {name}"
        sentences += [problem] if problem else []
    if spec.objective.require_each:
        sentences.append("objective.requireEach asks for a proof of each query class, whose losses are not counted")
    if not sentences:
        return None
    return Refusal("PinnedBaselineUnusable", f"baseline.pinned: {'; '.join(sentences)}. Write what was in use first.")


def unwritten_bodies(spec: PolicySpec) -> Refusal | None:
    """Why parameters with `body` are in no request's body, or None. The API server refuses the same."""
    named = ", ".join(each.name for each in spec.parameters if each.body)
    if not named or spec.delivery.traits.edits_bodies:
        return None
    return Refusal(
        "BodyNotWritten",
        f"delivery.mode {spec.delivery.mode} writes nothing into bodies, and parameters have body: {named}. Remove it, "
        "or write a mode that does.",
    )


def unwritable_fields(spec: PolicySpec) -> Refusal | None:
    """Why the bodies of the engine's requests cannot carry the parameters, or none would, or None."""
    delivery, parameters = spec.delivery, spec.parameters
    settings = delivery.in_bodies
    if settings is None or not all(each.body for each in parameters):
        return None
    refused = body_refusal(parameters, settings.engine)
    if refused is None and delivery.gateway_body is not None:
        refused = gateway_refusal(delivery.gateway_body, parameters, delivery.request_paths)
    return refused or unreached_refusal(parameters, settings.engine, delivery.request_paths)


def uncounted_by_preset(spec: PolicySpec) -> Refusal | None:
    """Which count the policy's objective needs that its preset has in no MetricSource, or None."""
    traits = spec.metrics.traits
    if traits.by_convention:
        return None
    # What a preset without counts of its own has depends on the MetricSource, but for query classes.
    return missing_counts(spec, _needed(spec) if traits.counts is None else traits.counts)


def unscored_refusal(spec: PolicySpec) -> Refusal | None:
    """Why nobody would ever score the answers that Exact Match is compared on, or None.

    The API server refuses the same. An injector hides the variant from the server behind it, so only counters of
    others, by templates, could tell.
    """
    exact_match = spec.objective.exact_match
    if not spec.delivery.traits.through_injector or not spec.metrics.traits.by_convention:
        return None
    return None if exact_match.evidence == "Pairs" else Refusal("AnswersNotScored", f"{NOBODY_SCORES}.")


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
            f"metrics.preset {spec.metrics.preset} does not count {named}, which this policy's objective needs. "
            f"{_what_to_write_instead(spec)}",
        )
    return Refusal(
        "CountsMissing",
        f"metrics.preset {spec.metrics.preset}: MetricSource {spec.metrics.source_ref.name} has no template for "
        f"{named}, which this policy's objective needs. Ask the cluster's admin to write it in spec.templates.",
    )


def _what_to_write_instead(spec: PolicySpec) -> str:
    """What to write where a preset's own counters do not suffice."""
    if not spec.metrics.traits.needs_own_pods:
        return "Write another preset, or an objective without it."
    by_body = " or ".join(name for name in built_modes() if MODES[name].through_injector)
    return (
        "An engine scores no answer and adds up no squares of lengths, so its own counters are never enough. Where a "
        f"request's body can carry the setting, write delivery.mode {by_body}. Else write preset EarlyStop, put an "
        "injector that only counts (--count-only) into the target's Pods as a sidecar, and ask golden questions "
        "(exactMatch.evidence: Pairs), as operator/docs/workload.md shows."
    )


def _needed(spec: PolicySpec) -> tuple[str, ...]:
    """Fields of `Tally` without which a claim of the objective could never be made. The sum of squared tokens is one:
    without it nobody knows how much lengths scatter."""
    rails = spec.objective.guardrails or ()
    return (
        *("match", "mismatch", "completed", "tokens", "tokens_squared"),
        *dict.fromkeys(name for rail in rails for name in GUARDRAIL_FIELDS[rail.kind]),
        *(PAIR_FIELDS if spec.objective.exact_match.evidence == "Pairs" else ()),
    )


GUARDRAIL_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "FailureRate": ("failed",),
        "NegativeFeedback": ("feedback_up", "feedback_down"),
        "UnscoredRate": ("unscored",),
        "EmptyRate": ("empty",),
        "CutRate": ("cut",),
    }
)
"""The counts that each kind of guardrail is read from, besides those that every objective needs."""

PAIR_FIELDS = tuple(f"pairs_{name}" for name in Pairs._fields)
