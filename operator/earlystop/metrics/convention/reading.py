"""The rows of one policy in an answer: which of them count, and what speaks against all of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import ClassVar

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.presets import CounterKind
from earlystop.api.wire import (
    FIELD_INDEX,
    OUTCOME,
    PAIR_ANSWERS,
    PAIRS,
    PROCESS,
    QUERY_CLASS,
    RESULT,
    SENTIMENT,
    STEP,
    VARIANT,
)
from earlystop.metrics.convention.label_faults import (
    LABEL_OVERWRITTEN,
    PROCESS_SHARED,
    label_overwritten,
    process_missing,
    process_shared,
)
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.query import AT_ZERO, NEWEST_SAMPLE, READING
from earlystop.metrics.convention.user_groups import UserGroups
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.source.sample_value import is_count

_OF_PAIRS = frozenset({PAIRS, PAIR_ANSWERS})
_MAX_STEP_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """What one policy's series said at Unix second `at`.

    observed: the values as scraped, for `ledger.merge`. newest_sample_at: Unix time of the newest scrape of a live
    target, None when there is none. rows_refused: series that named this policy but came from another namespace.
    newest_by_variant: the newest scrape of each variant's series, empty where the source was not asked for it.
    users: counts of groups of users, None where they were not asked for or could not be read.
    """

    KIND: ClassVar[CounterKind] = CounterKind.CONVENTION

    at: int
    observed: Mapping[SeriesKey, Tally]
    newest_sample_at: float | None
    rows_refused: int
    newest_by_variant: Mapping[str, float] = field(default_factory=dict)
    users: UserGroups | None = None

    def newest_of(self, variant: str) -> float | None:
        """The newest scrape of a variant's series, None when there is none."""
        return self.newest_by_variant.get(variant) if self.newest_by_variant else self.newest_sample_at


class GatheredRows:
    """The rows of one policy while they are being collected. variants: the labels of those that are counted."""

    __slots__ = (
        "counts",
        "failure",
        "fault",
        "namespace",
        "newest",
        "newest_by_variant",
        "policy",
        "refused",
        "variants",
    )

    def __init__(self, policy: str, variants: Iterable[str]) -> None:
        self.policy = policy
        self.namespace = policy.partition("/")[0]
        self.variants = frozenset(variants)
        self.counts: dict[tuple[str, str, str, str], list[int]] = {}
        self.newest: float | None = None
        self.newest_by_variant: dict[str, float] = {}
        self.refused = 0
        self.failure: MetricsFailure | None = None
        self.fault: MetricsFailure | None = None

    def take(self, labels: Mapping[str, str], value: float, namespace_label: str | None) -> None:
        """One row. It runs tens of thousands of times a look, so it is one function, and asks for the rare last."""
        get = labels.get
        if namespace_label is not None and get(namespace_label) != self.namespace:
            self.refused += labels.get(READING, AT_ZERO) == AT_ZERO
            return
        metric = get("__name__", "")
        place = FIELD_INDEX.get((metric, get(OUTCOME, ""), get(RESULT, ""), get(SENTIMENT, "")))
        if place is None:
            self._take_other(labels, value)
            return
        step, variant = get(STEP, ""), get(VARIANT, "")
        if metric in _OF_PAIRS:
            # A pair is of two variants and is kept with the one that is tried, which has a label if it has a name.
            variant = "" if variant == Variant.BASELINE else variant or Variant.CANDIDATE.value
        if variant not in self.variants or not _is_step(step):
            return
        if not is_count(value):
            self.failure = _not_a_count(self.policy, metric, variant, value)
            return
        process = get(PROCESS)
        if not process:
            self.fault = self.fault or process_missing(self.policy)
            return
        key = (step, variant, get(QUERY_CLASS, ""), process)
        row = self.counts.get(key)
        if row is None:
            row = self.counts[key] = [0] * len(TALLY_FIELDS)
        count = int(value)
        if count > row[place]:
            row[place] = count

    def _take_other(self, labels: Mapping[str, str], value: float) -> None:
        """The time of the newest sample, a fault of labels, or a series that is none of the convention's."""
        reading = labels.get(READING)
        if reading == LABEL_OVERWRITTEN:
            self.fault = label_overwritten(self.policy, labels)  # it explains whatever else is missing
        elif reading == PROCESS_SHARED:
            self.fault = self.fault or process_shared(self.policy, labels, value)
        elif reading == NEWEST_SAMPLE:
            if not isfinite(value):
                return  # it is no time, so it must not make counts look fresh
            self.newest = value if self.newest is None else max(self.newest, value)
            if VARIANT in labels:
                variant = labels[VARIANT]
                self.newest_by_variant[variant] = max(value, self.newest_by_variant.get(variant, value))
        elif reading is None and "__name__" not in labels:
            self.failure = _nameless(self.policy)

    def result(self, at: int, namespace_label: str | None) -> Reading | MetricsFailure:
        """The reading of Unix second `at`, or why there is none."""
        failure = self.fault or self.failure
        if failure is not None:
            return failure
        # A step may have no counters yet while others have some, whose counts were not asked for.
        if not self.counts and not self.variants & self.newest_by_variant.keys():
            return no_data(self.policy, self.refused, namespace_label)
        observed = {
            SeriesKey(int(step), variant, query_class, process): Tally(*row)
            for (step, variant, query_class, process), row in self.counts.items()
        }
        return Reading(at, observed, self.newest, self.refused, self.newest_by_variant)


@lru_cache(maxsize=256)
def _is_step(text: str) -> bool:
    """One spelling per step: `01` and `1` would be two series that both count."""
    plain = text.isascii() and text.isdecimal() and len(text) <= _MAX_STEP_DIGITS
    return plain and (text == "0" or text[0] != "0")


def _not_a_count(policy: str, metric: str, variant: str, value: float) -> MetricsFailure:
    return MetricsFailure(FailureKind.NOT_A_COUNT, f"{metric} of {policy}, variant {variant}, is {value}")


def _nameless(policy: str) -> MetricsFailure:
    return MetricsFailure(FailureKind.MALFORMED, f"the series of {policy} came back without their metric names")


def no_data(policy: str, refused: int, namespace_label: str | None) -> MetricsFailure:
    """The failure of a policy without counters. refused: rows that name it and come from another namespace."""
    what = f"no counter carries the policy {policy} and its present revision"
    if refused:
        what += f" from its own namespace ({refused} came with another value of the label {namespace_label})"
    return MetricsFailure(FailureKind.NO_DATA, what)
