"""Rows of which nothing says whether they are several counters or copies of one: these are named, and never added.

Whatever copies a series on its way, as two agents that write to one store do, gives its label to all series of a
process, to `up` and to its start time too. So a label that these lack is the counter's own. Where the store has none of
them, a label that nobody knows may be either, and to add its rows would count an event twice. The same holds for a row
that lacks the label by which several targets of its address differ: a rule has summed them.
Pure: it is told the series, and asks for none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from earlystop.api.counts import Variant
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.vantage import Labels, Targets, is_copy, label_of_scrapers, page_of

Counters = Mapping[tuple[Variant, str], Sequence[RawSeries]]
ABOUT = ("process_start_time_seconds", "target_info", "push_time_seconds")
"""Series of which a process has one: its start, its resource by OpenTelemetry, when a push gateway was told."""
_NAME = "__name__"
_MOST_NAMED = 5


def undescribed(counters: Counters, targets: Targets, replica_label: str | None) -> list[RawSeries]:
    """Rows that differ from another row of their process and field in a label that may be a counter's own or a copy's,
    since nothing else tells of the process."""
    return [row for _, rows, _ in _unclear(counters, targets, replica_label) for row in rows]


def refusal_of_copies(counters: Counters, targets: Targets, replica_label: str | None) -> str:
    """Why rows cannot be added, "" where they can."""
    for field, _, names in _unclear(counters, targets, replica_label):
        return (
            f"the template for {field} finds series that differ in {_listed(names)}, and as far as this MetricSource "
            "reads (its namespaceLabel), the store has neither up nor process_start_time_seconds nor target_info of "
            "their process, so nothing says whether they are counters of their own or copies of one; have one of the "
            "three stored with the labels of the counters, or name the label that tells the scrapers of an HA pair "
            "apart in the MetricSource's replicaLabel"
        )
    return ""


def refusal_of_sums(counters: Counters, ups: Sequence[RawSeries], replica_label: str | None) -> str:
    """Why a row is a sum over targets that were scraped at the same time, "" where none is."""
    pages: defaultdict[tuple[str, str], list[RawSeries]] = defaultdict(list)
    for up in ups:
        pages[page_of(up.labels)].append(up)
    for (_, field), found in counters.items():
        for row in found:
            page = pages.get(page_of(row.labels), [])
            is_scraped = is_copy(row.labels) or any(_has_all(row.labels, up.labels) for up in page)
            if not is_scraped and (names := _summed_over(row, page, replica_label)):
                return f"the template for {field} finds {_as_sum(row, names)}"
    return ""


def _as_sum(row: RawSeries, names: Sequence[str]) -> str:
    job, instance = (text[:80] for text in page_of(row.labels))
    return (
        f"{row.labels.get(_NAME, 'a series')[:80]} without {_listed(names)}, in which targets of job {job} at "
        f"{instance} differ: a recording rule has summed them, or a relabelling has dropped the label, so what they "
        "count cannot be told apart; name the counter that servers export, and keep the labels of its target"
    )


def _unclear(
    counters: Counters, targets: Targets, replica_label: str | None
) -> Iterator[tuple[str, list[RawSeries], list[str]]]:
    """Field, rows of one process, and the labels in which they differ for a reason that nothing tells."""
    own = _own_names(counters, targets)
    for (_, field), found in counters.items():
        for rows in _of_one_process(found, targets).values():
            if names := _names_that_differ([row.labels for row in rows], own, replica_label):
                yield field, rows, names


def _of_one_process(rows: Iterable[RawSeries], targets: Targets) -> dict[frozenset[tuple[str, str]], list[RawSeries]]:
    """Rows of whose process nothing tells, by the labels that scrapers are known to give."""
    groups: defaultdict[frozenset[tuple[str, str]], list[RawSeries]] = defaultdict(list)
    for row in rows:
        if targets.names_given(row.labels) is None:
            given = {name: text for name, text in row.labels.items() if label_of_scrapers(name, text)}
            groups[frozenset(given.items())].append(row)
    return groups


def _own_names(counters: Counters, targets: Targets) -> set[str]:
    """Names that rows of described processes have beyond what describes them: the counters' own, wherever they are."""
    own: set[str] = set()
    for found in counters.values():
        for row in found:
            given = targets.names_given(row.labels)
            if given is not None:
                own |= row.labels.keys() - given
    return own


def _names_that_differ(rows: Sequence[Labels], own: Collection[str], replica_label: str | None) -> list[str]:
    """Names of labels, unknown ones, that have several values in these rows, or are absent in some."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for name in {name for labels in rows for name in labels} - {_NAME, replica_label, *own}:
        for labels in rows:
            text = labels.get(name, "")
            if not label_of_scrapers(name, text):
                values[name].add(text)
    return sorted(name for name, texts in values.items() if len(texts) > 1)


def _summed_over(row: RawSeries, page: Sequence[RawSeries], replica_label: str | None) -> list[str]:
    """Labels that a row lacks and by which targets differ that were scraped at the same time."""
    begin, end = row.points[0][0], row.points[-1][0]
    together = [up for up in page if up.points[0][0] <= end and up.points[-1][0] >= begin]
    missing = {name for up in together for name in up.labels} - row.labels.keys() - {_NAME, replica_label}
    return sorted(
        name
        for name in missing
        if any(
            one.labels.get(name) != other.labels.get(name) and _overlap(one, other)
            for index, one in enumerate(together)
            for other in together[index + 1 :]
        )
    )


def _has_all(labels: Labels, of_target: Labels) -> bool:
    return all(labels.get(name) == text for name, text in of_target.items() if name != _NAME)


def _overlap(one: RawSeries, other: RawSeries) -> bool:
    """Whether both targets were scraped again after the other was."""
    return max(one.points[0][0], other.points[0][0]) < min(one.points[-1][0], other.points[-1][0])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name[:60] for name in names[:_MOST_NAMED])
