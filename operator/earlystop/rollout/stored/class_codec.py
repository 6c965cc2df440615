"""What was counted of each candidate in each query class, as it stands in a status and a verdict, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.verdict import ClassMapEntry, ClassRecord
from earlystop.evidence.engine import begin
from earlystop.rollout.class_settings import class_settings, replayed
from earlystop.rollout.formatting import in_percent, in_points
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, Totals
from earlystop.rollout.stored.class_packing import pack_beside, unpack_beside
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.packing import pack_marks, unpack_marks


def parts_of(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons in query classes: those of every candidate in the first class, then those in the next."""
    return [part for of_class in zip(*(each.by_class for each in comparisons), strict=True) for part in of_class]


def class_texts(comparisons: Sequence[Comparison]) -> tuple[str | None, str | None]:
    """The looks and marks of every candidate in the first class, then in the next; None where no class is judged by
    itself."""
    parts = parts_of(comparisons)
    return (
        (pack_beside([part.looks for part in parts]), pack_marks([part.mark for part in parts]))
        if parts
        else (None, None)
    )


def restore_classes(
    plan: Plan,
    comparisons: Sequence[Comparison],
    step: int,
    learned: float | None,
    texts: tuple[str | None, str | None],
) -> tuple[Comparison, ...]:
    """The comparisons with those of their classes, as `class_texts` made the texts of them.

    step, learned: as for `Plan.class_objectives_at`. Raises ValueError for text not made by it, or of another plan.
    """
    objectives = plan.class_objectives_at(step, learned)
    if not objectives:
        return tuple(comparisons)
    number, (looks, marks) = len(objectives) * len(comparisons), texts
    records = unpack_beside(looks or "", number)
    totals = unpack_marks(marks) if marks else [Totals()] * number
    if len(totals) != number:
        raise ValueError(
            f"status.internal.classMark has {len(totals)} totals, where the plan has {number} candidates by class"
        )
    counted = list(zip(records, totals, strict=True))
    restored = []
    for place, each in enumerate(comparisons):
        own = counted[place :: len(comparisons)]
        parts = tuple(
            Comparison(name, begin(objective), mark=mark, looks=CompressedLooks(record))
            for (name, objective), (record, mark) in zip(objectives.items(), own, strict=True)
        )
        restored.append(replace(each, by_class=parts))
    return replayed(plan, restored)


def class_records(comparisons: Sequence[Comparison]) -> tuple[ClassRecord, ...] | None:
    """What a verdict keeps of the classes; None where none is judged by itself."""
    found = (
        ClassRecord(
            query_class=part.name,
            candidate=each.name,
            effect=in_points(part.assessment.effect),
            saving=in_percent(part.assessment.saving),
            looks=tuple(tuple(look.row()) for look in part.looks),
        )
        for each in comparisons
        for part in each.by_class
    )
    return tuple(found) or None


def class_map_entries(plan: Plan, comparisons: Sequence[Comparison]) -> tuple[ClassMapEntry, ...]:
    """Which candidate each class gets, as a verdict says it."""
    return tuple(
        ClassMapEntry(query_class=each.query_class, candidate=each.candidate)
        for each in class_settings(plan, comparisons)
    )
