"""Every metrics preset in one table: how its counts are read, and what can be judged by them.

Whoever wants to know something about a preset asks its traits and never its name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetTraits:
    """What rollout, metrics and the command line have to know of a preset.

    by_convention: counters of this project's own convention, which tell steps, pairs, query classes and any number of
    candidates apart and never restart within a series; else counters of others, read by templates.
    from_source: whether the templates are those of the MetricSource; else the preset brings its own.
    needs_own_pods: whether its counters cannot tell variants apart that share Pods.
    """

    by_convention: bool = False
    from_source: bool = False
    needs_own_pods: bool = False


DEFAULT_PRESET = "EarlyStop"

PRESETS: dict[str, PresetTraits] = {
    DEFAULT_PRESET: PresetTraits(by_convention=True),
    "VLLM": PresetTraits(needs_own_pods=True),
    "SGLang": PresetTraits(needs_own_pods=True),
    "EnvoyAIGateway": PresetTraits(needs_own_pods=True),
    "Custom": PresetTraits(from_source=True),
}
