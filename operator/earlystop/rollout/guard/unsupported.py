"""Which policies no guard can watch over, and why: said by name, never half done."""

from __future__ import annotations

import json

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.api.searches import DEFAULT_SEARCH, SEARCHES
from earlystop.rollout.search.space import by_trials

_WRITE = (
    "write several candidates that rollout.strategy ABTest, or a search of strategy Grid, tries together, and "
    "stopsSooner for the parameter in which they differ."
)
_SEVERAL = "Bayesian"
"""The search by trials that takes several parameters."""


def guard_refusal(spec: PolicySpec) -> Refusal | None:
    """Why a guard would have nothing to compare after a promotion of this policy, or None."""
    if spec.guard is None:
        return None
    sentence = _nothing_promoted(spec) or _nothing_beside(spec) or _nothing_asked(spec) or _nothing_else(spec)
    return None if sentence is None else Refusal("GuardUnusable", f"spec.guard: {sentence}")


def _nothing_promoted(spec: PolicySpec) -> str | None:
    """Why no one setting is ever promoted that could be watched."""
    if not spec.delivery.traits.moves_traffic:
        return (
            f"delivery.mode {spec.delivery.mode} moves no traffic, so nothing is promoted that could be watched. "
            "Remove guard, or write another mode."
        )
    if spec.objective.per_class:
        return (
            "objective.perClass gives query classes settings of their own, and each class as a whole, so none of its "
            "requests stays on the baseline. Remove guard, or write objective.queryClasses without perClass."
        )
    if by_trials(spec) and not spec.metrics.traits.by_convention:
        return (
            f"metrics.preset {spec.metrics.preset} cannot tell the best setting of a search apart from the one under "
            "trial, and a search may end with either. Remove guard, or write preset EarlyStop."
        )
    return None


def _nothing_beside(spec: PolicySpec) -> str | None:
    """Why nothing would be left of the baseline to compare with."""
    traits = spec.delivery.traits
    if traits.promotes_target:
        return (
            f"delivery.mode {spec.delivery.mode} promotes by changing the target itself, so no Pod of the baseline is "
            "left. Remove guard, or write a mode by which requests carry their setting."
        )
    guard = spec.guard
    if guard is not None and guard.holdback and not traits.by_weights:
        return (
            f"delivery.mode {spec.delivery.mode} splits users by a header, not by weights, so no percent of them can "
            "be held back. Write guard.evidence: Pairs without holdbackWeight, or a mode by weights."
        )
    return None


def _nothing_asked(spec: PolicySpec) -> str | None:
    """Why nobody would ask golden questions, or score answers."""
    guard, evidence = spec.guard, spec.objective.exact_match.evidence
    if guard is None or guard.evidence == evidence:
        return None
    if guard.evidence == "Pairs":
        return (
            "guard.evidence Pairs compares golden questions, and objective.exactMatch.evidence is Answers, so nobody "
            "asks them. Write exactMatch.evidence: Pairs too, or guard.evidence: Answers."
        )
    if spec.delivery.traits.through_injector and spec.metrics.traits.by_convention:
        return (
            f"delivery.mode {spec.delivery.mode} scores no live answers. Write guard.evidence: Pairs, as the objective "
            "does."
        )
    return None


def _nothing_else(spec: PolicySpec) -> str | None:
    """Why no other setting could ever follow the promoted one, although the policy asks for that."""
    guard = spec.guard
    if guard is None:
        return None
    if guard.adjust is not None and guard.adjust.tries_per_week and not by_trials(spec):
        return _nothing_bolder(spec)
    missing = _not_several(spec)
    if missing is None:
        return None
    needs = f"needs settings that are proven together, and {missing}"
    if guard.adjust is not None and not guard.adjust.tries_per_week:
        return f"adjust.onAlarm StepBack {needs}. Remove adjust, or {_WRITE}"
    return None if guard.when_busy is None else f"whenBusy {needs}. Remove whenBusy, or {_WRITE}"


def _nothing_bolder(spec: PolicySpec) -> str:
    """Why nothing bolder is left to try after a promotion of this policy, and the search that would try it.

    Settings that are tried together are waited for: within its time a campaign promotes one only when each other one
    was shown to be harmful or to save no more (`strategies.together.decision_at`). What its whole time did not decide
    is near the margin, and a person may retry it; alone and by itself it would spend more of the same risk.
    """
    if len(spec.settings_to_try()) < 2:
        why = "lets a search begin again, and this policy has one setting"
    else:
        why = (
            "lets a search of one setting after the other begin again, and here all are tried together: each that is "
            "not promoted was shown to be harmful or to save no more, or was undecided when the time was over"
        )
    return f"adjust.triesPerWeek {why}. Write 0, or {_search_of(spec)}."


def _search_of(spec: PolicySpec) -> str:
    """The search by trials that tries what a policy tries now, as it is written."""
    values: dict[str, dict[str, None]] = {}
    baseline = spec.baseline_settings()
    for each in spec.settings_to_try():
        for name, value in spec.candidate_settings(each).items():
            if value != baseline.get(name):
                values.setdefault(name, {})[value] = None
    if spec.search is not None or not 0 < len(values) <= SEARCHES[_SEVERAL].most_parameters:
        return f"a search of strategy {DEFAULT_SEARCH} or {_SEVERAL} that names the values, without shadowSeconds"
    strategy = DEFAULT_SEARCH if len(values) == 1 else _SEVERAL
    named = ", ".join(f"{{name: {name}, values: {json.dumps([*each])}}}" for name, each in values.items())
    return f"in place of candidates search: {{strategy: {strategy}, parameters: [{named}]}}, with bolder values if any"


def _not_several(spec: PolicySpec) -> str | None:
    """Why a campaign of this policy never certifies two settings of which one is more careful, or None."""
    tried = spec.settings_to_try()
    if spec.search is not None and by_trials(spec):
        return f"search.strategy {spec.search.strategy} tries one setting at a time"
    if len(tried) < 2 or not spec.tries_together:
        return "this policy tries one setting"
    if all(each.stops_sooner is None for each in spec.parameters):
        return "no parameter says by stopsSooner which setting is more careful"
    return None
