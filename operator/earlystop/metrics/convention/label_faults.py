"""Labels of the convention that were lost or overwritten on the way: asked for in the one query, told by reasons.

Exact counts rest on the label `process`: rows without it, or with one that two processes share, would be merged by
their largest values, field by field, and show rates that no server had. So they stop evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from earlystop.api.wire import MARKS, POLICY, PROCESS, REVISION, SERIES_LABELS, STARTED
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

PROCESS_SHARED = "process_shared"
"""Rows with `reading="process_shared"` hold at how many targets at once one process of a policy is found, above 1."""
LABEL_OVERWRITTEN = "label_overwritten"
"""Rows with `reading="label_overwritten"` name in `overwritten` a label that a scrape has set on a policy's series."""
OVERWRITTEN = "overwritten"
_KEPT = "exported_"  # where a scraper keeps the label that it overwrites
_LONGEST_TEXT = 40  # of a foreign value in a message


def fault_rows(
    names: str,
    policies: str,
    revisions: str,
    namespace: Sequence[str],
    within: str,
    marked: Callable[[str, str], str],
) -> str:
    """The part of a query whose rows say which policies' labels cannot be trusted; none where all is well.

    names, policies, revisions: patterns between double quotes, of metrics, policies and revisions.
    namespace: the namespace label, if there is one.
    within: the matcher of that label with a comma before it, or "".
    marked: gives rows their `reading`.
    """
    chosen = f'{POLICY}=~"{policies}",{REVISION}=~"{revisions}"{within}'
    rows = [
        marked(_shared((POLICY, REVISION, PROCESS, *namespace), chosen, *target), PROCESS_SHARED)
        # A Pod that is read at several ports is one process; without Pods each address is one.
        for target in (("pod", 'pod!=""'), ("instance", 'pod=""'))
    ]
    by_label = {
        POLICY: f'{_KEPT}{POLICY}=~"{policies}"{within}',
        REVISION: f'{POLICY}=~"{policies}",{_KEPT}{REVISION}=~"{revisions}"{within}',
    }
    for label in (*SERIES_LABELS, *MARKS):
        matchers = by_label.get(label, f'{chosen},{_KEPT}{label}!=""')
        policy = f"{_KEPT}{POLICY}" if label == POLICY else POLICY
        counted = f'count by ({",".join((policy, *namespace))})({{__name__=~"{names}",{matchers}}})'
        if label == POLICY:
            counted = f'label_replace({counted},"{POLICY}","$1","{policy}","(.*)")'
        rows.append(marked(f'label_replace({counted},"{OVERWRITTEN}","{label}","","")', LABEL_OVERWRITTEN))
    return f"({' or '.join(rows)})"


def _shared(group: Sequence[str], chosen: str, target: str, matcher: str) -> str:
    # A federated copy tells of another target than it was scraped from.
    found = f'{STARTED}{{{chosen},{matcher},{_KEPT}instance=""}}'
    return f"count by ({','.join(group)})(count by ({','.join(dict.fromkeys((*group, target)))})({found}))>1"


def process_missing(policy: str) -> MetricsFailure:
    """Rows without the label `process`."""
    what = f"counters of {policy} come without the label {PROCESS}, by which those of several processes are told apart"
    return MetricsFailure(FailureKind.PROCESS_MISSING, what)


def process_shared(policy: str, labels: Mapping[str, str], targets: float) -> MetricsFailure:
    """A row with `reading="process_shared"` and its value."""
    process = labels.get(PROCESS, "")[:_LONGEST_TEXT]
    what = f"{targets:.0f} targets at once export counters of {policy} with the process {process!r}"
    return MetricsFailure(FailureKind.PROCESS_SHARED, what)


def label_overwritten(policy: str, labels: Mapping[str, str]) -> MetricsFailure:
    """A row with `reading="label_overwritten"`."""
    label = labels.get(OVERWRITTEN, "")[:_LONGEST_TEXT]
    what = f"a scrape overwrites the label {label} of the counters of {policy} and keeps theirs as {_KEPT}{label}"
    return MetricsFailure(FailureKind.LABEL_OVERWRITTEN, what)
