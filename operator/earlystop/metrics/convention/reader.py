"""Exact counts of many policies by one query, which is asked in parts where a source cannot answer it whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from earlystop.api.counts import Variant
from earlystop.api.source import SourceSpec
from earlystop.api.wire import (
    POLICY,
    REVISION,
    UNASSIGNED,
)
from earlystop.metrics.convention.label_faults import LABEL_OVERWRITTEN
from earlystop.metrics.convention.ledger import MAX_LABEL
from earlystop.metrics.convention.query import EVALUATED_AT, READING, counts_query
from earlystop.metrics.convention.reading import GatheredRows, Reading
from earlystop.metrics.convention.user_groups import UserQuestion, read_users
from earlystop.metrics.liveness import NO_HINTS, LivenessHints
from earlystop.metrics.source.answer import TIME_TOLERANCE_SECONDS, Sample, moved
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.vectors import InstantVectors

# The rows of 50 policies stay in a processor's cache while they are judged. With more, each row costs a seventh more.
MAX_POLICIES_A_QUERY = 50

SPARE_HALVES = 16
"""How many more queries a source that could not execute one is asked per call: two for each of the steps from 50
policies down to the one at fault, and no flood for a source that can execute none."""

MAX_CANDIDATES = 15
"""A server exposes at most 16 variants of a revision, the baseline among them."""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """policy: namespace/name; revision: as in the label; window_seconds: how far to look back, see `window_since`;
    variants: labels of the campaign's candidates, and of a search's incumbent. The baseline is always counted, any
    other label never: what a label says may come from a client. liveness: what tells silence from absence. users: what
    to ask about groups of users. step: the one whose counts are wanted, None for all; an answer may hold others too,
    where policies of several steps share a query. Raises ValueError for variants that could not be told apart, or too
    many of them.
    """

    SHARES_QUERIES: ClassVar[bool] = True

    policy: str
    revision: str
    window_seconds: int
    variants: tuple[str, ...] = (Variant.CANDIDATE.value,)
    liveness: LivenessHints = NO_HINTS
    users: UserQuestion | None = None
    step: int | None = None

    def __post_init__(self) -> None:
        reserved = ("", Variant.BASELINE.value, UNASSIGNED)
        if any(label in reserved or len(label) > MAX_LABEL for label in self.variants):
            raise ValueError(
                f"{self.policy}: {self.variants} are no labels of candidates; write 1 to {MAX_LABEL} characters, and "
                f"neither {Variant.BASELINE} nor {UNASSIGNED}"
            )
        if len(set(self.variants)) != len(self.variants) or len(self.variants) > MAX_CANDIDATES:
            raise ValueError(f"{self.policy}: {self.variants} are not up to {MAX_CANDIDATES} different candidates")

    def asks_the_same(self, other: CountRequest) -> bool:
        """Whether two requests find the same counts wherever these are not silent: of liveness only the variants
        matter that should have requests."""
        return self._what() == other._what()

    def _what(self) -> tuple[object, ...]:
        return (
            self.policy,
            self.revision,
            self.window_seconds,
            self.variants,
            self.users,
            self.step,
            self.liveness.variants,
        )

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
    gathered = {
        (each.policy, each.revision): GatheredRows(each.policy, (Variant.BASELINE.value, *each.variants))
        for each in requests
    }
    for labels, value in samples:
        mine = gathered.get((labels.get(POLICY, ""), labels.get(REVISION, "")))
        if mine is not None:
            mine.take(labels, value, namespace_label)
        elif labels.get(READING) == LABEL_OVERWRITTEN:
            for (policy, _), theirs in gathered.items():
                if policy == labels.get(POLICY):
                    theirs.take(labels, value, namespace_label)
    return {policy: rows.result(at, namespace_label) for (policy, _), rows in gathered.items()}


def _read_chunk(
    client: InstantVectors, chunk: Sequence[CountRequest], at: int, namespace_label: str | None
) -> dict[str, Reading | MetricsFailure] | MetricsFailure:
    try:
        samples = client.instant_vector(query_of(chunk, namespace_label), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)  # it is kept as a value; frames would keep the answer alive
    evaluated = (value for labels, value in samples if READING in labels and labels[READING] == EVALUATED_AT)
    if not all(abs(value - at) <= TIME_TOLERANCE_SECONDS for value in evaluated):  # NaN is no moment
        return moved("the metrics source")
    return judge_samples(samples, chunk, at, namespace_label)


def query_of(chunk: Sequence[CountRequest], namespace_label: str | None) -> str:
    """The one query for what these requests ask."""
    return counts_query(
        (request.policy for request in chunk),
        (request.revision for request in chunk),
        max(request.window_seconds for request in chunk),
        namespace_label,
        _steps_of(chunk),
    )


def _chunks(requests: Sequence[CountRequest]) -> Iterator[Sequence[CountRequest]]:
    """Like windows together: one policy that missed many looks then widens few others' window. Then like steps: those
    of others are not asked for."""
    ordered = sorted(requests, key=lambda request: (request.window_seconds, request.step or 0, request.policy))
    for start in range(0, len(ordered), MAX_POLICIES_A_QUERY):
        yield ordered[start : start + MAX_POLICIES_A_QUERY]


def _steps_of(chunk: Sequence[CountRequest]) -> frozenset[int]:
    """The steps of which some policy wants counts, none where one wants those of all."""
    wanted = [request.step for request in chunk]
    return frozenset() if None in wanted else frozenset(step for step in wanted if step is not None)
