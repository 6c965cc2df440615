"""The desired split of a campaign: labels, weights and settings of its variants, as its stored state says."""

from __future__ import annotations

from earlystop.api.counts import Variant
from earlystop.api.policy import PolicySpec
from earlystop.delivery.split import ShadowSetting, TrafficSplit, VariantWeight
from earlystop.rollout.exposure import promoted, shadowed, weights
from earlystop.rollout.plan import variant_labels
from earlystop.rollout.state import RolloutState

# As long as every token, for checks of an overlay's size.
SAMPLE_TOKEN = "0" * 64


def desired_split(state: RolloutState) -> TrafficSplit | None:
    """The split that the stored state asks for, None before the first campaign."""
    percents = weights(state)
    if percents is None:
        return None
    plan = state.pinned_plan
    settings = [tuple(values.items()) for values in (plan.baseline_settings, *plan.settings)]
    labels = (Variant.BASELINE.value, *plan.variants)
    variants = tuple(map(VariantWeight, labels, percents, settings))
    shadows = tuple(
        ShadowSetting(plan.label_of(name), tuple(plan.settings_of(name).items())) for name in shadowed(state)
    )
    label = plan.label_of(promoted(state)) if promoted(state) else ""
    return TrafficSplit(state.revision, state.step, variants, shadows, promoted=label)


def largest_split(spec: PolicySpec, promoted: str = "") -> TrafficSplit:
    """The most that a policy ever puts in force, for checks that come before its first campaign. promoted: label of
    the variant that an earlier campaign promoted, "" for none."""
    settings = [tuple(spec.candidate_settings(each).items()) for each in spec.candidates or ()]
    weights = [VariantWeight(label, 1, values) for label, values in zip(variant_labels(spec), settings, strict=True)]
    baseline = VariantWeight(Variant.BASELINE.value, 100 - len(weights), tuple(spec.baseline_settings().items()))
    in_shadow = not spec.delivery.traits.moves_traffic or spec.rollout.shadow_seconds > 0
    shadows = tuple(ShadowSetting(each.variant, each.settings) for each in weights if in_shadow)
    return TrafficSplit("0" * 10, 0, (baseline, *weights), shadows, token=SAMPLE_TOKEN, promoted=promoted)
