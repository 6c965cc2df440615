"""Counts of many policies at several moments by one query, for policies whose looks are behind.

A range query evaluates at each of its moments what an instant query would find there, and tells the labels of a series
once: a source that is asked so answers for ten looks in little more time than for one. What is read is taken for what
the look of its moment would have read, so nothing is explained here: a moment at which anything speaks against the
counts of a policy is left out, and its look asks by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from earlystop.api.counts import Variant
from earlystop.api.wire import POLICY, REVISION
from earlystop.metrics.convention.label_faults import LABEL_OVERWRITTEN
from earlystop.metrics.convention.query import EVALUATED_AT, READING
from earlystop.metrics.convention.reader import CountRequest, query_of
from earlystop.metrics.convention.reading import GatheredRows, Reading
from earlystop.metrics.source.answer import TIME_TOLERANCE_SECONDS, Series, moved
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import VectorsOfMoments

MOST_MOMENTS = 12
"""Of one query. A policy whose status is stored at every eighth look is behind by so many at most, and by some more
that fell due while no operator ran."""
MOST_COUNTS = 200
"""Series times moments of one policy. Each takes 0.4 KiB until its look is taken, and a whole fleet may be behind at
once: of 1,000 policies with 20 servers for each variant, 12 moments would take 200 MiB."""
MAX_POLICIES_A_QUERY = 25
"""An answer of so many policies at so many moments takes no more memory than that of 50 at one."""


class LooksAhead(NamedTuple):
    """What to read of one policy. moments: Unix seconds of its looks, of which each asks for the same."""

    request: CountRequest
    moments: range


def most_moments(series: int) -> int:
    """At how many moments at once a policy of so many series may be read, 1 to `MOST_MOMENTS`."""
    return max(1, min(MOST_MOMENTS, MOST_COUNTS // max(1, series)))


def read_moments(
    client: VectorsOfMoments, asked: Sequence[LooksAhead], namespace_label: str | None = None
) -> dict[str, dict[int, Reading]]:
    """The reading of each policy at each of its moments at which nothing speaks against its counts, by one query.

    asked: one of `chunks_of`, and so of each policy once. namespace_label: as for `read_counts`. Raises MetricsFailure
    where the query fails, and when the source evaluates it at other moments.
    """
    moments = _moments_of(asked)
    series = client.vectors(query_of([each.request for each in asked], namespace_label), moments)
    if not _evaluated_at(series, moments):
        raise moved("the metrics source")
    return judge_series(series, asked, namespace_label)


def judge_series(
    series: Sequence[Series], asked: Sequence[LooksAhead], namespace_label: str | None
) -> dict[str, dict[int, Reading]]:
    """Pure part of `read_moments`: the series of one query shared out among its policies and their moments."""
    gathered = {
        (each.policy, each.revision): {
            at: GatheredRows(each.policy, (Variant.BASELINE.value, *each.variants)) for at in moments
        }
        for each, moments in asked
    }
    for labels, points in series:
        mine = gathered.get((labels.get(POLICY, ""), labels.get(REVISION, "")))
        whose = [] if mine is None else [mine]
        if mine is None and labels.get(READING) == LABEL_OVERWRITTEN:
            whose = [theirs for (policy, _), theirs in gathered.items() if policy == labels.get(POLICY)]
        for by_moment in whose:
            for at, value in points:
                rows = by_moment.get(at)
                if rows is not None:
                    rows.take(labels, value, namespace_label)
    return {policy: _readings(by_moment, namespace_label) for (policy, _), by_moment in gathered.items()}


def _readings(by_moment: dict[int, GatheredRows], namespace_label: str | None) -> dict[int, Reading]:
    results = ((at, rows.result(at, namespace_label)) for at, rows in by_moment.items())
    return {at: found for at, found in results if not isinstance(found, MetricsFailure)}


def _evaluated_at(series: Sequence[Series], moments: range) -> bool:
    """Whether the source says that it evaluated the query at each of these moments."""
    said = {at: value for labels, points in series if labels.get(READING) == EVALUATED_AT for at, value in points}
    return all(abs(said.get(at, 0.0) - at) <= TIME_TOLERANCE_SECONDS for at in moments)  # NaN is no moment


def chunks_of(asked: Iterable[LooksAhead]) -> Iterator[Sequence[LooksAhead]]:
    """What is asked by one query each: like windows together, then like steps, then like moments, of which a query has
    no more than it may have. asked: all on the grid of the same step and phase."""

    def order(each: LooksAhead) -> tuple[int, int, int, str]:
        request = each.request
        return request.window_seconds, request.step or 0, each.moments.start, request.policy

    chunk: list[LooksAhead] = []
    for each in sorted(asked, key=order):
        if chunk and (len(chunk) == MAX_POLICIES_A_QUERY or len(_moments_of([*chunk, each])) > MOST_MOMENTS):
            yield chunk
            chunk = []
        chunk.append(each)
    if chunk:
        yield chunk


def _moments_of(chunk: Sequence[LooksAhead]) -> range:
    """All moments of the grid from the first to the last of these."""
    first, last = min(each.moments[0] for each in chunk), max(each.moments[-1] for each in chunk)
    return range(first, last + 1, chunk[0].moments.step)
