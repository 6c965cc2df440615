"""The PromQL text of one look: the counts of many policies and the age of their newest samples, in one query."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from earlystop.api.wire import (
    COUNTED_METRICS,
    MARKS,
    POLICY,
    REVISION,
    SERIES_LABELS,
    STARTED,
)
from earlystop.metrics.convention.label_faults import fault_rows

READING = "reading"
NEWEST_SAMPLE = "newest_sample"
"""Rows with `reading="newest_sample"` hold, per policy and revision, the Unix time of the newest sample."""
EVALUATED_AT = "evaluated_at"
"""The row with `reading="evaluated_at"` holds the Unix time for which the source evaluated the query: VictoriaMetrics,
for one, moves that time and then writes the time asked for beside each value."""

WINDOW_MARGIN_SECONDS = 60
_REGEX_METACHARACTERS = re.compile(r"[\\.+*?()|\[\]{}^$]")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_GROUPED_BY = ("__name__", *SERIES_LABELS, *MARKS)


def escape(label_value: str) -> str:
    """The text between double quotes that PromQL reads back as `label_value`.

    Raises ValueError for a lone surrogate: no label holds one.
    """
    label_value.encode("utf-8")
    return label_value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def alternation(values: Iterable[str]) -> str:
    """An RE2 pattern that matches exactly these values. Prometheus anchors it and looks literals up in its index."""
    return "|".join(_REGEX_METACHARACTERS.sub(r"\\\g<0>", value) for value in sorted(set(values)))


def counts_query(
    policies: Iterable[str],
    revisions: Iterable[str],
    window_seconds: int,
    namespace_label: str | None = None,
) -> str:
    """The query for the counts of these policies and revisions over the last `window_seconds`.

    `last_over_time` keeps the metric's name (`max_over_time` drops it, and then different counters collide) and
    still sees processes that ended within the window. `max by` folds an HA pair's replicas, never adds them.
    Rows of `label_faults.py` say whether labels were lost on the way.
    With `namespace_label` that label stays on every row, so that the reader can tell who exposed it.
    Raises ValueError for a window below 1 s or a namespace label that is none or has another meaning here.
    """
    if window_seconds < 1:
        raise ValueError(f"the window is {window_seconds} s; it must cover at least 1 s")
    namespace = () if namespace_label is None else (checked_namespace_label(namespace_label),)
    asked, present = escape(alternation(policies)), escape(alternation(revisions))
    chosen = f'{POLICY}=~"{asked}",{REVISION}=~"{present}"'
    names = escape(alternation(COUNTED_METRICS))
    counts = (
        f"max by ({','.join((*_GROUPED_BY, *namespace))})"
        f'(last_over_time({{__name__=~"{names}",{chosen}}}[{window_seconds}s]))'
    )
    newest = f"max by ({','.join((POLICY, REVISION, *namespace))})(timestamp({STARTED}{{{chosen}}}))"
    # `or` drops a right-hand row whose labels equal a left-hand row's; the added label makes that impossible.
    faults = fault_rows(names, asked, present, namespace, _marked)
    return " or ".join((counts, faults, _marked(newest, NEWEST_SAMPLE), _marked("vector(time())", EVALUATED_AT)))


def _marked(rows: str, reading: str) -> str:
    return f'label_replace({rows},"{READING}","{reading}","","")'


def checked_namespace_label(name: str) -> str:
    """`name`, when it can be the label that says which namespace a series came from; ValueError otherwise."""
    if not _LABEL_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a label name; write the target label's name, such as namespace")
    if name in (*_GROUPED_BY, READING):
        raise ValueError(f"the label {name} already has a meaning in the convention; name another one")
    return name


def window_since(last_good_at: float, now: float, scrape_interval_seconds: float) -> int:
    """Seconds that the next query must look back, given the evaluation time of the last good one (Unix seconds).

    The margin is two scrape intervals and a minute: samples that were scraped before the last look but became
    visible after it are found by this one. A window too wide costs time; one too narrow loses a dead process's end.
    """
    since = max(0.0, now - last_good_at)
    return math.ceil(since + 2 * scrape_interval_seconds) + WINDOW_MARGIN_SECONDS
