"""What a policy may ask for that this release does not do yet: it is refused by name, never half done."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pydantic.alias_generators import to_camel

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Pairs
from earlystop.api.policy import PolicySpec

REASON = "NotBuilt"


def unbuilt(spec: PolicySpec) -> Refusal | None:
    """The first part of the policy that this release cannot carry out, or None."""
    for asks, what in CHECKS:
        if asks(spec):
            return Refusal(REASON, what)
    return None


ENGINES = frozenset({"VLLM", "SGLang", "EnvoyAIGateway"})


def engine_refusal(spec: PolicySpec) -> Refusal | None:
    """Why counters of an engine or a gateway cannot judge variants that share its Pods, or None."""
    preset = spec.metrics.preset
    if preset not in ENGINES or spec.delivery.mode != "GatewayHeader":
        return None
    return Refusal(
        "VariantsNotTold",
        f"metrics.preset {preset}: an engine's counters cannot tell variants that share its Pods apart, as they do in "
        "delivery.mode GatewayHeader. Write preset EarlyStop, or Custom with the MetricSource's templates for counters "
        "that carry a label for the variant.",
    )


def missing_counts(spec: PolicySpec, written: Collection[str]) -> Refusal | None:
    """Which count the policy's objective needs that its MetricSource has no template for, or None."""
    if spec.objective.query_classes:
        return Refusal(
            "CountsMissing",
            "objective.queryClasses: the preset Custom has no counts by query class. Remove them, or write EarlyStop.",
        )
    missing = [name for name in _needed(spec) if name not in written]
    if not missing:
        return None
    named = ", ".join(to_camel(name) for name in missing)
    return Refusal(
        "CountsMissing",
        f"metrics.preset Custom: MetricSource {spec.metrics.source_ref.name} has no template for {named}, which this "
        "policy's objective needs. Ask the cluster's admin to write it in spec.templates.",
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
        lambda s: s.delivery.mode != "GatewayHeader",
        "This delivery.mode is not built yet; write mode GatewayHeader.",
    ),
    (lambda s: s.rollout.strategy != "Canary", "rollout.strategy ABTest is not built yet; write Canary."),
    (
        lambda s: s.candidates is not None and len(s.candidates) > 1,
        "Several candidates at once are not built yet; write one, and the next after its verdict.",
    ),
    (lambda s: s.guard is not None, "spec.guard is not built yet; remove it, the promoted setting gets all traffic."),
    (lambda s: s.approval.mode != "Never", "approval.mode is not built yet beyond Never; write Never."),
)
