"""Why a search cannot be made as it is written. The API server refuses some of it with the same sense."""

from __future__ import annotations

from earlystop.api.conditions import Refusal
from earlystop.api.modes import MOST_BACKENDS
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.api.query_class import MOST_PAIRS
from earlystop.api.search import Search, SearchProblem
from earlystop.api.search_rules import IN_SHADOW
from earlystop.api.strategies import DEFAULT_STRATEGY
from earlystop.rollout.dispersion_terms import awaited_looks
from earlystop.rollout.look_spacing import seconds_of_looks
from earlystop.rollout.search.space import by_trials

SEARCH_UNUSABLE = "SearchUnusable"
LONGEST_DEADLINE, LONGEST_BUDGET = 2_592_000, 31_536_000
"""Seconds that rollout.deadlineSeconds and search.budget.seconds take at most."""


def search_refusal(spec: PolicySpec) -> Refusal | None:
    """Why the policy's search has nothing to try, or a mode that cannot carry it; None when it can be made."""
    if spec.search is None:
        return None
    if spec.candidates is not None:
        return _refusal("search and candidates: write one of the two, either what may be tried or what is tried")
    try:
        number = len(spec.search_settings())
    except SearchProblem as error:
        return _refusal(f"{error}")
    return (
        _mode_refusal(spec, spec.search.strategy)
        or _class_refusal(spec, spec.search.strategy, number)
        or _room_refusal(spec, spec.search, number)
        or _share_refusal(spec, number)
        or _time_refusal(spec, spec.search, number)
    )


def _mode_refusal(spec: PolicySpec, strategy: str) -> Refusal | None:
    mode = spec.delivery.mode
    in_shadow = not spec.delivery.traits.moves_traffic or spec.rollout.shadow_seconds > 0
    if in_shadow and strategy not in IN_SHADOW:
        return _refusal(
            f"search.strategy {strategy} says who gets which requests, and in shadow every setting is judged on all of "
            f"them; write {' or '.join(IN_SHADOW)}, or judge nothing in shadow"
        )
    if spec.delivery.traits.moves_traffic and not spec.delivery.traits.split_known:
        named = mode if spec.delivery.request_body is None else f"{mode} with cohort"
        return _refusal(
            f"search: delivery.mode {named} has a cohort for each candidate; write candidates, or another mode"
        )
    if by_trials(spec) and spec.delivery.traits.promotes_target:
        return _refusal(
            f"search.strategy {strategy} promotes one setting after the other, and in delivery.mode {mode} a promotion "
            "changes the target itself, which is the baseline of those that follow; write candidates, or another mode"
        )
    if spec.search is not None and spec.search.repeat_seconds is not None and not by_trials(spec):
        return _refusal(
            "search.repeatSeconds: a search that tries all settings in one campaign does not begin again by itself; "
            "remove it, and ask for another by kubectl earlystop retry"
        )
    if spec.rollout.strategy != DEFAULT_STRATEGY:
        return _refusal(
            f"rollout.strategy {spec.rollout.strategy}: search.strategy says how settings are tried; remove "
            "rollout.strategy"
        )
    return None


def _class_refusal(spec: PolicySpec, strategy: str, number: int) -> Refusal | None:
    """Why query classes cannot choose among the settings of the search, or None. number: of the settings."""
    if not spec.objective.per_class:
        return None
    classes, mode = len(spec.objective.query_classes or ()), spec.delivery.mode
    if strategy != "Grid" or spec.delivery.traits.moves_traffic:
        return _refusal(
            f"objective.perClass with search.strategy {strategy} and delivery.mode {mode}: only settings that are "
            "judged beside each other can be chosen among for each class; write strategy Grid and mode Shadow, or "
            "candidates instead of search"
        )
    if number < 2:
        return _refusal(
            "objective.perClass chooses among several settings for each class, and the search has just one; let it try "
            "at least two"
        )
    if number * classes > MOST_PAIRS:
        return _refusal(
            f"objective.perClass: each of the {counted(number, 'setting')} of the search has a record in each of "
            f"{classes} query "
            f"classes, and there is room for {MOST_PAIRS} of them; write at most {MOST_PAIRS // classes} settings, or "
            "fewer classes"
        )
    return None


def _share_refusal(spec: PolicySpec, number: int) -> Refusal | None:
    """Why the only step leaves less than a hundredth of requests to each setting, where all share it, or None."""
    if spec.search is None or not spec.search.traits.one_campaign or not spec.delivery.traits.by_weights:
        return None
    if spec.rollout.shadow_seconds > 0:
        return None
    if len(spec.rollout.steps) > 1:
        return _refusal(
            f"rollout.steps: strategy {spec.search.strategy} tries all settings in one step, whose weight they share; "
            "write one"
        )
    least = min((step.weight for step in spec.rollout.steps), default=number)
    if least >= number:
        return None
    instead = f"weights of {number} or more, or fewer settings" if number < 100 else "at most 99 settings"
    return _refusal(
        f"rollout.steps: the {counted(number, 'setting')} of the search share the weight of a step, so of {least} "
        "% each would "
        f"get less than 1 %; write {instead}, or judge them in shadow"
    )


def _room_refusal(spec: PolicySpec, search: Search, number: int) -> Refusal | None:
    """Why a route has no room for the settings, where all of them get requests beside each other, or None."""
    most = MOST_BACKENDS - 1  # one is the baseline's
    live = search.traits.one_campaign and spec.rollout.shadow_seconds == 0 and spec.delivery.by_backends
    if not live or number <= most:
        return None
    return _refusal(
        f"search: strategy {search.strategy} leads requests to the baseline and to all "
        f"{counted(number, 'setting')} beside each "
        f"other, and a rule of a route has room for {MOST_BACKENDS} backends; write at most "
        f"{counted(most, 'setting')}, or judge "
        "them in shadow first (rollout.shadowSeconds)"
    )


def _time_refusal(spec: PolicySpec, search: Search, number: int) -> Refusal | None:
    """Why the time that the policy gives ends before anything can be certified, or None. number: of the settings.

    It is the least time: looks that users' answers are late for, gates and a shadow before live requests come on top.
    """
    looks = _awaited_looks(spec)
    if looks is None:
        return None
    classes = len(spec.objective.query_classes or ())
    alone = by_trials(spec) or spec.rollout.shadow_seconds > 0
    needed = seconds_of_looks(spec.rollout.look_seconds, looks, classes, 1 if alone else number)
    bounds = [("rollout.deadlineSeconds", spec.rollout.deadline_seconds, LONGEST_DEADLINE)]
    if search.budget is not None and search.budget.seconds is not None:
        bounds.append(("search.budget.seconds", search.budget.seconds, LONGEST_BUDGET))
    name, given, most = min(bounds, key=lambda bound: bound[1])
    if given >= needed:
        return None
    from earlystop.rollout.words.dispersion_words import ADVICE  # with all that learns how answers scatter

    how = f"write {needed + spec.rollout.settle_seconds} or more, or" if needed < most else "try fewer settings, or"
    return _refusal(
        f"{name}: nothing is promoted before {counted(looks, 'look')} have shown how much answers scatter, which take "
        f"{needed:,} s with this search, and {name} ends it after {given:,} s; {how} {ADVICE}"
    )


def _awaited_looks(spec: PolicySpec) -> int | None:
    try:
        return awaited_looks(spec)
    except ValueError:
        return None  # another check says what is wrong with the longest session


def _refusal(sentence: str) -> Refusal:
    return Refusal(SEARCH_UNUSABLE, f"{sentence}.")
