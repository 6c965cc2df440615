"""How busy the servers of a policy are, as one number that a MetricSource's query gives. No evidence."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from earlystop.api.load import NAMESPACE, POLICY, TARGET
from earlystop.metrics.convention.query import escape
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors


@dataclass(frozen=True, slots=True)
class LoadQuestion:
    """The load that is asked for. query: as the source's admin has written it, with placeholders. policy:
    namespace/name. target: name of the policy's target."""

    query: str
    policy: str
    target: str


def load_query(question: LoadQuestion) -> str:
    """The PromQL text. Names of Kubernetes objects stand in it as text within double quotes."""
    values = {NAMESPACE: question.policy.partition("/")[0], POLICY: question.policy, TARGET: question.target}
    text = question.query
    for placeholder, value in values.items():
        text = text.replace(placeholder, escape(value))
    return text


@dataclass(frozen=True, slots=True)
class NoLoad:
    """A query that gives no load. message: what it gives, without a capital and a full stop."""

    message: str


def read_load(client: InstantVectors, question: LoadQuestion, at: int) -> float | NoLoad:
    """The load at Unix second `at`, or why nobody knows it: only one number of 0 or more is a load. A query that fails
    says nothing of the source; the looks at counts do."""
    try:
        samples = client.instant_vector(load_query(question), float(at))
    except MetricsFailure as failure:
        return NoLoad(failure.message)
    if len(samples) != 1:
        number = f"{len(samples)} series" if samples else "nothing"
        return NoLoad(f"the query gives {number}, where one number is needed")
    value = samples[0].value
    return value if isfinite(value) and value >= 0 else NoLoad(f"the query gives {value:g}, which is no load")
