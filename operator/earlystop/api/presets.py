"""Every metrics preset in one table: how its counters are read, and what they can count.

Code that has to know something about a preset asks its traits and never its name. A preset with templates of its own is
one file in `metrics/templates/engines`, and one row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import TALLY_FIELDS
from earlystop.api.modes import MODES, built_modes


class CounterKind(StrEnum):
    """The two kinds of counters, which are asked for, read and stored differently.

    CONVENTION: counters of this project's own convention, which tell steps, pairs, query classes and any number of
    candidates apart, and never restart within a series. TEMPLATES: any other counters, found by templates; they may
    restart at 0 and may have run before the campaign.
    """

    CONVENTION = "Convention"
    TEMPLATES = "Templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetTraits:
    """What every room has to know of a preset.

    kind: how its counters are read. counts: fields of `Tally` that it can count; None: those for which the MetricSource
    has a template. module: the Python module whose TEMPLATES it reads by; "" where it has none of its own.
    needs_own_pods: whether its counters cannot tell variants apart that share Pods. of_gateway: whether the Pods that
    count are a gateway's, which all variants share in every mode.
    Raises ValueError for a row that contradicts itself.
    """

    kind: CounterKind = CounterKind.TEMPLATES
    counts: frozenset[str] | None = None
    module: str = ""
    needs_own_pods: bool = False
    of_gateway: bool = False

    def __post_init__(self) -> None:
        if (self.counts is not None) != (self.by_convention or bool(self.module)):
            raise ValueError(
                "a preset's row: write counts where the preset is read by the convention or by a module of its own, "
                "and leave both counts and module out where the MetricSource has the templates"
            )
        if self.by_convention and self.module:
            raise ValueError(f"a preset's row: the convention has no templates; remove the module {self.module}")
        unknown = sorted((self.counts or frozenset()) - set(TALLY_FIELDS))
        if unknown:
            raise ValueError(
                f"a preset's row: there is no count {unknown[0]!r}; write some of {', '.join(TALLY_FIELDS)}"
            )

    @property
    def by_convention(self) -> bool:
        """Whether its counters follow this project's convention."""
        return self.kind is CounterKind.CONVENTION

    @property
    def from_source(self) -> bool:
        """Whether the templates are those of the MetricSource."""
        return not self.by_convention and not self.module


DEFAULT_PRESET = "EarlyStop"
_ENGINES = "earlystop.metrics.templates.engines"
_FINISHED = frozenset({"completed", "tokens"})

PRESETS: dict[str, PresetTraits] = {
    DEFAULT_PRESET: PresetTraits(kind=CounterKind.CONVENTION, counts=frozenset(TALLY_FIELDS)),
    # Engines count no failures: what a client gave up, and what they refuse, is in none of their counters.
    "VLLM": PresetTraits(module=f"{_ENGINES}.vllm", counts=_FINISHED, needs_own_pods=True),
    "SGLang": PresetTraits(module=f"{_ENGINES}.sglang", counts=_FINISHED, needs_own_pods=True),
    "EnvoyAIGateway": PresetTraits(
        module=f"{_ENGINES}.envoy_ai_gateway", counts=_FINISHED, needs_own_pods=True, of_gateway=True
    ),
    "Custom": PresetTraits(),
}

IMPOSSIBLE: dict[str, str] = {
    "LlamaCpp": "there can be no preset LlamaCpp, since llama.cpp counts no requests, and tokens of abandoned answers, "
    "too; write EarlyStop with delivery.mode RequestBody, whose injector counts"
}
"""Why there can be no row of a name that people look for, without a full stop."""

PRESETS_FOR_SHARED_PODS = tuple(name for name, traits in PRESETS.items() if not traits.needs_own_pods)
"""Those that messages offer, too: counters of engines hold no scored answers, by which every objective is judged."""


ENGINE_PRESETS = {name: traits for name, traits in PRESETS.items() if traits.needs_own_pods and not traits.of_gateway}
"""Rows whose counters are an engine's own: variants with Pods of their own are told apart by them, and they are a
cross-check where all variants share Pods behind an injector."""


def usable_presets() -> tuple[str, ...]:
    """Presets whose counters can tell variants apart in some mode that is built."""
    own_pods = any(MODES[name].own_pods for name in built_modes())
    return tuple(
        name for name, traits in PRESETS.items() if not traits.needs_own_pods or (own_pods and not traits.of_gateway)
    )


def traits_of(preset: str) -> PresetTraits:
    """The row of a preset. Raises ValueError, with the names that there are, for a preset without a row."""
    if preset not in PRESETS:
        raise ValueError(f"the preset {preset} has no row in api/presets.PRESETS; write one of {', '.join(PRESETS)}")
    return PRESETS[preset]
