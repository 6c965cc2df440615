"""What an injector did to requests' bodies with the settings of a policy's variants, in the last minutes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import isfinite

from earlystop.api.wire import BASELINE, BODY_EFFECTS, INCUMBENT, VARIANT
from earlystop.metrics.convention.query import of_policy
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors

CHANGED = ("set", "lowered")
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class EffectsQuestion:
    """What is asked for: effects of the last `seconds`. namespace_label: as in `forged.ForgedQuestion`."""

    policy: str
    seconds: int
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class BodyEffects:
    """About how many settings of candidates changed the body that they were for, and how many did not; and the
    baseline's, which has none where its values are not set. An incumbent's say nothing of either.

    missing: those of all, which changed nothing, that a gateway should have written.
    """

    changed: float
    unchanged: float
    baseline_changed: float = 0.0
    baseline_unchanged: float = 0.0
    missing: float = 0.0

    @property
    def total(self) -> float:
        """The sum of all effects on bodies."""
        return self.changed + self.unchanged + self.baseline_changed + self.baseline_unchanged


def effects_query(question: EffectsQuestion) -> str:
    """The PromQL text for one question."""
    chosen = of_policy(question.policy, question.namespace_label)
    return f"sum by ({VARIANT}, effect) (increase({BODY_EFFECTS}{{{chosen}}}[{question.seconds}s]))"


def read_effects(client: InstantVectors, question: EffectsQuestion, at: int) -> BodyEffects | MetricsFailure:
    """The effects until Unix second `at`, or why nobody knows."""
    try:
        samples = client.instant_vector(effects_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    sums, missing = dict.fromkeys(product((False, True), repeat=2), 0.0), 0.0
    for labels, value in samples:
        if isfinite(value) and value > 0 and labels.get(VARIANT) != INCUMBENT:
            sums[labels.get(VARIANT) == BASELINE, labels.get("effect") in CHANGED] += value
            missing += value if labels.get("effect") == MISSING else 0.0
    return BodyEffects(sums[False, True], sums[False, False], sums[True, True], sums[True, False], missing)
