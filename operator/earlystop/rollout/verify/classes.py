"""Recomputing what a verdict says about query classes: each candidate in each class, and which class gets what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from earlystop.api.counts import Look
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.engine import begin
from earlystop.rollout.class_settings import hours_are_covered, is_harmful_in_every_class, replayed
from earlystop.rollout.decision import BY_CLASS, HARMFUL_IN_EVERY_CLASS
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison
from earlystop.rollout.stored.class_codec import class_map_entries, class_records

Comparisons = Mapping[str, Comparison]


def with_class_records(
    plan: Plan, record: VerdictSpec, own: Comparison, others: Comparisons
) -> tuple[Comparison, dict[str, Comparison]]:
    """The comparisons of a record with those of their classes, replayed from its looks: none where the record has none
    of them. Raises ValueError for looks that cannot be counts."""
    found = {(each.candidate, each.query_class): each.looks for each in record.classes or ()}
    by_name = {own.name: own, **others}
    if not plan.is_per_class or set(by_name) != set(plan.names):
        return own, dict(others)
    learned = record.learned_dispersion
    last = max((each.looks[-1].step for each in by_name.values() if each.looks), default=len(plan.stages) - 1)
    objectives = plan.class_objectives_at(last, learned)
    whole = []
    for name in plan.names:
        parts = tuple(
            Comparison(
                each, begin(objective), looks=tuple(Look.from_row(list(row)) for row in found.get((name, each), ()))
            )
            for each, objective in objectives.items()
        )
        whole.append(replace(by_name[name], by_class=parts))
    again = {each.name: each for each in replayed(plan, whole)}
    return again[own.name], {name: again[name] for name in others}


def class_differences(plan: Plan, record: VerdictSpec, own: Comparison, others: Comparisons) -> list[str]:
    """Where a record says something else of query classes than its looks give, one sentence each.

    own, others: as `with_class_records` gives them.
    """
    by_name = {own.name: own, **others}
    ordered = [by_name[name] for name in plan.names if name in by_name]
    problems = []
    if record.classes != class_records(ordered):
        problems.append("What the record says of candidates in query classes is not what its plan and its looks give.")
    is_map = record.reason == BY_CLASS
    entries = class_map_entries(plan, ordered) if is_map and record.classes else None
    if record.class_map != entries or (is_map and not entries):
        problems.append("The looks do not prove the settings that the record gives to query classes.")
    if is_map and not hours_are_covered(plan, ordered):
        problems.append("The looks span fewer hours than the plan asks for before a promotion.")
    tried = [by_name[each.candidate] for each in record.others if each.dropped_at_step is None] + [own]
    if record.reason == HARMFUL_IN_EVERY_CLASS and not (record.classes and is_harmful_in_every_class(tried)):
        problems.append("The looks do not show that every candidate is harmful in every query class.")
    return problems
