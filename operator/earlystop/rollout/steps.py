"""Going from one step of a campaign to the next, and whether that is allowed: pure arithmetic that strategies share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from math import log

from earlystop.evidence.divisors import Knowledge
from earlystop.evidence.engine import begin, own_difference
from earlystop.evidence.gaps import UNSOUND
from earlystop.evidence.objective import Basis
from earlystop.rollout.advance import HARM_TO_ADVANCE, RISK_TO_ADVANCE, SCORED_TO_ADVANCE, loss_to_refute
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import Comparison, Phase, RolloutState, Totals


def begin_comparisons(plan: Plan, step: int, learned: float | None) -> tuple[Comparison, ...]:
    """Comparisons of all candidates before the first look of a step. learned: as in `Plan.objective_at`."""
    classes = tuple(
        Comparison(name, begin(objective)) for name, objective in plan.class_objectives_at(step, learned).items()
    )
    return tuple(Comparison(name, begin(plan.objective_at(step, learned)), by_class=classes) for name in plan.names)


def restart_step(state: RolloutState) -> RolloutState:
    """The state without the clock and totals of a step that is interrupted: they belong to its weights only.

    Its counters go on, though: what they hold when its weights are back is no evidence, and answers that are
    outstanding then may be of another split.
    """
    return replace(
        state,
        step_started_at=None,
        evidence_from=None,
        last_look_at=None,
        metrics_lost_at=None,
        in_flight=None,
        interrupted=True,
        comparisons=tuple(each.marked(Totals()) for each in state.comparisons),
    )


def begin_next_step(plan: Plan, state: RolloutState) -> RolloutState:
    """The next step, whose counters begin at 0. Evidence goes on from one share of requests to the next; what came
    before the first is over."""
    after = replace(restart_step(state), phase=Phase.APPLYING, step=state.step + 1, interrupted=False)
    if plan.stage(state.step).kind is StageKind.SPLIT:
        return after
    begun = {each.name: each for each in begin_comparisons(plan, after.step, state.dispersion)}
    return replace(after, comparisons=tuple(each if each.dropped else begun[each.name] for each in state.comparisons))


def has_least_time(plan: Plan, state: RolloutState, at: int) -> bool:
    """Whether the step was watched for its least time."""
    since = state.evidence_from
    return since is not None and at - since >= least_seconds(plan, state)


def least_seconds(plan: Plan, state: RolloutState) -> int:
    """How long evidence of the present step is gathered at least, in seconds."""
    return plan.stage(state.step).minimum_seconds


@dataclass(frozen=True, slots=True)
class FewAnswers:
    """A candidate's step has too few answers. scored: of the variant with fewer, or pairs."""

    candidate: str
    scored: int


@dataclass(frozen=True, slots=True)
class SignOfHarm:
    """The evidence points to some harm of a candidate, without showing it. log_e: the largest now."""

    candidate: str
    log_e: float


@dataclass(frozen=True, slots=True)
class LossNotRefuted:
    """A candidate is not shown to be safe at the next weight. loss: of EM, above 0, that is to be refuted. log_e,
    needed: the log e-value against it now, and the one at which it is. weight: of the next step, in percent."""

    candidate: str
    loss: float
    log_e: float
    needed: float
    weight: int


@dataclass(frozen=True, slots=True)
class UnsoundComparison:
    """Requests do not arrive as they were split, or at a setting that does something, or more is missing in one
    variant. candidate: of which one; "" where none is sound."""

    candidate: str = ""


@dataclass(frozen=True, slots=True)
class StepTime:
    """The step was not watched for its least time. until: Unix seconds."""

    until: int


@dataclass(frozen=True, slots=True)
class UsersUnknown:
    """The same users are in every look of a candidate, and the last one did not know how much their answers scatter."""

    candidate: str


@dataclass(frozen=True, slots=True)
class ScatterUnknown:
    """A stage with the same setting on both sides lasts on: how much answers scatter is not known. known: what is of
    it."""

    candidate: str
    known: Knowledge


@dataclass(frozen=True, slots=True)
class CohortsApart:
    """Keeps a stage with the same setting on both sides (A/A) from ending: how much better a cohort is by itself is not
    bounded by what leaves room in the margin. high: EM that it may have more; None where lengths are not bounded."""

    candidate: str
    high: float | None


StepGap = (
    UnsoundComparison
    | StepTime
    | FewAnswers
    | SignOfHarm
    | UsersUnknown
    | LossNotRefuted
    | ScatterUnknown
    | CohortsApart
)


def may_advance(plan: Plan, state: RolloutState, at: int) -> bool:
    """Whether the next, larger share may be tried: enough time, enough answers, no sign of harm, a sound comparison,
    and, where the plan asks for it, harm at that share refuted."""
    return state.step + 1 < len(plan.stages) and not missing_for_next_step(plan, state, at)


def missing_for_next_step(plan: Plan, state: RolloutState, at: int) -> tuple[StepGap, ...]:
    """What the next step still waits for at moment `at` (Unix seconds); of the last step, what one more would.

    A setting that does nothing is reported, and holds back no other candidate.
    """
    missing: list[StepGap] = [] if any(map(_is_sound, state.active)) else [UnsoundComparison()]
    if not has_least_time(plan, state, at):
        missing.append(
            StepTime((at if state.evidence_from is None else state.evidence_from) + least_seconds(plan, state))
        )
    for each in state.active:
        missing += _own_gaps(plan, each, state.step)
    return tuple(missing)


def _own_gaps(plan: Plan, comparison: Comparison, step: int) -> list[StepGap]:
    """What speaks against a larger share of one candidate."""
    claims, scored = comparison.claims, _scored_in_step(comparison, step)
    missing: list[StepGap] = []
    if scored < SCORED_TO_ADVANCE:
        missing.append(FewAnswers(comparison.name, scored))
    if claims.sample_ratio_broken or claims.attrition:
        missing.append(UnsoundComparison(comparison.name))
    largest = max(claims.log_e.harms)
    if largest >= HARM_TO_ADVANCE:
        missing.append(SignOfHarm(comparison.name, largest))
    # Before requests are split, no users are compared.
    if (
        plan.stage(step).kind is StageKind.SPLIT
        and comparison.evidence.objective.by_users
        and not comparison.evidence.dispersion.is_known
    ):
        missing.append(UsersUnknown(comparison.name))
    if plan.stage(step).same_setting:
        missing += _not_bounded(plan, comparison)
    unsafe = unrefuted_loss(plan, comparison, step)
    return missing if unsafe is None else [*missing, unsafe]


def _not_bounded(plan: Plan, comparison: Comparison) -> list[StepGap]:
    """What is not known yet of cohorts with the same setting."""
    known, own = comparison.evidence.dispersion, own_difference(comparison.evidence)
    missing: list[StepGap] = [] if known.is_known else [ScatterUnknown(comparison.name, known)]
    if not own.leaves_room(plan.objective.margin):
        missing.append(CohortsApart(comparison.name, own.em.high))
    elif not own.bounds_lengths:
        missing.append(CohortsApart(comparison.name, None))
    return missing


def unrefuted_loss(plan: Plan, comparison: Comparison, step: int) -> LossNotRefuted | None:
    """What a candidate's evidence lacks for the weight after this step; None where it lacks nothing, or nothing need be
    refuted."""
    loss = loss_to_refute(plan, step)
    if loss is None:
        return None
    log_e, needed = comparison.evidence.log_e_against_loss(loss), -log(RISK_TO_ADVANCE)
    return LossNotRefuted(comparison.name, loss, log_e, needed, plan.stage(step + 1).weight) if log_e < needed else None


def _is_sound(comparison: Comparison) -> bool:
    return not UNSOUND & set(comparison.claims.gaps)


def _scored_in_step(comparison: Comparison, step: int) -> int:
    """Answers of the step, of the variant with fewer; or pairs, where Exact Match is read from them. Looks are gone
    through, latest first, until there are enough: older ones are packed."""
    in_pairs, baseline, candidate = comparison.evidence.objective.basis is Basis.PAIRS, 0, 0
    for look in takewhile(lambda each: each.step == step, reversed(comparison.looks)):
        paired = look.candidate.pairs.total
        baseline += paired if in_pairs else look.baseline.scored
        candidate += paired if in_pairs else look.candidate.scored
        if min(baseline, candidate) >= SCORED_TO_ADVANCE:
            break
    return min(baseline, candidate)
