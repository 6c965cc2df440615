"""Where a rollout stands, in one sentence for people."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.evidence.objective import Basis
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.formatting import difference_in_points, in_count, in_percent, in_settings
from earlystop.rollout.guard.in_service import in_service_sentence
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.settling import waits_for
from earlystop.rollout.state import (
    BETWEEN_TRIALS,
    DECIDED,
    ENDED,
    Comparison,
    Phase,
    RolloutState,
    Verdict,
)
from earlystop.rollout.strategy import Strategy, strategy_of
from earlystop.rollout.trials.words import choosing_sentence, trial_phrase
from earlystop.rollout.words.class_messages import OWN_SETTINGS
from earlystop.rollout.words.decision_messages import of_users
from earlystop.rollout.words.floor_words import floor_above_baseline
from earlystop.rollout.words.step_messages import waiting_sentence


def summary(state: RolloutState) -> str:
    """Where the rollout stands, in one sentence for people."""
    if state.phase == Phase.PENDING:
        return "No campaign has begun. One begins when the policy is accepted and not suspended."
    plan = state.pinned_plan
    settings = f"{_tried_settings(plan, state)} (baseline {in_settings(plan.baseline_settings)})"
    step = strategy_of(plan).describe_step(plan, state)
    if state.phase in BETWEEN_TRIALS:
        return f"{choosing_sentence(state)}{floor_above_baseline(state.comparisons)}"
    if state.phase in ENDED and state.search is not None and state.search.ended is not None:
        return in_service_sentence(state) or state.search.ended.message
    if state.phase in DECIDED:
        assert state.decision is not None  # these phases follow a decision
        return in_service_sentence(state) or _after_decision(state, settings)
    if state.phase == Phase.SUSPENDED:
        return f"Suspended at {step}, trying {settings}. Set spec.suspend to false to go on."
    return f"{_under_way(plan, state, settings, step)}{trial_phrase(state)}"


def _under_way(plan: Plan, state: RolloutState, settings: str, step: str) -> str:
    """Where a campaign stands that has no decision."""
    stage, strategy = plan.stage(state.step), strategy_of(plan)
    if stage.kind is StageKind.LEARN:
        return (
            f"Before trying {settings}: watching the baseline alone, to learn how much its answers scatter "
            f"({state.scatter.pairs} pairs of looks so far)."
        )
    if state.phase == Phase.APPLYING:
        return f"Putting {step} in force to try {settings}."
    if state.phase == Phase.SETTLING:
        return f"At {step}, trying {settings}: {waits_for(state)}."
    found = _findings(plan, strategy, state)
    below = floor_above_baseline(state.active)
    return f"At {step}, {'before ' * stage.same_setting}trying {settings}: {found}.{below}"


def outlook(state: RolloutState) -> str:
    """As `summary`, with what the next step or a promotion waits for."""
    waiting = waiting_sentence(state.pinned_plan, state) if state.phase is Phase.OBSERVING else ""
    return f"{summary(state)} {waiting}".strip()


def _tried_settings(plan: Plan, state: RolloutState) -> str:
    """The settings under trial; after a decision, the one that it is about."""
    if state.decision is not None and state.decision.reason == BY_CLASS:
        return OWN_SETTINGS
    if state.decision is not None and state.active:
        return in_settings(plan.settings_of(state.leader))
    return " | ".join(in_settings(plan.settings_of(each.name)) for each in state.under_trial)


def _findings(plan: Plan, strategy: Strategy, state: RolloutState) -> str:
    phrases = []
    for each in state.active:
        assessment = each.assessment
        name = f"{each.name}: " if strategy.judges_together(plan) else ""
        proven = ", proven" if each.certified_at is not None else ""
        phrases.append(
            f"{name}EM difference {difference_in_points(assessment.effect)}, "
            f"saving {in_percent(assessment.saving)}, after {_number_of_answers(each)}{proven}"
        )
    return "; ".join(phrases)


def _number_of_answers(comparison: Comparison) -> str:
    scored = comparison.assessment.scored
    if comparison.evidence.objective.basis is Basis.PAIRS:
        return f"{counted(in_count(scored[0]), 'question')} that both answered"
    return f"{counted(in_count(sum(scored)), 'answer')}{of_users(comparison.assessment)}"


def _after_decision(state: RolloutState, settings: str) -> str:
    assert state.decision is not None  # checked by the caller
    verb = {
        Phase.PROMOTING: "Promoting",
        Phase.PROMOTED: "Promoted",
        Phase.ROLLING_BACK: "Rolling back",
        Phase.ROLLED_BACK: "Rolled back",
        Phase.HOLDING: "Holding",
        Phase.HELD: "Held at these weights",
        Phase.REPORTING: "Reporting",
        Phase.REPORTED: "Reported",
    }[state.phase]
    favourable = state.decision.verdict in (Verdict.PROMOTE, Verdict.RECOMMEND)
    kept = "Decided" if favourable or state.decision.requested_by else "Found"
    way_out = " Edit the policy or retry it to go on." if state.phase == Phase.HELD else ""
    below = floor_above_baseline(state.comparisons) if state.decision.verdict is Verdict.ROLL_BACK else ""
    return f"{verb}: {settings}. {kept}: {state.decision.message}{below}{way_out}"
