"""What an injector did to requests' bodies with the settings of a policy's candidates, in the last minutes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from earlystop.api.wire import BASELINE, BODY_EFFECTS, POLICY, VARIANT
from earlystop.metrics.convention.query import escape
from earlystop.metrics.convention.reader import InstantVectors
from earlystop.metrics.source.failures import MetricsFailure

CHANGED = ("set", "lowered")


@dataclass(frozen=True, slots=True)
class EffectsQuestion:
    """What is asked for: effects of the last `seconds`. namespace_label: as in `forged.ForgedQuestion`."""

    policy: str
    seconds: int
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class BodyEffects:
    """About how many settings changed the body that they were for, and how many did not."""

    changed: float
    unchanged: float


def effects_query(question: EffectsQuestion) -> str:
    """The PromQL text for one question."""
    chosen = f'{POLICY}="{escape(question.policy)}",{VARIANT}!="{BASELINE}"'
    if question.namespace_label is not None:
        chosen += f',{question.namespace_label}="{escape(question.policy.partition("/")[0])}"'
    return f"sum by (effect) (increase({BODY_EFFECTS}{{{chosen}}}[{question.seconds}s]))"


def read_effects(client: InstantVectors, question: EffectsQuestion, at: int) -> BodyEffects | MetricsFailure:
    """The effects until Unix second `at`, or why nobody knows."""
    try:
        samples = client.instant_vector(effects_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    found = [(labels.get("effect", ""), value) for labels, value in samples if isfinite(value) and value > 0]
    changed = sum(value for effect, value in found if effect in CHANGED)
    return BodyEffects(changed, sum(value for _, value in found) - changed)
