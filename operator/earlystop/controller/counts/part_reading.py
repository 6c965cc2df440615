"""A look's parts are asked one after the other, and a part that goes badly is told from a source that does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from earlystop.controller.counts.separation import SLOW_SECONDS, Part
from earlystop.metrics.convention.query import namespace_of
from earlystop.metrics.count_ledger import AnyReading
from earlystop.metrics.source.failures import OF_ONE_POLICY, FailureKind, MetricsFailure

MOST_COSTLY_PARTS = 8
"""After so many costly parts in a look, the others are asked together, lest the look take for ever."""

Result = AnyReading | MetricsFailure
Answers = dict[str, Result]


@dataclass(frozen=True, slots=True)
class Probed:
    """How a source answers a question that is about nobody's series.

    seconds: how long it took. failure: why there was no answer.
    """

    seconds: float
    failure: MetricsFailure | None = None

    @property
    def is_well(self) -> bool:
        """Whether it is not the source that made a part costly."""
        return self.failure is None and self.seconds <= SLOW_SECONDS


def read_parts(
    parts: Iterable[frozenset[str]],
    read: Callable[[frozenset[str]], tuple[Answers, Part]],
    probe: Callable[[], Probed],
    unread: Callable[[frozenset[str], MetricsFailure], Answers],
) -> tuple[Answers, list[Part]]:
    """The answers to all parts, and those parts that say something of their namespaces.

    read: asks for the policies of some namespaces. probe: asks the source for nobody's series; after a part that went
    badly it tells whether the source did. unread: the answers of namespaces that are not asked, as the probe failed.
    Where the source is slow, or many parts were costly, the namespaces that are left are asked together.
    """
    answers: Answers = {}
    judged: list[Part] = []
    left = deque(parts)
    costly = 0
    while left:
        found, part = read(left.popleft())
        answers |= found
        if not part.is_costly and failure_of_source(found.values()) is None:
            judged.append(part)
            continue
        if not part.is_costly and not left:
            break  # a source that refuses need not refuse twice
        probed = probe()
        if probed.failure is not None:
            return answers | unread(frozenset().union(*left), probed.failure), judged
        costly += part.is_costly
        if probed.is_well:
            judged.append(part)
        if len(left) > 1 and (costly >= MOST_COSTLY_PARTS or not probed.is_well):
            together, _ = read(frozenset().union(*left))
            return answers | together, judged
    return answers, judged


def failure_of_source(results: Collection[Result]) -> MetricsFailure | None:
    """Why a source gave nothing that could be used; None when it answered, be it with bad counts of single policies."""
    failures = [result for result in results if isinstance(result, MetricsFailure) and result.kind not in OF_ONE_POLICY]
    return failures[-1] if failures and len(failures) == len(results) else None


def failed_namespaces(answers: Answers, kinds: Collection[FailureKind]) -> frozenset[str]:
    """Namespaces with a policy whose answer is a failure of these kinds."""
    failed = (policy for policy, each in answers.items() if isinstance(each, MetricsFailure) and each.kind in kinds)
    return frozenset(map(namespace_of, failed))
