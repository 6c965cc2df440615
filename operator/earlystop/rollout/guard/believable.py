"""Counts that can be believed: one above 2^53 is as if nobody knew it, so that no status with it holds an alarm up."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.guard.culprit import Evidence
from earlystop.rollout.guard.spans import NO_RATES, Rates

LARGEST_COUNT = 2**53
"""Above it a counter in Prometheus no longer grows by one; a status holds whole numbers below 2^63 alone."""


def believable(evidence: Evidence) -> Evidence:
    """The evidence without counts that contradict themselves or are larger than any counter's."""
    classes = *evidence.by_class_before, *evidence.by_class_after
    frozen = evidence.frozen
    return replace(
        evidence,
        before=believable_rates(evidence.before),
        after=believable_rates(evidence.after),
        # Shares of the other classes would be those of other questions.
        by_class_before=evidence.by_class_before if all(map(_can_be, classes)) else (),
        by_class_after=evidence.by_class_after if all(map(_can_be, classes)) else (),
        frozen=frozen if frozen is not None and _can_be(frozen) else None,
    )


def believable_rates(rates: Rates) -> Rates:
    """The counts as they are, or none where one of them cannot be."""
    return rates if _can_be(rates) else NO_RATES


def _can_be(counts: tuple[int, ...]) -> bool:
    return all(0 <= each <= LARGEST_COUNT for each in counts)
