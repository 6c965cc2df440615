"""Outages: a trial whose counts cannot be read says nothing of its setting, so it is no failure and goes on later.

It goes on as another campaign with the looks that it had, so it stays one comparison at one risk: whoever began it anew
would give the setting a second chance at the same risk. Meanwhile the incumbent serves, else the baseline. It is tried
again after a pause that doubles, since each try leads users to a setting that nobody can watch.
"""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.formatting import in_duration
from earlystop.rollout.golden_questions import takes_questions_once
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import DECIDED, Decision, RolloutState, Verdict
from earlystop.rollout.steps import restart_step
from earlystop.rollout.trials.deadline import ends_at

NO_METRICS = "NoMetrics"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 300, 3600


def decision_on_outage(times: LiveTimes, state: RolloutState, now: int) -> Decision | None:
    """The decision on a campaign whose counts are missing for too long; None before that. Where the policy holds on
    without counts, a trial does so until its deadline."""
    if state.metrics_lost_at is None:
        return None
    lost, waits = now - state.metrics_lost_at, times.on_no_metrics
    gives_up = waits.then == "RollBack" and lost >= waits.hold_seconds
    is_late = state.pinned_plan.trial is not None and now >= ends_at(times.deadline_seconds, state)
    if not gives_up and not is_late:
        return None
    goes_on = interrupts(state.pinned_plan, NO_METRICS, has_looks=len(state.looks) > 0)
    then = "the trial stops, and goes on later with the evidence so far" if goes_on else "back to the baseline"
    message = f"Counts could not be read for {in_duration(lost)}; {then}."
    return Decision(Verdict.ROLL_BACK, NO_METRICS, message, now, state.leader)


def interrupts(plan: Plan, reason: str, *, has_looks: bool) -> bool:
    """Whether a decision with this reason interrupts a trial, which goes on later. One that has had golden questions of
    which each is evidence once cannot: another campaign asks them again."""
    once = has_looks and takes_questions_once(plan.objective)
    return plan.trial is not None and reason == NO_METRICS and not once


def is_interrupted(state: RolloutState) -> bool:
    """Whether the campaign is a trial that an outage interrupted, and its search goes on."""
    decision, search = state.decision, state.search
    if state.phase not in DECIDED or decision is None or search is None or search.ended is not None:
        return False
    return interrupts(state.pinned_plan, decision.reason, has_looks=len(state.looks) > 0)


def goes_on_at(state: RolloutState) -> int:
    """When an interrupted trial is tried again, in Unix seconds."""
    assert state.decision is not None and state.search is not None  # it is interrupted
    doublings = max(0, state.search.interruptions - 1)
    pause: int = FIRST_PAUSE_SECONDS * 2 ** min(doublings, 10)
    return state.decision.at + min(LONGEST_PAUSE_SECONDS, pause)


def with_evidence_of(begun: RolloutState, before: RolloutState) -> RolloutState:
    """The campaign that begins, with the step and the evidence of the interrupted one before it. Of its deadline the
    time has passed in which that one could be counted."""
    assert before.decision is not None  # it was interrupted
    lost_at = before.decision.at if before.metrics_lost_at is None else before.metrics_lost_at
    return replace(
        begun,
        step=before.step,
        comparisons=restart_step(before).comparisons,
        scatter=before.scatter,
        dispersion=before.dispersion,
        campaign_started_at=begun.campaign_started_at - max(0, lost_at - before.campaign_started_at),
    )
