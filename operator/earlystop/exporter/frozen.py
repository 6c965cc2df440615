"""Counts how often a scorer agrees with recorded answers whose scores are known, which it scores again now and then.

A scorer that agrees less often than before has changed, and its scores of live answers have changed with it. A guard's
alarm reads these counters, to tell a scorer that has changed from a setting that does harm.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from earlystop.api.wire import AGREE, DISAGREE, FROZEN, POLICY, RESULT
from earlystop.exporter.assignment import is_policy


class FrozenCounter:
    """The counter of one policy in `registry`, both results at 0 from the start. policy: namespace/name. Raises
    ValueError for another text."""

    def __init__(self, registry: CollectorRegistry, policy: str) -> None:
        if not is_policy(policy):
            raise ValueError(f"the policy is {policy!r}; write its namespace and name, such as llm/qa")
        counter = Counter(
            FROZEN.removesuffix("_total"),
            "Recorded answers with known scores that were scored again, by whether the scorer agrees.",
            (POLICY, RESULT),
            registry=registry,
        )
        self._agree, self._disagree = (counter.labels(policy, result) for result in (AGREE, DISAGREE))

    def scored(self, *, agrees: bool) -> None:
        """Counts that one recorded answer was scored again."""
        (self._agree if agrees else self._disagree).inc()
