"""Counters of others, read by a policy's own few queries: both variants, start times and scrapes, at one moment."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from earlystop.api.counts import Variant
from earlystop.api.presets import CounterKind
from earlystop.api.source import SourceSpec
from earlystop.metrics.convention.query import alternation
from earlystop.metrics.liveness import NO_HINTS, LivenessHints
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.copies import ABOUT, refusal_of_copies, refusal_of_sums, undescribed
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.presets import (
    STARTED,
    UP,
    FieldQuery,
    PresetRequest,
    TemplateError,
    evidence_queries,
    field_queries,
)
from earlystop.metrics.templates.range_vectors import RawSeries, observe, targets_of
from earlystop.metrics.templates.read_twice import refusal_of_names
from earlystop.metrics.templates.series_mark import Observed, SeriesId
from earlystop.metrics.templates.several_processes import refusal_of_several
from earlystop.metrics.templates.vantage import is_recorded, missing_of_a_scrape
from earlystop.metrics.vectors import RangeVectors

LONGEST_RANGE_SECONDS = 3600
"""Longer ranges are asked for in pieces: an hour of 100 series scraped every 5 s is 3 MB of JSON."""
MOST_RANGES = 24
"""Beyond a day only the newest samples are read; a counter that was not restarted meanwhile loses nothing by that."""
SHORTEST_RANGE_SECONDS = 60
"""A range whose answer is too large is read in halves, down to this."""
_TARGET_LABELS = ("job", "instance")

Counters = Mapping[tuple[Variant, str], Sequence[RawSeries]]
"""Series by variant and field of `Tally`."""


@dataclass(frozen=True, slots=True)
class TemplateRequest:
    """What is read for one policy.

    policy: namespace/name; revision: as in the label; window_seconds: how far to look back; preset: a name in
    `api/presets.PRESETS`; templates: of the MetricSource, by field of `Tally`; workloads: for engines, see
    `PresetRequest`; candidate: label of the one candidate; liveness: what tells silence from absence. history_seconds:
    how far to look back for several processes behind one address, where that is farther than the window.
    """

    SHARES_QUERIES: ClassVar[bool] = False

    policy: str
    revision: str
    window_seconds: int
    preset: str
    templates: Mapping[str, str] = field(default_factory=dict)
    workloads: Mapping[Variant, PodOwner] | None = None
    candidate: str = Variant.CANDIDATE.value
    liveness: LivenessHints = NO_HINTS
    history_seconds: int = 0

    @property
    def read_seconds(self) -> int:
        """How far back is read."""
        return max(self.window_seconds, self.history_seconds)

    @staticmethod
    def read_all(
        client: RangeVectors, requests: Sequence[TemplateRequest], at: int, source: SourceSpec
    ) -> dict[str, TemplateReading | MetricsFailure]:
        """`read_templates` for each policy, as the MetricSource says, with failures as values."""
        labels = {"namespace_label": source.namespace_label, "replica_label": source.replica_label}
        answers: dict[str, TemplateReading | MetricsFailure] = {}
        for request in requests:
            try:
                answers[request.policy] = read_templates(client, request, at, place=source.url, **labels)
            except MetricsFailure as failure:
                answers[request.policy] = failure.with_traceback(None)
        return answers


@dataclass(frozen=True, slots=True)
class TemplateReading:
    """What one policy's counters said at Unix second `at`.

    observed: for `reset_ledger.look`; newest_sample_at: Unix time of the newest sample of any counter; queries: a name
    of what was asked for, the same as long as the queries are.
    """

    KIND: ClassVar[CounterKind] = CounterKind.TEMPLATES

    at: int
    observed: Mapping[SeriesId, Observed]
    newest_sample_at: float
    queries: str

    def newest_of(self, variant: str) -> float | None:
        """The newest sample of a variant's counters, None when there is none."""
        kept = Variant.BASELINE if variant == Variant.BASELINE else Variant.CANDIDATE
        series = (each for key, each in self.observed.items() if key.variant is kept)
        samples = (sample.at_ms for each in series for sample in each.samples)
        newest = max(samples, default=None)
        return None if newest is None else newest / 1000


def read_templates(
    client: RangeVectors,
    request: TemplateRequest,
    at: int,
    *,
    namespace_label: str | None = None,
    replica_label: str | None = None,
    place: str = "",
) -> TemplateReading:
    """The reading of one policy at Unix second `at`. Every query names that same moment.

    With `namespace_label` only series of the policy's namespace are asked for. replica_label: names the scraper of an
    HA pair, whose series are never added. place: names the source. Raises MetricsFailure, also for a
    template that cannot be used.
    """
    try:
        name = name_of_queries(request, namespace_label, replica_label, place)
        rows: dict[tuple[Variant, str], list[RawSeries]] = {}

        def read_piece(moment: int, seconds: int) -> None:
            for one in queries_of_piece(request, seconds, namespace_label):
                rows.setdefault((one.variant, one.field), []).extend(client.range_vector(one.text, float(moment)))

        _read_in_pieces(at, request.read_seconds, read_piece)
    except TemplateError as error:
        raise MetricsFailure(FailureKind.TEMPLATES_UNUSABLE, str(error)) from None
    history = {place: joined(found) for place, found in rows.items()}
    counters = {place: _of_window(found, request, at) for place, found in history.items()}
    _refuse_recorded(counters)
    newest = max((each.points[-1][0] for found in counters.values() for each in found), default=None)
    if newest is None:
        raise MetricsFailure(
            FailureKind.NO_DATA, f"none of the MetricSource's templates finds a series of {request.policy}"
        )
    every = [each for found in counters.values() for each in found]
    evidence = _evidence(client, request, at, namespace_label, every)
    started = evidence[STARTED]
    starts, ups = (_of_window(evidence[metric], request, at) for metric in (STARTED, UP))
    about: list[RawSeries] = []
    if unclear := undescribed(counters, targets_of(starts, ups), replica_label):
        more = _evidence(client, request, at, namespace_label, unclear, ABOUT[1:])
        about = [each for found in more.values() for each in _of_window(found, request, at)]
    for refusal in (
        refusal_of_sums(counters, ups, replica_label),
        refusal_of_copies(counters, targets_of(starts, ups, about), replica_label),
        refusal_of_names(counters, starts, targets_of(starts, ups, about), replica_label),
        refusal_of_several(_still_there(history, counters), started, replica_label),
    ):
        if refusal:
            raise MetricsFailure(FailureKind.TEMPLATES_UNUSABLE, refusal)
    observed = observe(counters, starts, ups, replica_label, about)
    return TemplateReading(at, observed, newest / 1000, name)


def _of_window(rows: Sequence[RawSeries], request: TemplateRequest, at: int) -> Sequence[RawSeries]:
    """What rows showed within the request's window: what ended before it, as a target that was scraped twice, is no
    reason to refuse what is read now."""
    if request.read_seconds == request.window_seconds:
        return rows
    begin = 1000 * (at - request.window_seconds)
    return [RawSeries(each.labels, kept) for each in rows if (kept := [one for one in each.points if one[0] > begin])]


def _still_there(history: Counters, counters: Counters) -> dict[tuple[Variant, str], list[RawSeries]]:
    """The whole history of the series that the window has."""
    known = {place: [each.labels for each in found] for place, found in counters.items()}
    return {place: [each for each in found if each.labels in known[place]] for place, found in history.items()}


def _refuse_recorded(counters: Counters) -> None:
    """Raises MetricsFailure where a rule's sum is read, or may be: it rises, too, by what a counter that comes to it
    counted long before, and holds twice what two jobs scrape. Nor can processes under one name be told apart."""
    for (_, name), found in counters.items():
        for each in found:
            if refusal := _no_counter(each.labels):
                raise MetricsFailure(FailureKind.TEMPLATES_UNUSABLE, f"the template for {name} finds {refusal}")


def _no_counter(labels: Mapping[str, str]) -> str:
    """Why a series is not the counter of one process, "" where nothing says so."""
    series = labels.get("__name__", "a series")[:80]
    if is_recorded(labels):
        return (
            f"{series}, which a recording rule made: a sum of counters rises also when another counter comes to it; "
            "name the counter that servers export"
        )
    if missing := missing_of_a_scrape(labels):
        return (
            f"{series} without {' and '.join(missing)}, which every scrape gives: a recording rule has summed it, or a "
            "relabelling has dropped the label, so what several processes count cannot be told apart; name the counter "
            "that servers export, and keep the labels of its target"
        )
    return ""


def queries_of_piece(request: TemplateRequest, seconds: int, namespace_label: str | None) -> list[FieldQuery]:
    """The queries for a policy's counters over so many seconds. Raises TemplateError."""
    return field_queries(request.preset, _preset_request(request, seconds, namespace_label), request.templates)


def name_of_queries(
    request: TemplateRequest, namespace_label: str | None, replica_label: str | None, place: str = ""
) -> str:
    """12 hex digits that change when other series would be asked for, or at another place: the same events under other
    labels must not be added to what was counted.

    Raises TemplateError.
    """
    sent = queries_of_piece(replace(request, revision=""), 1, namespace_label)
    content = [place, replica_label, *((one.variant, one.field, one.text) for one in sent)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def ranges(at: int, window_seconds: int) -> list[tuple[int, int]]:
    """Moments and lengths of the ranges that cover the window before `at`, the newest first; each an hour at most.

    They overlap by a second, since before Prometheus 3 a range held both its ends and since then only the later one.
    """
    pieces: list[tuple[int, int]] = []
    end, left = at, window_seconds
    while left > 0 and len(pieces) < MOST_RANGES:
        length = min(left, LONGEST_RANGE_SECONDS)
        pieces.append((end, length + (length < left)))
        end, left = end - length, left - length
    return pieces


def _read_in_pieces(at: int, window_seconds: int, read: Callable[[int, int], None]) -> None:
    """Calls `read` with the moment and the length of each range. A range whose answer is too large is read again in
    halves: what is read twice is joined later. Raises MetricsFailure."""
    pieces = deque(ranges(at, window_seconds))
    while pieces:
        moment, seconds = pieces.popleft()
        try:
            read(moment, seconds)
        except MetricsFailure as failure:
            if failure.kind is not FailureKind.TOO_LARGE or seconds <= SHORTEST_RANGE_SECONDS:
                raise
            half = seconds // 2
            pieces.extend(((moment, half + 1), (moment - half, seconds - half)))


def joined(rows: Iterable[RawSeries]) -> list[RawSeries]:
    """Each series once, with the samples of all its pieces in order of time and without repetitions."""
    points: defaultdict[tuple[tuple[str, str], ...], dict[int, str]] = defaultdict(dict)
    for row in rows:
        points[tuple(sorted(row.labels.items()))].update(row.points)
    return [RawSeries(dict(labels), sorted(found.items())) for labels, found in points.items() if found]


def _preset_request(request: TemplateRequest, seconds: int, namespace_label: str | None) -> PresetRequest:
    return PresetRequest(
        policy=request.policy,
        revision=request.revision,
        window_seconds=seconds,
        namespace_label=namespace_label,
        workloads=request.workloads,
        candidate=request.candidate,
    )


def _evidence(
    client: RangeVectors,
    request: TemplateRequest,
    at: int,
    namespace_label: str | None,
    rows: Sequence[RawSeries],
    metrics: Sequence[str] = (STARTED, UP),
) -> dict[str, list[RawSeries]]:
    """Series of these names of the counters' targets, by name: start times and scrapes. Counters that carry no target's
    labels have none."""
    found: dict[str, list[RawSeries]] = {metric: [] for metric in metrics}
    scraped = [row.labels for row in rows if row.labels.get("instance")]
    if not scraped:
        return found
    targets = {name: alternation(labels.get(name, "") for labels in scraped) for name in _TARGET_LABELS}

    def read_piece(moment: int, seconds: int) -> None:
        for query in evidence_queries(_preset_request(request, seconds, namespace_label), targets, metrics):
            found[query.partition("{")[0]].extend(client.range_vector(query, float(moment)))

    _read_in_pieces(at, request.read_seconds, read_piece)
    return {name: joined(series) for name, series in found.items()}
