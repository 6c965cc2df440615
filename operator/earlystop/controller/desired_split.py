"""The desired split of a campaign: labels, weights and settings of its variants, as its stored state says."""

from __future__ import annotations

from earlystop.api.counts import Variant
from earlystop.api.interning import interned
from earlystop.api.policy import PolicySpec
from earlystop.api.wire import INCUMBENT
from earlystop.delivery.split import ClassRule, ShadowSetting, TrafficSplit, VariantWeight
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.exposure import PROMOTED, incumbent_weight, promoted_label, serves_classes, shadowed, weights
from earlystop.rollout.plan import StageKind, variant_labels
from earlystop.rollout.search.space import by_trials
from earlystop.rollout.state import DECIDED, RolloutState

# As long as every token, for checks of an overlay's size.
SAMPLE_TOKEN = "0" * 64


def desired_split(state: RolloutState) -> TrafficSplit | None:
    """The split that the stored state asks for, None before the first campaign."""
    percents = weights(state)
    if percents is None:
        return None
    plan, in_shadow, promoted = state.pinned_plan, shadowed(state), promoted_label(state)
    tried = [plan.baseline_settings] * len(plan.settings) if _has_same_setting(state) else plan.settings
    settings = [tuple(values.items()) for values in (plan.baseline_settings, *tried)]
    labels = (Variant.BASELINE.value, *plan.variants)
    baseline, *candidates = _needed(state, tuple(map(VariantWeight, labels, percents, settings)))
    incumbent = plan.incumbent
    serving = () if incumbent is None else (VariantWeight(INCUMBENT, incumbent_weight(state), incumbent.values),)
    # A policy remembers the split that it asks for, the one that is proven and the one whose counts were compared.
    variants: tuple[VariantWeight, ...] = interned((baseline, *serving, *candidates))
    shadows = tuple(ShadowSetting(plan.label_of(name), tuple(plan.settings_of(name).items())) for name in in_shadow)
    return TrafficSplit(
        state.revision,
        state.clock.step,
        variants,
        shadows,
        promoted=promoted,
        classes=_class_rules(state),
        has_incumbent=incumbent is not None,
    )


def _has_same_setting(state: RolloutState) -> bool:
    """Whether candidates get the baseline's setting now (A/A)."""
    return state.phase not in PROMOTED and state.pinned_plan.stage(state.step).same_setting


def _class_rules(state: RolloutState) -> tuple[ClassRule, ...]:
    """What each query class gets once a map of them was decided, those that keep the baseline too."""
    if state.phase not in PROMOTED or not serves_classes(state):
        return ()
    plan = state.pinned_plan
    given = {each.query_class: plan.label_of(each.candidate) for each in class_settings(plan, state.comparisons)}
    return tuple(
        ClassRule(each.match.header, each.match.value, given.get(each.name, Variant.BASELINE.value))
        for each in plan.spec.objective.query_classes or ()
        if each.match is not None
    )


def _needed(state: RolloutState, variants: tuple[VariantWeight, ...]) -> tuple[VariantWeight, ...]:
    """The variants that a split has room for: where only one candidate ever gets requests, that one and no other. Until
    it is known, the first stands for it, with nothing."""
    plan = state.pinned_plan
    if not plan.spec.strategy_traits.splits_among_one:
        return variants
    in_shadow = plan.stage(state.step).kind is StageKind.SHADOW
    one = plan.names[0] if in_shadow and state.phase not in DECIDED else state.leader
    kept = {Variant.BASELINE.value, plan.label_of(one)}
    return tuple(each for each in variants if each.variant in kept)


def largest_split(spec: PolicySpec, promoted: str = "") -> TrafficSplit:
    """The most that a policy ever puts in force, for checks that come before its first campaign. promoted: label of
    the variant that an earlier campaign promoted, "" for none."""
    settings = [tuple(spec.candidate_settings(each).items()) for each in spec.settings_to_try()]
    if spec.most_at_once < len(settings):  # one after the other: the longest of them stands for each
        settings = [max(settings, key=lambda values: len(str(values)))]
    tried = [VariantWeight(label, 1, values) for label, values in zip(variant_labels(spec), settings, strict=True)]
    in_shadow = not spec.delivery.traits.moves_traffic or spec.rollout.shadow_seconds > 0
    shadows = tuple(ShadowSetting(each.variant, each.settings) for each in tried if in_shadow)
    weights = [max(tried, key=lambda each: len(str(each)))] if spec.strategy_traits.splits_among_one else tried
    beside_incumbent = by_trials(spec) and spec.delivery.traits.by_weights
    if beside_incumbent:
        weights = [VariantWeight(INCUMBENT, 1, weights[0].settings), *weights]
    of_baseline = 100 - len(weights)
    baseline = VariantWeight(Variant.BASELINE.value, of_baseline, tuple(spec.baseline_settings().items()))
    variants = (baseline, *weights)
    return TrafficSplit(
        "0" * 10, 0, variants, shadows, token=SAMPLE_TOKEN, promoted=promoted, has_incumbent=beside_incumbent
    )
