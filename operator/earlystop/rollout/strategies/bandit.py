"""Bandit: settings at once, in shares that follow the evidence from step to step.

Shares follow from the looks of earlier steps and from the campaign's revision, so they are fixed before any look that
is judged by them, and anybody can compute them again. Other shares are another step, which has to settle: the steps
grow with the evidence, so there are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from earlystop.api.counts import Look
from earlystop.rollout.advance import SCORED_TO_ADVANCE
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.search.bandit import Arm, shares
from earlystop.rollout.state import NOT_CHOSEN, Comparison, Dropped, Phase, RolloutState
from earlystop.rollout.steps import restart_step
from earlystop.rollout.stored.compressed_looks import digest_before
from earlystop.rollout.strategies import together
from earlystop.rollout.strategies.grid import Grid
from earlystop.rollout.strategies.pooled_looks import loss_in, saving_in
from earlystop.rollout.strategies.staged import SHADOW_STAGE

GROWTH = 0.5
"""A step ends when its settings have answered so large a part of what they had answered in all steps before it."""

MOST_KNOWN = 256
_KNOWN: dict[tuple[object, ...], dict[str, int]] = {}
"""Shares of the steps that were asked for last, by all that they follow from: every question about a split asks for
them, and to draw them takes 50 ms for 64 settings."""

MOST_ANSWERED = 1024
_ANSWERED: dict[tuple[int, int], int] = {}
"""Answers of a setting before a step, by the step and what tells its looks apart; they are asked for at each look."""


class Bandit(Grid):
    """Settings judged together; those that are shown to be harmful, or to save less than one that is proven, leave."""

    def weights(self, plan: Plan, state: RolloutState) -> dict[str, int]:
        """The shares of this step, by the evidence of the steps before it."""
        active, step = state.active, state.step
        weight, margin, seed = plan.stage(step).weight, plan.objective.margin, f"{state.revision}/{step}"
        key = weight, margin, seed, tuple((each.name, digest_before(each.looks, step)) for each in active)
        known = _KNOWN.get(key)
        if known is None:
            percents = shares([_arm(each, step) for each in active], weight, margin, seed) if active else ()
            known = {each.name: percent for each, percent in zip(active, percents, strict=True)}
            if len(_KNOWN) >= MOST_KNOWN:
                del _KNOWN[next(iter(_KNOWN))]
            _KNOWN[key] = known
        return dict(known)

    def after_look(self, plan: Plan, state: RolloutState, at: int) -> RolloutState:
        """The state as with all that are judged together; a candidate that saves less than a proven one leaves, too,
        which may be shown sooner than harm."""
        return _without_worse(super().after_look(plan, state, at), at)

    def next_stage(self, plan: Plan, state: RolloutState, at: int) -> RolloutState | None:
        """A step with other shares, once there is enough evidence for them or a setting has left."""
        following = super().next_stage(plan, state, at)
        if following is not None or plan.stage(state.step).kind is not StageKind.SPLIT or not _has_grown(state):
            return following
        return replace(restart_step(state), phase=Phase.APPLYING, step=state.step + 1, interrupted=False)

    def describe(self, plan: Plan) -> str:
        """The phrase for the weight that all settings share in the sentence on a campaign's start."""
        return f" in shares of {plan.stages[-1].weight} % that follow the evidence"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The number of the step and each share."""
        if plan.stage(state.step).kind is not StageKind.SPLIT:
            return SHADOW_STAGE
        named = ", ".join(f"{name} {weight} %" for name, weight in self.weights(plan, state).items())
        return f"step {state.step + 1}, {named}"


def _has_grown(state: RolloutState) -> bool:
    """Whether each setting was answered often enough in this step, and all of them as `GROWTH` says."""
    now = [_answered_in(each.looks, state.step) for each in state.active]
    if len(now) < 2 or min(now) < SCORED_TO_ADVANCE:
        return False
    return sum(now) >= GROWTH * sum(_answered_before(each.looks, state.step) for each in state.active)


def _answered_in(looks: Sequence[Look], step: int) -> int:
    """Answers of the present step. Looks are gone through, latest first: older ones are packed."""
    return sum(map(_answered, takewhile(lambda look: look.step == step, reversed(looks))))


def _answered_before(looks: Sequence[Look], step: int) -> int:
    """Answers of the steps before the present one, which stay the same while it lasts."""
    key = step, digest_before(looks, step)
    if key not in _ANSWERED:
        _ANSWERED[key] = sum(_answered(look) for look in looks if look.step < step)
        if len(_ANSWERED) > MOST_ANSWERED:
            del _ANSWERED[next(iter(_ANSWERED))]
    return _ANSWERED[key]


def _answered(look: Look) -> int:
    return look.candidate.scored or look.candidate.pairs.total


def _without_worse(state: RolloutState, at: int) -> RolloutState:
    proven = [each for each in state.active if each.certified_at is not None]
    if not proven:
        return state
    winner = max(proven, key=lambda each: together.least_saving(each.assessment))
    message = f"It is proven to save no more than {winner.name}, which is proven."
    return replace(
        state,
        comparisons=tuple(
            replace(each, dropped=Dropped(NOT_CHOSEN, message, at, state.step))
            if each.dropped is None
            and each.certified_at is None
            and together.saves_less(each.assessment, winner.assessment)
            else each
            for each in state.comparisons
        ),
    )


def _arm(comparison: Comparison, step: int) -> Arm:
    """What the looks before a step say of a setting."""
    looks = [look for look in comparison.looks if look.step < step]
    if not looks:
        return Arm(None, None)
    return Arm(loss_in(looks, comparison.evidence.objective.basis), saving_in(looks))


STRATEGY = Bandit()
