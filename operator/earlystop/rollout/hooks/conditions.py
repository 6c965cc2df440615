"""What a policy says of its hooks and gates in conditions, and in events; nothing where it has none."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.rollout.hooks.outbox import HookCursor, HookJob, JobResult, Outbox
from earlystop.rollout.observations import HookTrouble, Observations
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.gate_words import gate_condition

GIVEN_UP = "HookGivenUp"


def hook_conditions(state: RolloutState, observations: Observations) -> tuple[Condition, ...]:
    """GatesOpen, where gates were asked. HooksDelivered: whether everything that happened could be told. JobsSucceeded:
    whether the latest Job of each hook that runs some has."""
    gates = gate_condition(state.gates, state.step_gates, state.plan)
    if state.outbox is None or not state.outbox.cursors:
        return gates
    jobs = _jobs(state.outbox)
    return (*gates, _delivered(state.outbox, observations), *((jobs,) if jobs is not None else ()))


def _jobs(outbox: Outbox) -> Condition | None:
    """What became of the latest Job of each hook; None where none was run."""
    jobs = [(each.hook, each.job) for each in outbox.cursors if each.job is not None]
    if not jobs:
        return None
    type_ = ConditionType.JOBS_SUCCEEDED
    failed = [job_sentence(hook, job) for hook, job in jobs if job.result is JobResult.FAILED]
    if failed:
        return Condition(type_, ConditionStatus.FALSE, "JobFailed", " ".join(failed))
    running = [job_sentence(hook, job) for hook, job in jobs if job.result is JobResult.RUNNING]
    if running:
        return Condition(type_, ConditionStatus.UNKNOWN, "JobRunning", " ".join(running))
    message = " ".join(job_sentence(hook, job) for hook, job in jobs)
    return Condition(type_, ConditionStatus.TRUE, "JobSucceeded", message)


def job_sentence(hook: str, job: HookJob) -> str:
    """What became of a hook's Job."""
    words = {JobResult.RUNNING: "runs", JobResult.SUCCEEDED: "has succeeded", JobResult.FAILED: "has failed"}
    why = f": {job.message}" if job.message else ""
    return f"Job {job.name} of hook {hook} {words[job.result]}{why}."


def new_jobs(before: Outbox | None, after: Outbox | None) -> tuple[tuple[str, HookJob], ...]:
    """Each hook's Job that was started, or has ended, since `before`."""
    known = {each.hook: each.job for each in before.cursors} if before is not None else {}
    cursors = after.cursors if after is not None else ()
    return tuple((each.hook, each.job) for each in cursors if each.job is not None and known.get(each.hook) != each.job)


def _delivered(outbox: Outbox, observations: Observations) -> Condition:
    type_ = ConditionType.HOOKS_DELIVERED
    if observations.hooks:
        first, *others = observations.hooks
        more = f" Nor can {len(others)} other hooks be told." if others else ""
        return Condition(type_, ConditionStatus.FALSE, first.reason, trouble_sentence(first) + more)
    given_up = [each for each in outbox.cursors if each.problem]
    if given_up:
        return Condition(type_, ConditionStatus.FALSE, GIVEN_UP, " ".join(map(given_up_sentence, given_up)))
    if outbox.waiting:
        number = len(outbox.waiting)
        what = "1 occurrence is" if number == 1 else f"{number} occurrences are"
        return Condition(type_, ConditionStatus.UNKNOWN, "HooksWaiting", f"{what} about to be told.")
    told = "All that happened so far was told by every hook."
    return Condition(type_, ConditionStatus.TRUE, "HooksDelivered", told)


def trouble_sentence(trouble: HookTrouble) -> str:
    """Why a hook cannot be told now."""
    return f"Hook {trouble.hook} cannot be told, and is tried again: {trouble.message}."


def given_up_sentence(cursor: HookCursor) -> str:
    """What became of occurrences that a hook was not told."""
    times = "an occurrence was" if cursor.given_up == 1 else f"{cursor.given_up} occurrences were"
    return (
        f"Hook {cursor.hook}: {times} given up, the last one since {cursor.problem}. The policy's status, events and "
        "verdicts have them all."
    )


def given_up_notes(before: Outbox | None, after: Outbox | None) -> tuple[str, ...]:
    """A sentence for each hook that has given up more since `before`."""
    if after is None:
        return ()
    known = {each.hook: each.given_up for each in before.cursors} if before is not None else {}
    return tuple(given_up_sentence(each) for each in after.cursors if each.given_up > known.get(each.hook, 0))
