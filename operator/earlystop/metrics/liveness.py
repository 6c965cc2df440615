"""Whether a policy's servers are alive although its counters are silent: a quiet night is not a failure.

A server that was restarted exposes no counter of a policy before the next request, and then there is none to see. What
shows that it lives is `up`, of a target of the same kind as those which the counters came from before. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from earlystop.metrics.convention.query import alternation, checked_namespace_label, escape, namespace_of
from earlystop.metrics.pod_alphabet import GENERATED, NUMBER
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

POD_LABELS = ("pod", "pod_name", "kubernetes_pod_name")
NAMESPACE_LABELS = ("namespace", "kubernetes_namespace")
TARGET_LABELS = ("job", "instance", "service", "container", *NAMESPACE_LABELS, *POD_LABELS)
"""Labels by which scrapers name a target; a source's `namespaceLabel` is one more."""

SEEN_WITHIN_SECONDS = 300
"""So long before a moment at which counts were read, the counters' targets are looked for."""
LONGEST_NAME, MOST_NAMES = 80, 3

READING, UP, SCRAPED_AT, BEGAN_AT = "reading", "up", "scraped_at", "began_at"

# A Pod's name is its workload's, and: a template's hash and five characters; five characters; or a number.
_POD_SUFFIX = re.compile(rf"-{GENERATED}{{1,10}}-[a-z0-9]{{5}}$|-[a-z0-9]{{5}}$|-{NUMBER}$")

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LivenessHints:
    """What a request for counts says beside, so that silent counters can be told from absent servers.

    workload: name of the policy's Deployment; variants: labels of those that should have requests now; seen_at: Unix
    seconds at which counters were read, of which some targets may be known.
    """

    workload: str = ""
    variants: tuple[str, ...] = ()
    seen_at: tuple[int, ...] = ()


NO_HINTS = LivenessHints()


class KnownTarget(NamedTuple):
    """A target that a policy's counters came from. labels: those that name a target; seen_at: Unix second; counted:
    whether the counters were those of the present campaign, and not of an earlier one."""

    variant: str
    labels: Labels
    seen_at: int
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Scrape:
    """A target as its scraper met it last. scraped_at, began_at: Unix seconds; the latter None where the target does
    not tell when its process began."""

    labels: Labels
    up: bool
    scraped_at: float
    began_at: float | None = None


@dataclass(frozen=True, slots=True)
class LivenessQuestion:
    """What is known of a policy whose counters are silent at Unix second `at`.

    policy: namespace/name; workload: name of its Deployment; variants: labels of those that should have requests;
    known: the targets that its counters came from, none for a policy that was never counted; stale_after: seconds.
    """

    policy: str
    workload: str
    variants: tuple[str, ...]
    known: tuple[KnownTarget, ...]
    at: int
    stale_after: float


def newest_scrape(question: LivenessQuestion, scrapes: Iterable[Scrape]) -> float | MetricsFailure | None:
    """The Unix time of the newest scrape of a living target, when there is one for each variant.

    Otherwise the failure (Stale) that says which targets are down, gone, or up without counters; None when nothing is
    known of the policy's targets. A target is alive that was scraped with success within `stale_after`.
    """
    scrapes = tuple(scrapes)
    kinds = _kinds_by_variant(question, scrapes)
    if not kinds:
        return None
    of_policy = [each for each in scrapes if any(kind_of(each.labels) in each_kinds for each_kinds in kinds.values())]
    silent = [each for each in of_policy if _lost_its_counters(question, each)]
    if silent:
        what = f"{_named(silent)} up and the process goes on, but the counters of {question.policy} are no longer there"
        return MetricsFailure(FailureKind.STALE, what)
    living = [each for each in of_policy if each.up and _is_scraped(question, each)]
    alive = {kind_of(each.labels) for each in living}
    missing = {variant: found for variant, found in kinds.items() if not found & alive}
    if not missing:
        return max(each.scraped_at for each in living)
    return _missing(question, missing, [each for each in of_policy if each not in living], whole=not living)


def _kinds_by_variant(question: LivenessQuestion, scrapes: Sequence[Scrape]) -> dict[str, set[Labels]]:
    """The kinds of targets that each variant's counters came from; of all variants those of the policy's Deployment
    where none ever came."""
    kinds: dict[str, set[Labels]] = {}
    for target in question.known:
        if target.variant in question.variants:
            kinds.setdefault(target.variant, set()).add(kind_of(target.labels))
    if not kinds:
        named = {kind_of(each.labels) for each in scrapes if _is_of_workload(question, dict(each.labels))}
        kinds = {variant: named for variant in question.variants if named}
    return kinds


def kind_of(labels: Labels) -> Labels:
    """What the targets of one workload have in common: all labels but the instance, with Pods' names cut to that of
    their workload."""
    return tuple(
        (name, workload_of(text) if name in POD_LABELS else text) for name, text in labels if name != "instance"
    )


def workload_of(pod: str) -> str:
    """The name of the Deployment, DaemonSet or StatefulSet that a Pod is named after; the Pod's own where none is."""
    return _POD_SUFFIX.sub("", pod)


def _is_of_workload(question: LivenessQuestion, labels: Mapping[str, str]) -> bool:
    pods = [labels[name] for name in POD_LABELS if name in labels]
    others = ("job", "instance", "service", "container", *POD_LABELS)
    namespaces = [text for name, text in labels.items() if name not in others]
    return question.workload in map(workload_of, pods) and namespace_of(question.policy) in namespaces


def _lost_its_counters(question: LivenessQuestion, scrape: Scrape) -> bool:
    """Whether a process goes on whose counters were seen, and does not expose them any more."""
    began_at = scrape.began_at
    return (
        scrape.up
        and began_at is not None
        and any(
            known.counted and scrape.labels == known.labels and began_at < known.seen_at - SEEN_WITHIN_SECONDS
            for known in question.known
        )
    )


def _is_scraped(question: LivenessQuestion, scrape: Scrape) -> bool:
    """Whether the source still asks a target, be it up or down. After an outage of its own it asked none for a while,
    which says nothing of them."""
    return 0 <= question.at - scrape.scraped_at <= question.stale_after


def _missing(
    question: LivenessQuestion, missing: Mapping[str, set[Labels]], not_living: Sequence[Scrape], whole: bool
) -> MetricsFailure:
    whose = question.policy if whole else f"{question.policy}, variant {', '.join(sorted(missing))},"
    what = f"the newest sample of {whose} is too old"
    kinds = {kind for found in missing.values() for kind in found}
    of_kind = [each for each in not_living if kind_of(each.labels) in kinds]
    down = [each for each in of_kind if _is_scraped(question, each)]
    left = [each for each in of_kind if not _is_scraped(question, each)]
    if of_kind:
        why = [f"{_named(down)} down"] if down else []
        why += [f"{_named(left)} no longer scraped"] if left else []
        return MetricsFailure(FailureKind.STALE, f"{what}: {', and '.join(why)}")
    gone = [Scrape(each.labels, False, 0.0) for each in question.known if kind_of(each.labels) in kinds]
    return MetricsFailure(FailureKind.STALE, f"{what}: {_named(gone)} gone, and no other of the kind is scraped")


def _named(scrapes: Sequence[Scrape]) -> str:
    """The targets as the subject of a sentence, with its verb."""
    names = sorted({_name(dict(each.labels)) for each in scrapes})
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    if len(names) == 1:
        return f"the target {names[0]} is"
    return f"the targets {', '.join(names[:MOST_NAMES])}{more} are"


def _name(labels: Mapping[str, str]) -> str:
    """A target as people know it. Its labels may be a tenant's text."""
    pod = next((labels[name] for name in POD_LABELS if name in labels), "")
    parts = [each for each in (pod, labels.get("instance", ""), f"job {labels.get('job', '')}") if each]
    text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(parts))
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def label_names(namespace_label: str | None) -> tuple[str, ...]:
    """The labels that name a target in a source. Raises ValueError for a namespace label that is none."""
    if namespace_label is None or namespace_label in TARGET_LABELS:
        return TARGET_LABELS
    return (*TARGET_LABELS, checked_namespace_label(namespace_label))


def target_labels(labels: Mapping[str, str], names: Sequence[str]) -> Labels:
    """The labels that name a target, of a row that holds others too."""
    return tuple((name, labels[name]) for name in names if labels.get(name))


def scrapes_query(questions: Iterable[LivenessQuestion], namespace_label: str | None = None) -> str:
    """The one query for the targets of these policies: whether each is up, when it was scraped, when it began.

    Only targets of the policies' jobs and namespaces are asked for; of a policy that was never counted, Pods that are
    named after its Deployment.
    """
    questions = tuple(questions)
    namespaces = sorted({namespace_of(each.policy) for each in questions})
    known = [dict(target.labels) for each in questions for target in each.known]
    label = namespace_label or "namespace"
    selectors = []
    if known:
        jobs = alternation(labels.get("job", "") for labels in known)
        found = alternation(namespaces if namespace_label else (labels.get(label, "") for labels in known))
        selectors.append(f'job=~"{escape(jobs)}",{label}=~"{escape(found)}"')
    workloads = sorted({each.workload for each in questions if not each.known and each.workload})
    if workloads:
        pods = f"({alternation(workloads)})-.+"
        selectors += [f'{name}=~"{escape(pods)}",{label}=~"{escape(alternation(namespaces))}"' for name in POD_LABELS]
    names = ",".join(label_names(namespace_label))
    return " or ".join(
        f'label_replace(max by ({names})({expression}),"{READING}","{reading}","","")'
        for selector in selectors
        for reading, expression in (
            (UP, f"up{{{selector}}}"),
            (SCRAPED_AT, f"timestamp(up{{{selector}}})"),
            (BEGAN_AT, f"process_start_time_seconds{{{selector}}}"),
        )
    )


def scrapes_of(samples: Iterable[Sample], namespace_label: str | None = None) -> list[Scrape]:
    """The answer to `scrapes_query`, a target each."""
    names = label_names(namespace_label)
    rows: dict[Labels, dict[str, float]] = {}
    for labels, value in samples:
        rows.setdefault(target_labels(labels, names), {})[labels.get(READING, "")] = value
    return [
        Scrape(labels, found[UP] == 1, found[SCRAPED_AT], found.get(BEGAN_AT))
        for labels, found in rows.items()
        if UP in found and SCRAPED_AT in found
    ]
