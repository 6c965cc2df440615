"""What to do next. Every function is pure: the state so far and what was seen, to the state that follows."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence import dispersion, quality
from earlystop.evidence.bets import Answers
from earlystop.evidence.engine import begin, update
from earlystop.evidence.objective import Objective
from earlystop.rollout.grid import record_is_full
from earlystop.rollout.judge import judge, may_advance
from earlystop.rollout.plan import Plan, parse_plan, plan_text, revision_of
from earlystop.rollout.state import (
    ACTING,
    TRYING,
    WATCHING,
    Certified,
    Decision,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.wording import in_remainder

# A variant that got none of the requests of which it should have had this many is a broken split, not chance.
TELLING_REQUESTS = 20
LONGEST_MESSAGE = 1024


def start_campaign(
    spec: PolicySpec, uid: str, retry: str, previous_digest: str, state: RolloutState, now: int
) -> RolloutState:
    """A new campaign when the judged part of the policy differs from the one under way, else the same state.

    A decision that is being carried out is finished first, so that none is left half done. While the policy is
    suspended none begins: its weights would move.
    """
    text = plan_text(spec, retry)
    if text == state.plan or state.phase in ACTING or spec.suspend:
        return state
    return RolloutState(
        phase=Phase.APPLYING,
        campaign=state.campaign + 1,
        revision=revision_of(uid, state.campaign + 1),
        plan=text,
        campaign_started_at=now,
        evidence=begin(parse_plan(text).objective),
        previous_digest=previous_digest,
        certified=state.certified,
    )


def suspend_or_resume(spec: PolicySpec, state: RolloutState, now: int) -> RolloutState:
    """Freeze a running rollout, or let it go on: its step then starts afresh, and the deadline waits as long."""
    if spec.suspend and state.phase in TRYING:
        return replace(_step_afresh(state), phase=Phase.SUSPENDED, suspended_at=now)
    if not spec.suspend and state.phase == Phase.SUSPENDED:
        pause = now - (state.suspended_at or now)
        return replace(
            _step_afresh(state),
            phase=Phase.APPLYING,
            suspended_at=None,
            campaign_started_at=state.campaign_started_at + pause,
        )
    return state


def weights_in_force(state: RolloutState, at: int) -> RolloutState:
    """The step's weights were seen in force: its clock starts and stragglers are given time to finish."""
    if state.phase != Phase.APPLYING:
        return state
    return replace(state, phase=Phase.SETTLING, step_started_at=at)


def weights_lost(state: RolloutState) -> RolloutState:
    """Somebody changed what was in force: the step starts afresh once its weights are back."""
    if state.phase not in WATCHING:
        return state
    return replace(_step_afresh(state), phase=Phase.APPLYING)


def take_look(spec: PolicySpec, state: RolloutState, at: int, totals: Totals) -> RolloutState:
    """Counts of the current step were read for moment `at` of the look grid.

    The first look of a step is a snapshot. A later one of a step without candidate teaches (`_learn`), and one whose
    answers can be compared (`quality.usable`) becomes evidence. Other answers are carried over to the next, and the
    requests too unless they are so many that the missing variant is telling (rules on numbers only, never on
    correctness).
    """
    if state.phase not in WATCHING:
        return state
    state = replace(state, last_look_at=at, metrics_lost_at=None)
    if state.phase == Phase.SETTLING:
        return replace(state, phase=Phase.OBSERVING, evidence_from=at, mark=totals)
    plan = parse_plan(state.plan)
    weight = plan.weights[state.step]
    if weight == 0:
        return _learn(plan, state, at, totals)
    used = usable(plan.objective, state.mark, totals, weight)
    if used is None:
        return state
    look = used.look_since(state.mark, at, state.step, weight)
    assert state.evidence is not None  # a campaign always has evidence
    state = replace(state, mark=used, looks=(*state.looks, look), evidence=update(state.evidence, look))
    return _conclude(spec, state, at)


def _learn(plan: Plan, state: RolloutState, at: int, totals: Totals) -> RolloutState:
    """A look of the baseline alone teaches how much its answers scatter; after enough the first share begins."""
    new = totals.baseline - state.mark.baseline
    scatter = dispersion.observe(state.scatter, Answers(new.scored, new.match))
    state = replace(state, scatter=scatter, mark=totals)
    factor = dispersion.factor(scatter)
    assert state.evidence_from is not None  # a step that is observed has its snapshot
    if factor is None or at - state.evidence_from < plan.minimum_seconds[state.step]:
        return state
    factor = max(factor, plan.objective.dispersion)
    return replace(
        _step_afresh(state),
        phase=Phase.APPLYING,
        step=state.step + 1,
        dispersion=factor,
        evidence=begin(replace(plan.objective, dispersion=factor)),
    )


def usable(objective: Objective, mark: Totals, totals: Totals, weight: int) -> Totals | None:
    """The totals that a look can use after `mark`: all of them, all but the answers, or None to wait for more."""
    if quality.usable(objective, totals.look_since(mark, 0, 0, weight)):
        return totals
    started = totals.baseline.started + totals.candidate.started - mark.baseline.started - mark.candidate.started
    if started * min(weight, 100 - weight) < 100 * TELLING_REQUESTS:
        return None
    baseline, candidate = _keep_answers(totals.baseline, mark.baseline), _keep_answers(totals.candidate, mark.candidate)
    return Totals(baseline, candidate, mark.classes)


def _keep_answers(tally: Tally, mark: Tally) -> Tally:
    return replace(tally, match=mark.match, mismatch=mark.mismatch)


def _conclude(spec: PolicySpec, state: RolloutState, at: int) -> RolloutState:
    decision = judge(state, at)
    if decision is not None:
        return decide(spec, state, decision)
    if may_advance(state, at):
        return replace(_step_afresh(state), phase=Phase.APPLYING, step=state.step + 1)
    if record_is_full(state.looks):
        message = f"No verdict after {len(state.looks)} looks, the most that a record holds."
        return decide(spec, state, Decision(Verdict.INCONCLUSIVE, "RecordFull", message, at))
    return state


def lose_sight(state: RolloutState, now: int, at: int | None = None) -> RolloutState:
    """Counts could not be used. With `at`, the moment is passed over for good (its data are stale or broken, and
    the increments come with a later look); without, the same moment is read again."""
    known = state.metrics_lost_at is not None and at is None
    if state.phase not in WATCHING or known:
        return state
    return replace(
        state,
        metrics_lost_at=now if state.metrics_lost_at is None else state.metrics_lost_at,
        last_look_at=state.last_look_at if at is None else at,
    )


def expire(spec: PolicySpec, state: RolloutState, now: int) -> RolloutState:
    """End a rollout whose time is over: without metrics for too long, or without a verdict at the deadline."""
    if state.phase not in TRYING:
        return state
    blind = spec.rollout.on_no_metrics
    lost = None if state.metrics_lost_at is None else now - state.metrics_lost_at
    if blind.then == "RollBack" and lost is not None and lost >= blind.hold_seconds:
        message = f"Counts could not be read for {lost} s; back to the baseline."
        return decide(spec, state, Decision(Verdict.ROLL_BACK, "NoMetrics", message, now))
    if now - state.campaign_started_at >= spec.rollout.deadline_seconds:
        message = f"Neither benefit nor harm was shown within {spec.rollout.deadline_seconds} s."
        return decide(spec, state, Decision(Verdict.INCONCLUSIVE, "DeadlineExceeded", message, now))
    return state


def decide(spec: PolicySpec, state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that waits to be carried out."""
    if decision.verdict == Verdict.PROMOTE:
        phase = Phase.PROMOTING
    elif decision.verdict == Verdict.INCONCLUSIVE and spec.rollout.on_inconclusive == "Hold":
        phase = Phase.HOLDING
    else:
        phase = Phase.ROLLING_BACK
    return replace(state, phase=phase, decision=_with_remainder(decision, state.uncertain))


def _with_remainder(decision: Decision, uncertain: Totals) -> Decision:
    """The decision with a sentence on what its counts may have missed, where there is anything and room for it."""
    message = f"{decision.message} {in_remainder(uncertain.baseline, uncertain.candidate)}"
    if uncertain == Totals() or len(message) > LONGEST_MESSAGE:
        return decision
    return replace(decision, message=message)


def carried_out(state: RolloutState) -> RolloutState:
    """The decision is stored and its weights are in force."""
    if state.phase == Phase.PROMOTING and state.decision is not None:
        values = parse_plan(state.plan).candidate_settings
        return replace(state, phase=Phase.PROMOTED, certified=Certified(values, state.decision.at))
    if state.phase == Phase.ROLLING_BACK:
        return replace(state, phase=Phase.ROLLED_BACK)
    if state.phase == Phase.HOLDING:
        return replace(state, phase=Phase.HELD)
    return state


def candidate_weight(state: RolloutState) -> int | None:
    """Percent of traffic that the candidate shall have; None before the first campaign."""
    if state.phase == Phase.PENDING:
        return None
    if state.phase in (Phase.PROMOTING, Phase.PROMOTED):
        return 100
    if state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        return 0
    return parse_plan(state.plan).weights[state.step]


def _step_afresh(state: RolloutState) -> RolloutState:
    """The state without the clock and totals of a step: they belong to its weights only."""
    return replace(
        state,
        step_started_at=None,
        evidence_from=None,
        last_look_at=None,
        metrics_lost_at=None,
        mark=Totals(),
    )
