"""What to do next. Every function is pure: the state so far and what was seen, to the state that follows."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence import dispersion, em_claims
from earlystop.evidence.bets import Answers
from earlystop.evidence.engine import begin, update
from earlystop.evidence.objective import Objective
from earlystop.rollout.compressed_looks import with_look
from earlystop.rollout.decision import at_the_end, harmed, is_final, judge, may_advance
from earlystop.rollout.formatting import in_remainder
from earlystop.rollout.look_schedule import record_is_full
from earlystop.rollout.plan import Kind, Plan, Stage, parse_plan, plan_text, revision_of
from earlystop.rollout.state import (
    ACTING,
    TRYING,
    WATCHING,
    Certified,
    Comparison,
    Decision,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.strategies import ab_test

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
        comparisons=_afresh(parse_plan(text), 0, None),
        previous_digest=previous_digest,
        certified=state.certified,
    )


def _afresh(plan: Plan, step: int, learned: float | None) -> tuple[Comparison, ...]:
    """Comparisons of all candidates before the first look of a stage."""
    return tuple(Comparison(begin(plan.objective_at(step, learned))) for _ in plan.names)


def suspend_or_resume(spec: PolicySpec, state: RolloutState, now: int) -> RolloutState:
    """Freeze a running rollout, or let it go on: its step then starts afresh, and the deadline waits as long. One that
    has just dropped a candidate is frozen when that one's requests are taken off."""
    if spec.suspend and state.phase in TRYING and not _sheds(state):
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


def _sheds(state: RolloutState) -> bool:
    """Whether this step is there to take a candidate off, and is not in force yet."""
    dropped = [each.dropped for each in state.comparisons if each.dropped is not None]
    return state.phase is Phase.APPLYING and any(each.step == state.step - 1 for each in dropped)


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


def take_look(spec: PolicySpec, state: RolloutState, at: int, *totals: Totals) -> RolloutState:
    """Counts of the current step were read for moment `at` of the look grid: the totals of each candidate of the plan,
    in its order, the baseline's in each.

    The first look of a step is a snapshot. A later one of a step without candidate teaches (`_learn`), and one whose
    answers can be compared (`usable`) becomes evidence. Other answers are carried over to the next, and the
    requests too unless they are so many that the missing variant is telling (rules on numbers only, never on
    correctness).
    """
    if state.phase not in WATCHING:
        return state
    state = replace(state, last_look_at=at, metrics_lost_at=None)
    if state.phase == Phase.SETTLING:
        marked = (replace(each, mark=seen) for each, seen in zip(state.comparisons, totals, strict=True))
        return replace(state, phase=Phase.OBSERVING, evidence_from=at, comparisons=tuple(marked))
    plan = parse_plan(state.plan)
    stage = plan.stage(state.step)
    if stage.kind is Kind.LEARN:
        return _learn(plan, state, at, totals[0])
    weights = _weights_of_a_look(stage, len(state.active))
    looked = tuple(
        each if each.dropped else _compare(each, seen, at, state.step, *weights)
        for each, seen in zip(state.comparisons, totals, strict=True)
    )
    if all(new is old for new, old in zip(looked, state.comparisons, strict=True)):
        return state
    return _conclude(spec, replace(state, comparisons=looked), at)


def _weights_of_a_look(stage: Stage, active: int) -> tuple[int, int | None]:
    """A candidate's percent, and the baseline's where there are more candidates. In shadow each request counts for the
    baseline and for the candidate."""
    if stage.kind is Kind.SHADOW:
        return 50, None
    return stage.weight, 100 - active * stage.weight if active > 1 else None


def _compare(
    comparison: Comparison, totals: Totals, at: int, step: int, weight: int, baseline_weight: int | None
) -> Comparison:
    """The comparison after a look; the same one when nothing can be used yet."""
    look = replace(totals.look_since(comparison.mark, at, step, weight), baseline_weight=baseline_weight)
    used = usable(comparison.evidence.objective, comparison.mark, totals, look.share)
    if used is None:
        return comparison
    if used is not totals:
        look = replace(used.look_since(comparison.mark, at, step, weight), baseline_weight=baseline_weight)
    evidence = update(comparison.evidence, look)
    return replace(comparison, mark=used, looks=with_look(comparison.looks, look), evidence=evidence)


def _learn(plan: Plan, state: RolloutState, at: int, totals: Totals) -> RolloutState:
    """A look of the baseline alone teaches how much its answers scatter; after enough the next stage begins."""
    new = totals.baseline - state.comparisons[0].mark.baseline
    scatter = dispersion.observe(state.scatter, Answers(new.scored, new.match))
    marked = tuple(replace(each, mark=totals) for each in state.comparisons)
    state = replace(state, scatter=scatter, comparisons=marked)
    factor = dispersion.factor(scatter)
    assert state.evidence_from is not None  # a step that is observed has its snapshot
    if factor is None or at - state.evidence_from < plan.stage(state.step).minimum_seconds:
        return state
    return _advance(plan, replace(state, dispersion=max(factor, plan.objective.dispersion)))


def _advance(plan: Plan, state: RolloutState) -> RolloutState:
    """The next step. Evidence goes on from one share of requests to the next; what came before the first is over."""
    after = replace(_step_afresh(state), phase=Phase.APPLYING, step=state.step + 1)
    if plan.stage(state.step).kind is Kind.SPLIT:
        return after
    begun = _afresh(plan, after.step, state.dispersion)
    kept = (each if each.dropped else new for each, new in zip(state.comparisons, begun, strict=True))
    return replace(after, comparisons=tuple(kept))


def usable(objective: Objective, mark: Totals, totals: Totals, share: float) -> Totals | None:
    """The totals that a look can use after `mark`: all of them, all but the answers, or None to wait for more.

    share: percent of both variants' requests that the candidate shall have.
    """
    if em_claims.usable(objective, totals.look_since(mark, 0, 0, 50)):
        return totals
    started = totals.baseline.started + totals.candidate.started - mark.baseline.started - mark.candidate.started
    if started * min(share, 100 - share) < 100 * TELLING_REQUESTS:
        return None
    baseline, candidate = _keep_answers(totals.baseline, mark.baseline), _keep_answers(totals.candidate, mark.candidate)
    return Totals(baseline, candidate, mark.classes)


def _keep_answers(tally: Tally, mark: Tally) -> Tally:
    return replace(tally, match=mark.match, mismatch=mark.mismatch)


def _conclude(spec: PolicySpec, state: RolloutState, at: int) -> RolloutState:
    """What follows from the evidence: a decision, fewer candidates, the next step, or nothing yet."""
    plan = parse_plan(state.plan)
    dropped = harmed(state) if plan.several else {}
    if plan.several:
        state = ab_test.drop(state, dropped, at)
        # What is proven in shadow before the first share is proven anew on live answers.
        state = ab_test.certify(plan, state, at) if is_final(plan, state) else state
    decision = judge(state, at)
    if decision is not None:
        return decide(spec, state, decision)
    if dropped and plan.stage(state.step).kind is Kind.SPLIT:
        # Other weights are another step: its requests are labelled as such, and stragglers of this one are no evidence.
        return replace(_step_afresh(state), phase=Phase.APPLYING, step=state.step + 1)
    if may_advance(state, at):
        return _advance(plan, state)
    if record_is_full(tuple(each.looks for each in state.comparisons)):
        message = f"No verdict after {state.most_looks} looks, the most that a record holds."
        return decide(spec, state, at_the_end(state, "RecordFull", message, at))
    return state


def lose_metrics(state: RolloutState, now: int, at: int | None = None) -> RolloutState:
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
        return decide(spec, state, Decision(Verdict.ROLL_BACK, "NoMetrics", message, now, state.leader))
    if now - state.campaign_started_at >= spec.rollout.deadline_seconds:
        message = f"Neither benefit nor harm was shown within {spec.rollout.deadline_seconds} s."
        return decide(spec, state, at_the_end(state, "DeadlineExceeded", message, now))
    return state


def decide(spec: PolicySpec, state: RolloutState, decision: Decision) -> RolloutState:
    """The state with a decision that waits to be carried out."""
    if decision.verdict == Verdict.PROMOTE:
        phase = Phase.PROMOTING
    elif decision.verdict == Verdict.RECOMMEND:
        phase = Phase.REPORTING
    elif decision.verdict == Verdict.INCONCLUSIVE and spec.rollout.on_inconclusive == "Hold":
        phase = Phase.HOLDING
    else:
        phase = Phase.ROLLING_BACK
    uncertain = state.comparisons[decision.candidate].uncertain
    return replace(state, phase=phase, decision=_with_remainder(decision, uncertain))


def _with_remainder(decision: Decision, uncertain: Totals) -> Decision:
    """The decision with a sentence on what its counts may have missed, where there is anything and room for it."""
    message = f"{decision.message} {in_remainder(uncertain.baseline, uncertain.candidate)}"
    if uncertain == Totals() or len(message) > LONGEST_MESSAGE:
        return decision
    return replace(decision, message=message)


def carried_out(state: RolloutState) -> RolloutState:
    """The decision is stored and its weights are in force."""
    if state.phase == Phase.PROMOTING and state.decision is not None:
        if state.decision.requested_by:
            return replace(state, phase=Phase.PROMOTED)  # a wish proves nothing
        values = parse_plan(state.plan).settings[state.decision.candidate]
        return replace(state, phase=Phase.PROMOTED, certified=Certified(values, state.decision.at))
    if state.phase == Phase.ROLLING_BACK:
        return replace(state, phase=Phase.ROLLED_BACK)
    if state.phase == Phase.HOLDING:
        return replace(state, phase=Phase.HELD)
    if state.phase == Phase.REPORTING:
        return replace(state, phase=Phase.REPORTED)
    return state


def _step_afresh(state: RolloutState) -> RolloutState:
    """The state without the clock and totals of a step: they belong to its weights only."""
    return replace(
        state,
        step_started_at=None,
        evidence_from=None,
        last_look_at=None,
        metrics_lost_at=None,
        comparisons=tuple(replace(each, mark=Totals()) for each in state.comparisons),
    )
