"""How many of a target's requests an overlay does not see: servers count them under the revision `unassigned`.

Of requests that nobody assigned no label says for which policy they would have been. But the processes that count a
policy's requests are its target's, and their `process` label is the same for all that they count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from earlystop.api.wire import POLICY, PROCESS, REVISION, STARTED, UNASSIGNED
from earlystop.metrics.convention.query import READING, alternation, escape, in_namespace_of
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors

SEEN, UNSEEN = "seen", "unseen"
# A share is as good from some of the processes, and the query stays short.
MOST_PROCESSES = 200


@dataclass(frozen=True, slots=True)
class UnseenQuestion:
    """What is asked for: requests of the last `seconds` that began in these processes, with the policy's revision and
    without any. namespace_label: the label that the scraper sets to the target's namespace, None for none."""

    policy: str
    revision: str
    processes: tuple[str, ...]
    seconds: int
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class Unseen:
    """seen: requests that came by the overlay. unseen: those that came past it. Both about right, never exact: counters
    of a process that has just begun are seen from their second sample on."""

    seen: float
    unseen: float


def unseen_query(question: UnseenQuestion) -> str:
    """The PromQL text for one question. Raises ValueError for a process that no label can be."""
    processes = escape(alternation(sorted(question.processes)[:MOST_PROCESSES]))
    among = f'{PROCESS}=~"{processes}"{in_namespace_of(question.policy, question.namespace_label)}'
    seen = f'{POLICY}="{escape(question.policy)}",{REVISION}="{escape(question.revision)}"'
    return " or ".join(
        f'label_replace(sum(increase({STARTED}{{{chosen},{among}}}[{question.seconds}s])),"{READING}","{name}","","")'
        for name, chosen in ((SEEN, seen), (UNSEEN, f'{REVISION}="{UNASSIGNED}"'))
    )


def read_unseen(client: InstantVectors, question: UnseenQuestion, at: int) -> Unseen | MetricsFailure:
    """The answer to a question at Unix second `at`, or why there is none."""
    try:
        samples = client.instant_vector(unseen_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    return unseen_in([(labels.get(READING, ""), value) for labels, value in samples])


def unseen_in(rows: Sequence[tuple[str, float]]) -> Unseen:
    """The rows of an answer, by name; a row that is missing or no number counts nothing."""
    found = {name: value for name, value in rows if isfinite(value) and value > 0}
    return Unseen(found.get(SEEN, 0.0), found.get(UNSEEN, 0.0))
