"""Exact counts of many policies by one query: whose series is whose, and which of them can be trusted."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import isfinite
from typing import ClassVar, Protocol

from earlystop.api.counts import TALLY_FIELDS, Tally, Variant
from earlystop.api.presets import CounterKind
from earlystop.api.source import SourceSpec
from earlystop.api.wire import (
    FIELD_INDEX,
    OUTCOME,
    PAIRS,
    POLICY,
    PROCESS,
    QUERY_CLASS,
    RESULT,
    REVISION,
    SENTIMENT,
    STEP,
    UNASSIGNED,
    VARIANT,
)
from earlystop.metrics.convention.label_faults import (
    LABEL_OVERWRITTEN,
    PROCESS_SHARED,
    label_overwritten,
    process_missing,
    process_shared,
)
from earlystop.metrics.convention.ledger import MAX_LABEL, SeriesKey
from earlystop.metrics.convention.query import EVALUATED_AT, NEWEST_SAMPLE, READING, counts_query
from earlystop.metrics.convention.user_groups import UserGroups, UserQuestion, read_users
from earlystop.metrics.liveness import NO_HINTS, LivenessHints
from earlystop.metrics.source.answer import TIME_TOLERANCE_SECONDS, Sample, moved
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.source.sample_value import is_count
from earlystop.metrics.vectors import InstantVectors

# The rows of 50 policies stay in a processor's cache while they are judged. With more, each row costs a seventh more.
MAX_POLICIES_A_QUERY = 50

SPARE_HALVES = 16
"""How many more queries a source that could not execute one is asked per call: two for each of the steps from 50
policies down to the one at fault, and no flood for a source that can execute none."""

STALE_INTERVALS = 3
STALE_EXTRA_SECONDS = 5
MAX_CANDIDATES = 15
"""A server exposes at most 16 variants of a revision, the baseline among them."""
_MAX_STEP_DIGITS = 4


@dataclass(frozen=True, slots=True)
class CountRequest:
    """policy: namespace/name; revision: as in the label; window_seconds: how far to look back, see `window_since`;
    variants: labels of the campaign's candidates, and of a search's incumbent. The baseline is always counted, any
    other label never: what a label says may come from a client. liveness: what tells silence from absence. users: what
    to ask about groups of users. Raises ValueError for variants that could not be told apart, or too many of them.
    """

    SHARES_QUERIES: ClassVar[bool] = True

    policy: str
    revision: str
    window_seconds: int
    variants: tuple[str, ...] = (Variant.CANDIDATE.value,)
    liveness: LivenessHints = NO_HINTS
    users: UserQuestion | None = None

    def __post_init__(self) -> None:
        reserved = ("", Variant.BASELINE.value, UNASSIGNED)
        if any(label in reserved or len(label) > MAX_LABEL for label in self.variants):
            raise ValueError(
                f"{self.policy}: {self.variants} are no labels of candidates; write 1 to {MAX_LABEL} characters, and "
                f"neither {Variant.BASELINE} nor {UNASSIGNED}"
            )
        if len(set(self.variants)) != len(self.variants) or len(self.variants) > MAX_CANDIDATES:
            raise ValueError(f"{self.policy}: {self.variants} are not up to {MAX_CANDIDATES} different candidates")

    @staticmethod
    def read_all(
        client: InstantVectors, requests: Sequence[CountRequest], at: int, source: SourceSpec
    ) -> dict[str, Reading | MetricsFailure]:
        """`read_counts` as the MetricSource says, and what groups of users show where that is asked for."""
        label = source.namespace_label
        readings = read_counts(client, requests, at, namespace_label=label)
        for each in requests:
            found = readings[each.policy]
            if each.users is not None and not isinstance(found, MetricsFailure):
                users = read_users(client, each.policy, each.revision, each.users, at, label)
                readings[each.policy] = replace(found, users=users)
        return readings


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


class Aged(Protocol):
    """A reading at Unix second `at`, and its newest sample, None when there is none."""

    @property
    def at(self) -> int:
        """The Unix second for which the reading was asked."""
        ...

    @property
    def newest_sample_at(self) -> float | None:
        """When the newest sample was scraped."""
        ...


def is_stale(reading: Aged, scrape_interval_seconds: float) -> bool:
    """Whether the newest sample is older than three scrape intervals and 5 s.

    Two failed scrapes in a row happen in healthy clusters; 5 s cover scrape duration and ingestion. Without any live
    target it is stale. Prometheus sees at most 5 minutes back here, so intervals above 98 s are judged by that.
    """
    if reading.newest_sample_at is None:
        return True
    return reading.at - reading.newest_sample_at > stale_after(scrape_interval_seconds)


def stale_after(scrape_interval_seconds: float) -> float:
    """Seconds after which a sample is too old to show that its target lives."""
    return STALE_INTERVALS * scrape_interval_seconds + STALE_EXTRA_SECONDS


def read_counts(
    client: InstantVectors,
    requests: Sequence[CountRequest],
    at: int,
    *,
    namespace_label: str | None = None,
) -> dict[str, Reading | MetricsFailure]:
    """The reading of each policy, or why there is none, all evaluated at Unix second `at`.

    One query for up to 50 policies. A query that fails, fails its policies; but one whose answer is too large, or that
    the source could not execute, is asked again in halves, so that in the end only the policies at fault fail. A value
    that is no count fails only the policy that exports it. With `namespace_label` a series counts only if that label
    equals the policy's namespace: the label is set by the scraper, so a tenant cannot speak for another's policy.
    Raises ValueError when a policy is asked for twice, or for a bad window or label name.
    """
    policies = [request.policy for request in requests]
    if len(set(policies)) != len(policies):
        twice = sorted({policy for policy in policies if policies.count(policy) > 1})
        raise ValueError(f"counts are read for one revision of a policy at a time; asked for twice: {twice[:5]}")
    answers: dict[str, Reading | MetricsFailure] = {}
    chunks, spare = deque(_chunks(requests)), SPARE_HALVES
    while chunks:
        chunk = chunks.popleft()
        result = _read_chunk(client, chunk, at, namespace_label)
        if not isinstance(result, MetricsFailure):
            answers |= result
        elif len(chunk) > 1 and _is_divisible(result, spare):
            spare -= 2 * (result.kind is FailureKind.NOT_EXECUTED)
            chunks.extend((chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]))
        else:
            answers |= dict.fromkeys((request.policy for request in chunk), result)
    return {policy: answers[policy] for policy in policies}


def _is_divisible(failure: MetricsFailure, spare: int) -> bool:
    return failure.kind is FailureKind.TOO_LARGE or (failure.kind is FailureKind.NOT_EXECUTED and spare >= 2)


def judge_samples(
    samples: Sequence[Sample], requests: Sequence[CountRequest], at: int, namespace_label: str | None
) -> dict[str, Reading | MetricsFailure]:
    """Pure part of `read_counts`: the rows of one query shared out among its policies."""
    gathered = {(request.policy, request.revision): _Gathered(request) for request in requests}
    for labels, value in samples:
        mine = gathered.get((labels.get(POLICY, ""), labels.get(REVISION, "")))
        if mine is not None:
            mine.take(labels, value, namespace_label)
        elif labels.get(READING) == LABEL_OVERWRITTEN:
            for (policy, _), theirs in gathered.items():
                if policy == labels.get(POLICY):
                    theirs.take(labels, value, namespace_label)
    return {policy: rows.result(at, namespace_label) for (policy, _), rows in gathered.items()}


class _Gathered:
    """The rows of one policy while they are being collected."""

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

    def __init__(self, request: CountRequest) -> None:
        self.policy = request.policy
        self.namespace = request.policy.partition("/")[0]
        self.variants = frozenset((Variant.BASELINE.value, *request.variants))
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
            self.refused += READING not in labels
            return
        metric = get("__name__", "")
        place = FIELD_INDEX.get((metric, get(OUTCOME, ""), get(RESULT, ""), get(SENTIMENT, "")))
        if place is None:
            self._take_other(labels, value)
            return
        step, variant = get(STEP, ""), get(VARIANT, "")
        if metric == PAIRS:
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
        failure = self.fault or self.failure
        if failure is not None:
            return failure
        if not self.counts:
            return no_data(self.policy, self.refused, namespace_label)
        observed = {
            SeriesKey(int(step), variant, query_class, process): Tally(*row)
            for (step, variant, query_class, process), row in self.counts.items()
        }
        return Reading(at, observed, self.newest, self.refused, self.newest_by_variant)


def _read_chunk(
    client: InstantVectors, chunk: Sequence[CountRequest], at: int, namespace_label: str | None
) -> dict[str, Reading | MetricsFailure] | MetricsFailure:
    query = counts_query(
        (request.policy for request in chunk),
        (request.revision for request in chunk),
        max(request.window_seconds for request in chunk),
        namespace_label,
    )
    try:
        samples = client.instant_vector(query, float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)  # it is kept as a value; frames would keep the answer alive
    evaluated = (value for labels, value in samples if READING in labels and labels[READING] == EVALUATED_AT)
    if not all(abs(value - at) <= TIME_TOLERANCE_SECONDS for value in evaluated):  # NaN is no moment
        return moved("the metrics source")
    return judge_samples(samples, chunk, at, namespace_label)


def _chunks(requests: Sequence[CountRequest]) -> Iterator[Sequence[CountRequest]]:
    """Like windows together: one policy that missed many looks then widens few others' window."""
    ordered = sorted(requests, key=lambda request: (request.window_seconds, request.policy))
    for start in range(0, len(ordered), MAX_POLICIES_A_QUERY):
        yield ordered[start : start + MAX_POLICIES_A_QUERY]


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
