"""How many requests named a policy's revision without its token: servers count them apart, as evidence for nobody."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from earlystop.api.wire import FORGED
from earlystop.metrics.convention.query import of_policy
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors


@dataclass(frozen=True, slots=True)
class ForgedQuestion:
    """What is asked for: a policy's forged requests of the last `seconds`.

    namespace_label: the label that the scraper sets to the target's namespace, None for none.
    """

    policy: str
    seconds: int
    namespace_label: str | None = None


def forged_query(question: ForgedQuestion) -> str:
    """The PromQL text for one question."""
    chosen = of_policy(question.policy, question.namespace_label)
    return f"sum(increase({FORGED}{{{chosen}}}[{question.seconds}s]))"


def read_forged(client: InstantVectors, question: ForgedQuestion, at: int) -> float | MetricsFailure:
    """About how many requests were forged until Unix second `at`, or why nobody knows. No answer is none of them, as of
    servers that do not count them."""
    try:
        samples = client.instant_vector(forged_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    return sum((value for _, value in samples if isfinite(value) and value > 0), 0.0)
