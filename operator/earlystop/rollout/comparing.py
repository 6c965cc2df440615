"""A candidate's comparison after a look at its counts."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.increments import compare
from earlystop.rollout.state import Comparison, Totals
from earlystop.rollout.stored.compressed_looks import with_look


def compared(
    comparison: Comparison, totals: Totals, at: int, step: int, weight: int, baseline_weight: int | None
) -> Comparison:
    """The comparison after a look, of each query class too where it is judged by itself; the same one when nothing can
    be used yet."""
    by_class = tuple(
        compared(each, counted, at, step, weight, baseline_weight)
        for each, counted in zip(comparison.by_class, totals.by_class, strict=bool(totals.by_class))
    )
    if any(new is not old for new, old in zip(by_class, comparison.by_class, strict=True)):
        comparison = replace(comparison, by_class=by_class)
    following = compare(
        evidence=comparison.evidence,
        mark=comparison.mark,
        totals=totals,
        at=at,
        step=step,
        weight=weight,
        baseline_weight=baseline_weight,
    )
    if following is None:
        return comparison
    looks = with_look(comparison.looks, following.look)
    return replace(comparison, mark=following.mark, looks=looks, evidence=following.evidence)
