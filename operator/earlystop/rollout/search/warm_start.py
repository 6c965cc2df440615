"""Where a search begins that starts from history: from verdicts to what is believed of its settings. Pure.

The belief is stored with the search, so what it orders can be recomputed when verdicts are gone. It enters no e-value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.belief import PastResult, belief_of
from earlystop.rollout.search.history import History, PastComparison, in_words
from earlystop.rollout.search.trial import Belief, Setting

MOST_NAMED = 5
"""Policies that a sentence names."""


@dataclass(frozen=True, slots=True)
class WarmStart:
    """What a search begins with. belief: None where no verdict says anything of it. told: sentences for people, about
    what was learned from and what was not."""

    belief: Belief | None
    told: tuple[str, ...]


def warm_start(spec: PolicySpec, settings: Sequence[Setting], history: History) -> WarmStart:
    """What history makes likely of the settings of a policy's search; history: of the policy's `Subject`."""
    placed, outside = placed_among(settings, history.comparisons, spec.baseline_settings())
    belief = belief_of(settings, [result for _, result in placed], ordered(spec, settings)) if placed else None
    told = _learned_from([comparison for comparison, _ in placed])
    return WarmStart(belief, (told, *outside, *history.refused, *history.passed_over))


def ordered(spec: PolicySpec, settings: Sequence[Setting]) -> tuple[bool, ...]:
    """Whether values go from careful to bold, for each searched parameter."""
    known = {each.name: each.stops_sooner is not None for each in spec.parameters}
    return tuple(known.get(name, False) for name in _searched(settings))


def placed_among(
    settings: Sequence[Setting], comparisons: Sequence[PastComparison], baseline: Mapping[str, str]
) -> tuple[list[tuple[PastComparison, PastResult]], list[str]]:
    """What comparisons say, each at its place among the settings; and a sentence for each setting without one.

    A comparison has a place where it changes searched parameters alone, each to a value that may be tried or, of
    numbers, to one between two such values.
    """
    scales = _scales(settings)
    placed: list[tuple[PastComparison, PastResult]] = []
    outside: dict[str, str] = {}
    for each in comparisons:
        place = place_of(each.values, scales, baseline)
        if place is None:
            words = in_words(each.values)
            outside[words] = f"Nothing is learned from {words}: it is not among what the search may try."
        elif each.loss is not None or each.saving is not None:
            placed.append((each, PastResult(place, each.loss, each.saving)))
    return placed, list(outside.values())


def place_of(
    values: Mapping[str, str], scales: Mapping[str, Mapping[str, float]], baseline: Mapping[str, str]
) -> tuple[float, ...] | None:
    """Where a setting stands among those of a search, None where it has no place there."""
    if any(value != baseline.get(name) for name, value in values.items() if name not in scales):
        return None
    places = [_on_scale(values[name], scale) if name in values else None for name, scale in scales.items()]
    known = [place for place in places if place is not None]
    return tuple(known) if len(known) == len(places) else None


def _on_scale(value: str, scale: Mapping[str, float]) -> float | None:
    """The place of a value: its own, or of a number between two others the one on the line between theirs."""
    if value in scale:
        return scale[value]
    try:
        number = float(value)
        rows = sorted((float(text), place) for text, place in scale.items())
    except ValueError:
        return None
    below = [row for row in rows if row[0] <= number]
    above = [row for row in rows if row[0] >= number]
    if not below or not above:
        return None
    (low, from_place), (high, to_place) = below[-1], above[0]
    if low == high:
        return from_place
    return from_place + (to_place - from_place) * (number - low) / (high - low)


def _scales(settings: Sequence[Setting]) -> dict[str, dict[str, float]]:
    """The place of each value between careful and bold, for each searched parameter."""
    scales: dict[str, dict[str, float]] = {name: {} for name in _searched(settings)}
    for each in settings:
        for name, place in zip(scales, each.place, strict=True):
            scales[name][dict(each.values)[name]] = place
    return scales


def _searched(settings: Sequence[Setting]) -> list[str]:
    """Names of the searched parameters, in the order of places."""
    return [name for name, _ in settings[0].values] if settings else []


def _learned_from(comparisons: Sequence[PastComparison]) -> str:
    """Where the belief comes from, as a sentence."""
    if not comparisons:
        return "No verdict says anything of these settings yet, so the search starts without history."
    verdicts = len({(each.namespace, each.verdict) for each in comparisons})
    policies = sorted({f"{each.namespace}/{each.policy}" for each in comparisons})
    named = ", ".join(policies[:MOST_NAMED]) + (" and others" if len(policies) > MOST_NAMED else "")
    compared = f"{counted(len(comparisons), 'comparison')} in {counted(verdicts, 'verdict')} of {named}"
    return f"The order of trials starts from {compared}; what each trial must show is the same."
