"""What a report of a trial says of its search once that trial is over, by the verdict alone. Pure."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.plurals import counted
from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.guard.adjust import STEPPED_BACK
from earlystop.rollout.outages import interrupts
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.trials.clock import seconds_of
from earlystop.rollout.trials.end_reasons import BUDGET_USED, ENDED_BY_PERSON
from earlystop.rollout.trials.end_words import end_message
from earlystop.rollout.trials.sequence import WAITING, next_proposal
from earlystop.rollout.verify.search import progress_after


def search_words(record: VerdictSpec, plan: Plan) -> str:
    """How the search ended with the trial of a verdict, as the status says it, or that it went on; "" for the verdict
    of no trial, for a trial that an outage interrupted, and for what a guard or a lapse did later.

    plan: of the record. Raises ValueError for a record that tells of other settings than its plan.
    """
    if record.search is None or plan.trial is None or record.reason in (*AFTER_PROMOTION, STEPPED_BACK):
        return ""
    if interrupts(plan, record.reason, has_looks=bool(record.looks)):
        return ""
    progress = progress_after(record, plan)
    reason = _end_of(record, plan, progress)
    if not reason:
        return _went_on(plan, progress)
    if reason == ENDED_BY_PERSON:
        progress = replace(progress, incumbent=None)
    # The record has no moments of its search; its time was over only where that ended the trial.
    at = progress.started_at + (seconds_of(plan) or 0) * (record.reason == BUDGET_USED)
    return end_message(plan, progress, reason, at)


def _end_of(record: VerdictSpec, plan: Plan, progress: SearchProgress) -> str:
    """Why the search was over after the trial, "" where another one may have followed."""
    if record.requested_by:
        return ENDED_BY_PERSON
    if record.reason == BUDGET_USED:
        return BUDGET_USED
    version = None if plan.trial is None else plan.trial.version
    following = next_proposal(plan.spec, progress, plan.attempt, plan.used, version=version)
    return following if isinstance(following, str) and following != WAITING else ""


def _went_on(plan: Plan, progress: SearchProgress) -> str:
    best = progress.incumbent
    found = "no setting was proven so far" if best is None else f"{best.name} was the best proven setting so far"
    unless = "" if seconds_of(plan) is None else ", unless its time was over"
    return f"The search went on after {counted(len(progress.trials), 'trial')}{unless}: {found}."
