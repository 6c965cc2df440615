"""A server's counts as families of the metrics page: the inverse of what the reader does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from earlystop.api import wire as names
from earlystop.exporter.choice import SettingsInForce
from earlystop.exporter.revisions import BOTH, GroupLabels, Labels

_HELP = {
    names.STARTED: "Requests that arrived.",
    names.REQUESTS: "Requests that ended, by outcome.",
    names.ANSWERS: "Answers of completed requests, by exact match.",
    names.TOKENS: "Output tokens of completed requests.",
    names.TOKENS_SQUARED: "Sum of the squares of output tokens per completed request.",
    names.PAIRS: "Questions answered by the baseline and by a candidate, by which of them was right.",
    names.PAIR_ANSWERS: "The same questions, by whose answer is missing and whether the other one is right.",
    names.FEEDBACK: "Users' verdicts on answers.",
    names.EMPTY: "Answers without a word.",
    names.CUT: "Answers that were cut off at a limit of tokens.",
}
_RARE = frozenset({names.PAIRS, names.PAIR_ANSWERS, names.FEEDBACK, names.EMPTY, names.CUT})
_FORGED_HELP = "Requests that named a revision without its token. They count as unassigned, too."
_GROUPS_HELP = "Events of the requests of each group of users; token counts are sums."
_GROUP_LABELS = (names.POLICY, names.REVISION, names.STEP, names.VARIANT, names.USER_GROUP, names.PROCESS, names.EVENT)
_FORGED_LABELS = (names.POLICY, names.PROCESS)
_IN_FORCE_HELP = "1 for the settings by which a process serves that reads them itself."
_FAULT_HELP = "1 while a process cannot read its settings and goes on with the last good ones."
_IN_FORCE_LABELS = (names.POLICY, names.REVISION, names.STEP, names.DIGEST, names.PROCESS)
_SETTING_LABELS = (names.POLICY, names.REVISION, names.VARIANT, names.PARAMETER, names.VALUE)


def families(
    counts: Mapping[Labels, tuple[int, ...]],
    settings: Iterable[tuple[str, ...]],
    forged: Mapping[str, int],
    process: str,
    groups: Mapping[GroupLabels, tuple[int, ...]] = MappingProxyType({}),
    in_force: Iterable[SettingsInForce] = (),
    metrics: Iterable[str] = names.COUNTED_METRICS,
) -> Iterator[Metric]:
    """All families of the convention, without `_created` series.

    counts: in the order of `Tally`. settings: policy, revision, variant, parameter and value of each. forged: requests
    without their revision's token, by policy. groups: `GROUPED_EVENTS` of each group of users; those that never
    happened have no series. in_force: of each policy whose settings the process reads itself. metrics: names of those
    that the process counts.
    """
    for metric in metrics:
        kinds = [(kind, names.FIELD_INDEX[kind]) for kind in names.SELECTED if kind.metric == metric]
        split = [label for label, value in zip(names.MARKS, kinds[0][0][1:], strict=True) if value]
        family = CounterMetricFamily(metric, _HELP[metric], labels=(*names.SERIES_LABELS, *split))
        for labels, row in counts.items():
            if _is_shown(metric, labels, [row[index] for _, index in kinds]):
                for kind, index in kinds:
                    family.add_metric((*labels, process, *filter(None, kind[1:])), row[index])
        yield family
    by_group = CounterMetricFamily(names.BY_USER_GROUP, _GROUPS_HELP, labels=_GROUP_LABELS)
    for labels, row in groups.items():
        for event, count in zip(names.GROUPED_EVENTS, row, strict=True):
            if count:
                by_group.add_metric((*labels, process, event), count)
    yield by_group
    without_token = CounterMetricFamily(names.FORGED, _FORGED_HELP, labels=_FORGED_LABELS)
    for policy, count in forged.items():
        without_token.add_metric((policy, process), count)
    yield without_token
    info = GaugeMetricFamily(names.SETTING_INFO, "1 for each parameter value in force.", labels=_SETTING_LABELS)
    for values in settings:
        info.add_metric(values, 1)
    yield info
    yield from _in_force_families(in_force, process)


def _in_force_families(in_force: Iterable[SettingsInForce], process: str) -> Iterator[Metric]:
    info = GaugeMetricFamily(names.SETTINGS_INFO, _IN_FORCE_HELP, labels=_IN_FORCE_LABELS)
    faults = GaugeMetricFamily(names.SETTINGS_FAULT, _FAULT_HELP, labels=(names.POLICY, names.PROCESS, names.FAULT))
    for each in in_force:
        info.add_metric((each.policy, each.revision, each.step, each.digest, process), 1)
        if each.fault:
            faults.add_metric((each.policy, process, each.fault), 1)
    yield info
    yield faults


def _is_shown(metric: str, labels: Labels, counts: list[int]) -> bool:
    """What most servers never count is left out where there is none; all else has a variant."""
    return any(counts) if metric in _RARE else labels[3] != BOTH
