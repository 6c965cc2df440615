"""What a policy's evaluators ask, and how they score it, is read now and then: a certificate by golden questions is
bound to both."""

from __future__ import annotations

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.evaluators import EvaluatorMemory
from earlystop.metrics.convention.evaluators import NOTHING_KNOWN, EvaluatorDigests, EvaluatorsQuestion, read_evaluators
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import RolloutState

SECONDS_BETWEEN = 300.0
SECONDS_BETWEEN_WHILE_LAPSED = 1.0
"""Something may follow then, which what was just put back is to prevent: so once in each reconciliation."""


async def evaluators_of(
    reader: CountBatcher, memory: EvaluatorMemory, label: str, state: RolloutState, now: float
) -> EvaluatorDigests:
    """What the evaluators of a policy say: after each look of a guard, and every few minutes without one. Nothing where
    the campaign rests on no golden questions, where no evaluator is there, or where nobody could read it.

    label: namespace/name of the policy.
    """
    plan = state.pinned_plan
    if not _rests_on_questions(plan):
        return NOTHING_KNOWN
    look = state.clock.last_look_at if state.is_guarded else None
    is_lapsed = state.certified is not None and state.certified.lapse is not None
    pause = SECONDS_BETWEEN_WHILE_LAPSED if is_lapsed else SECONDS_BETWEEN
    if look == memory.look and now - memory.at < pause:
        return memory.found
    name = plan.spec.metrics.source_ref.name
    source = reader.sources.get(name)
    if source is None:
        return NOTHING_KNOWN
    question = EvaluatorsQuestion(label, source.namespace_label)
    found = await reader.answer(name, question, int(now - source.evaluation_delay_seconds), read_evaluators)
    memory.note_read(NOTHING_KNOWN if isinstance(found, MetricsFailure) else found, now, look)
    return memory.found


def _rests_on_questions(plan: Plan) -> bool:
    return plan.spec.objective.exact_match.evidence == "Pairs" and plan.spec.metrics.traits.by_convention
