"""Whose counter a row is, and from where it was read: by the labels that scrapers, and not the process, have given it.

`up` has exactly the labels of a target, so where a row's `up` is known, all else on the row is the process's own. For
rows without one (pushed, federated, or written without their `up`) the labels that scrapers are known to give decide.
What the target is called depends on the row alone: else a job that comes or goes would make old counters new ones.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from earlystop.api.counts import Variant
from earlystop.metrics.templates.series_mark import AMBIGUOUS, SECOND_HAND, SeriesId

Labels = Mapping[str, str]

EXPORTED = "exported_"
"""Begins the name under which a scraper keeps a label that it overwrites: federation does so with all of a target's."""
POD_LABELS = ("pod", "kubernetes_pod_name", "pod_name", "k8s_pod_name")
SCRAPER_LABELS = frozenset(
    {
        *POD_LABELS,
        *("job", "instance", "namespace", "container", "service", "endpoint", "node", "cluster"),
        *("kubernetes_namespace", "kubernetes_name", "kubernetes_node", "kubernetes_container_name"),
        *("prometheus", "prometheus_group", "monitor", "receive", "tenant_id", "agent_hostname"),
        *("k8s_namespace_name", "k8s_container_name", "k8s_node_name", "service_name", "service_instance_id"),
    }
)
"""Labels of targets and of stores, as Prometheus, its operator, agents, Thanos and OpenTelemetry name them."""
_SCRAPED = ("job", "instance")
_NAMES_A_JOB = frozenset({"job", f"{EXPORTED}job", "service_name"})
_NAMES_A_PROCESS = frozenset(
    {
        *(f"{EXPORTED}{name}" for name in ("instance", *POD_LABELS)),
        *("instance", *POD_LABELS, "service_instance_id", "host", "hostname", "host_name"),
    }
)
"""Labels in the place of `job` and `instance`: of federations, of OpenTelemetry, and of agents that push."""
REPLICA = "replica"
"""A word in the name of every label that tells copies apart, as in `prometheus_replica`, `receive_replica` and Mimir's
`__replica__`."""
_NAME = "__name__"


class Targets:
    """The labels of scraped targets, from their series of `up`, and those of whatever else tells of a process."""

    def __init__(self, ups: Iterable[Labels], about: Iterable[Labels] = ()) -> None:
        """about: series of which a process shows one, such as its start time: scrapers and stores give them the labels
        that they give the counters, and the process none of those that tell its counters apart."""
        self._by_page = _by_page(ups)
        self._about = _by_page(about)

    def of(self, labels: Labels) -> Labels | None:
        """The labels of the target that a row was scraped from; None where its `up` is not known."""
        fitting = [own for own in self._by_page.get(page_of(labels), ()) if own.items() <= labels.items()]
        return max(fitting, key=len, default=None)

    def names_given(self, labels: Labels) -> frozenset[str] | None:
        """Names of labels that whatever tells of a row's process has too, so that they are not the counter's own; None
        where nothing tells of it."""
        page = page_of(labels)
        found = [*self._by_page.get(page, ()), *self._about.get(page, ())]
        return frozenset().union(*found) if found else None


def _by_page(series: Iterable[Labels]) -> Mapping[tuple[str, str], Sequence[Labels]]:
    found: defaultdict[tuple[str, str], list[Labels]] = defaultdict(list)
    for labels in series:
        own = {name: text for name, text in labels.items() if name != _NAME}
        found[page_of(own)].append(own)
    return found


def page_of(labels: Labels) -> tuple[str, str]:
    """Job and address of what a series was scraped from, each "" where it has none."""
    return labels.get("job", ""), labels.get("instance", "")


def series_id(
    variant: Variant,
    field: str,
    labels: Labels,
    targets: Targets,
    replica_label: str | None,
    extended: bool = False,
) -> SeriesId:
    """The name of a row of a template's answer.

    replica_label: tells the scrapers of an HA pair apart. extended: whether it is among `extended_rows`.
    """
    replica = labels.get(replica_label, "") if replica_label is not None else ""
    mine = {name: text for name, text in labels.items() if name not in (_NAME, replica_label)}
    target = targets.of(labels)
    copied = is_copy(labels)
    # One process gives all series of a metric the same labels, so others' names were added on another way.
    if target is not None and not copied:
        way = {name: text for name, text in target.items() if name != replica_label}
        names = ",".join(sorted(mine.keys() - way.keys())) if extended else ""
        vantage = (AMBIGUOUS if extended else "") + _digest({**way, _NAME: names}, 6)
    else:
        given = targets.names_given(labels) or frozenset()
        way = {name: text for name, text in mine.items() if name in given or label_of_scrapers(name, text)}
        names = "" if target is not None else ",".join(sorted(mine.keys() - way.keys()))
        vantage = SECOND_HAND + _digest({**way, _NAME: names}, 6)
    child = {name: text for name, text in mine.items() if name not in way}
    pod, instance = whereabouts(mine, target)
    # Of the host too, since a process may be read at several ports.
    address = f"{_digest({'host': _host(instance)}, 6)}.{_digest({'instance': instance}, 3)}" if instance else ""
    place = _digest({"pod": pod}, 8) if pod else address
    return SeriesId(variant, field, place, replica, vantage, _digest(child, 6), address)


def extended_rows(rows: Sequence[Labels], targets: Targets) -> list[bool]:
    """For each row of one query, whether another row of its target agrees in all labels that both have, and lacks some.

    A federation that keeps the target's labels adds its own to them, and has no `up` that would show it; or the
    process leaves a label empty in the other row. Nothing tells which.
    """
    found = [targets.of(labels) for labels in rows]
    by_target: defaultdict[frozenset[tuple[str, str]], list[Labels]] = defaultdict(list)
    for target, labels in zip(found, rows, strict=True):
        if target is not None:
            by_target[frozenset(target.items())].append(labels)
    return [
        target is not None and any(_extends(labels, other) for other in by_target[frozenset(target.items())])
        for target, labels in zip(found, rows, strict=True)
    ]


def _extends(labels: Labels, other: Labels) -> bool:
    """Whether `labels` has names that `other` lacks, and the two agree in all that both have."""
    return not labels.keys() <= other.keys() and all(other.get(name, text) == text for name, text in labels.items())


def is_recorded(labels: Labels) -> bool:
    """Whether a row's name says that a recording rule made it, of many counters perhaps: `level:metric:operations`.

    Some engines give their counters names with one colon.
    """
    return labels.get(_NAME, "").count(":") > 1


def missing_of_a_scrape(labels: Labels) -> tuple[str, ...]:
    """Which labels a row lacks that every scrape gives: `job`, and `instance` or what else names a process.

    A sum over processes or over jobs lacks them, whatever its name, and so does a counter from which a relabelling
    dropped them.
    """
    has = {_plain(name) for name, text in labels.items() if text}
    return tuple(
        name for name, others in zip(_SCRAPED, (_NAMES_A_JOB, _NAMES_A_PROCESS), strict=True) if not has & others
    )


def is_copy(labels: Labels) -> bool:
    """Whether a row tells of another target than it was scraped from, as a federated or pushed one does."""
    return f"{EXPORTED}job" in labels or f"{EXPORTED}instance" in labels


def whereabouts(labels: Labels, target: Labels | None) -> tuple[str, str]:
    """Pod and address of the process that a row is about, each "" where it is not known."""
    if is_copy(labels):
        given = target.keys() if target is not None else {"job", "instance"}
        renamed = {name.removeprefix(EXPORTED): text for name, text in labels.items() if name.startswith(EXPORTED)}
        labels = {**{name: text for name, text in labels.items() if name not in given}, **renamed}
    named = {_plain(name): text for name, text in labels.items()}
    pods: Sequence[str] = [named[name] for name in POD_LABELS if named.get(name)]
    return (pods[0] if pods else ""), labels.get("instance", "")


def label_of_scrapers(name: str, text: str) -> bool:
    """Whether a label is one that scrapers, stores or agents give, by its name."""
    name = _plain(name)
    if name == "endpoint":
        return "/" not in text  # the name of a port; many applications count by URL path under the same label
    return name in SCRAPER_LABELS or name.startswith(EXPORTED) or REPLICA in name.split("_")


def _plain(name: str) -> str:
    """The name without the points that Prometheus 3 allows, as in k8s.pod.name."""
    return name.replace(".", "_")


def _host(instance: str) -> str:
    host, colon, port = instance.rpartition(":")
    return host if colon and port.isdecimal() else instance


def _digest(labels: Labels, length: int) -> str:
    """Some hex digits that name these labels, so that the packed ledger stays small."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:length]
