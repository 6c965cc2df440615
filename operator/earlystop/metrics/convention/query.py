"""The PromQL text of one look: the counts of many policies and the age of their newest samples, in one query."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from earlystop.api.source import LABELS_WITH_A_MEANING
from earlystop.api.wire import (
    COUNTED_METRICS,
    FEEDBACK,
    MARKS,
    POLICY,
    REQUESTS,
    REVISION,
    SERIES_LABELS,
    STARTED,
    STEP,
    VARIANT,
)
from earlystop.metrics.convention.label_faults import fault_rows

READING = "reading"
NEWEST_SAMPLE = "newest_sample"
"""Rows with `reading="newest_sample"` hold, per policy, revision and variant, the Unix time of the newest sample."""
EVALUATED_AT = "evaluated_at"
"""The row with `reading="evaluated_at"` holds the Unix time for which the source evaluated the query: VictoriaMetrics,
for one, moves that time and then writes the time asked for beside each value."""

WINDOW_MARGIN_SECONDS = 60
KEPT_AT_ZERO = (STARTED, REQUESTS, FEEDBACK)
"""Counters of which each process has one at least for everything that it counts: a server the first two, an evaluator
the second, and what counts votes alone the third. Their rows are in the answer whatever they say, so a process that has
counted nothing yet is. Of the others a value of 0 says nothing: what an answer does not hold is read as 0, and the
ledger keeps the largest value. Most rows would be such ones. NaN, which is no count, is not equal to 0 either."""
AT_ZERO = "zero"
"""Rows with `reading="zero"` are counters of these that say 0."""
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
    steps: Iterable[int] = (),
) -> str:
    """The query for the counts of these policies and revisions over the last `window_seconds`.

    steps: the only ones whose counts are asked for, none for all. A server keeps the series of closed steps for as long
    as it runs, and would send them at each look.

    `last_over_time` keeps the metric's name (`max_over_time` drops it, and then different counters collide) and
    still sees processes that ended within the window. `max by` folds an HA pair's replicas, never adds them. Counters
    of 0 are left out where they say nothing, see `KEPT_AT_ZERO`.
    Rows of `label_faults.py` say whether labels were lost on the way.
    With `namespace_label` only series of these policies' namespaces are asked for, so that the series of another one
    take no room in the answer; the label stays on every row, so that the reader can tell whose each is.
    Raises ValueError for a window below 1 s or a namespace label that is none or has another meaning here.
    """
    if window_seconds < 1:
        raise ValueError(f"the window is {window_seconds} s; it must cover at least 1 s")
    policies = tuple(policies)
    namespace = () if namespace_label is None else (checked_namespace_label(namespace_label),)
    within = "".join(f',{label}=~"{escape(alternation(map(namespace_of, policies)))}"' for label in namespace)
    asked, present = escape(alternation(policies)), escape(alternation(revisions))
    chosen = f'{POLICY}=~"{asked}",{REVISION}=~"{present}"{within}'
    names = escape(alternation(COUNTED_METRICS))
    numbers = alternation(map(str, steps))
    of_steps = f',{STEP}=~"{numbers}"' if numbers else ""
    by = ",".join((*_GROUPED_BY, *namespace))
    counts, kept = (
        f"max by ({by})(last_over_time({{{_named(each)},{chosen}{of_steps}}}[{window_seconds}s]))"
        for each in (COUNTED_METRICS, KEPT_AT_ZERO)
    )
    newest = f"max by ({','.join((POLICY, REVISION, VARIANT, *namespace))})(timestamp({STARTED}{{{chosen}}}))"
    # `or` drops a right-hand row whose labels, the name aside, equal a left-hand row's; the added label makes that
    # impossible.
    zeros, faults = _marked(f"{kept} == 0", AT_ZERO), fault_rows(names, asked, present, namespace, within, _marked)
    own = _marked(newest, NEWEST_SAMPLE), _marked("vector(time())", EVALUATED_AT)
    return " or ".join((f"{counts} != 0", zeros, faults, *own))


def _named(metrics: Iterable[str]) -> str:
    return f'__name__=~"{escape(alternation(metrics))}"'


def namespace_of(policy: str) -> str:
    """The namespace of a policy that is named namespace/name."""
    return policy.partition("/")[0]


def other_namespaces_query(policies: Iterable[tuple[str, str]], namespace_label: str) -> str:
    """The query for how many series carry the names of policies and come from other namespaces than theirs: one row for
    each policy, however many the series are.

    policies: name and revision of each. Raises ValueError as `counts_query`.
    """
    label = checked_namespace_label(namespace_label)
    return " or ".join(
        f'count by ({POLICY})({STARTED}{{{POLICY}="{escape(policy)}",{REVISION}="{escape(revision)}",'
        f'{label}!="{escape(namespace_of(policy))}"}})'
        for policy, revision in sorted(set(policies))
    )


def known_targets_query(
    seen: Iterable[tuple[str, int]], within_seconds: int, labels: Sequence[str], namespace_label: str | None
) -> str:
    """The query for the targets that policies' counters came from.

    seen: policy and a Unix second at which its counters were read, which the rows hold as `reading`; within_seconds: so
    long before it; labels: names of those that name a target. Counters of any revision do.
    """
    names = ",".join((POLICY, REVISION, VARIANT, *labels))
    return " or ".join(
        f"label_replace(group by ({names})(last_over_time({STARTED}{{{of_policy(policy, namespace_label)}}}"
        f'[{within_seconds}s] @ {moment})),"{READING}","{moment}","","")'
        for policy, moment in sorted(set(seen))
    )


def samples_query(policy: str, revision: str, window_seconds: int, namespace_label: str | None) -> str:
    """The range of samples of one policy's started requests, as they were scraped."""
    chosen = f'{of_policy(policy, namespace_label)},{REVISION}="{escape(revision)}"'
    return f"{STARTED}{{{chosen}}}[{window_seconds}s]"


def of_policy(policy: str, namespace_label: str | None) -> str:
    """The label matchers that choose a policy's series, within its namespace as in `in_namespace_of`."""
    return f'{POLICY}="{escape(policy)}"{in_namespace_of(policy, namespace_label)}'


def in_namespace_of(policy: str, namespace_label: str | None) -> str:
    """One more label matcher, which chooses series of the policy's namespace alone; "" without such a label.

    namespace_label: the label that the scraper sets to the target's namespace. Raises ValueError for one that can be
    none.
    """
    if namespace_label is None:
        return ""
    return f',{checked_namespace_label(namespace_label)}="{escape(namespace_of(policy))}"'


def _marked(rows: str, reading: str) -> str:
    return f'label_replace({rows},"{READING}","{reading}","","")'


def checked_namespace_label(name: str) -> str:
    """`name`, when it can be the label that says which namespace a series came from; ValueError otherwise."""
    if not _LABEL_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a label name; write the target label's name, such as namespace")
    if name in LABELS_WITH_A_MEANING:
        raise ValueError(f"the label {name} already has a meaning in the convention; name another one")
    return name


def window_since(last_good_at: float, now: float, scrape_interval_seconds: float) -> int:
    """Seconds that the next query must look back, given the evaluation time of the last good one (Unix seconds).

    The margin is two scrape intervals and a minute: samples that were scraped before the last look but became
    visible after it are found by this one. A window too wide costs time; one too narrow loses a dead process's end.
    """
    since = max(0.0, now - last_good_at)
    return math.ceil(since + 2 * scrape_interval_seconds) + WINDOW_MARGIN_SECONDS
