"""The outbox of a policy's hooks as it stands in the status, and back."""

from __future__ import annotations

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.status.hook import HookCursorStatus, HookJobStatus, HooksStatus, OccurrenceStatus
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.hooks.occurrence import Occurrence, VerdictFacts
from earlystop.rollout.hooks.outbox import HookCursor, HookJob, JobResult, Outbox


def hooks_status(outbox: Outbox | None) -> HooksStatus | None:
    """What the status says of the hooks; nothing where the policy has none."""
    if outbox is None:
        return None
    return HooksStatus(
        last=outbox.last,
        failures=outbox.failures or None,
        failures_before=outbox.failures_before or None,
        queue=tuple(map(_line, outbox.waiting)) or None,
        cursors=tuple(
            HookCursorStatus(
                name=each.hook,
                told_to=each.told_to,
                given_up=each.given_up or None,
                problem=each.problem or None,
                job=_job_text(each.job),
            )
            for each in outbox.cursors
        )
        or None,
    )


def restore_outbox(stored: HooksStatus | None) -> Outbox | None:
    """Inverse of `hooks_status`."""
    if stored is None:
        return None
    return Outbox(
        last=stored.last,
        failures=stored.failures or 0,
        failures_before=stored.failures_before or 0,
        waiting=(*map(_restore_former, stored.waiting or ()), *map(_restore_line, stored.queue or ())),
        cursors=tuple(map(_restore_cursor, stored.cursors or ())),
    )


def _restore_cursor(stored: HookCursorStatus) -> HookCursor:
    return HookCursor(stored.name, stored.told_to, stored.given_up or 0, stored.problem or "", _restore_job(stored.job))


def _line(occurrence: Occurrence) -> str:
    """An occurrence in a line, as `HooksStatus.queue` describes it."""
    when = rfc3339(occurrence.at)
    words = (
        occurrence.number,
        occurrence.kind.value,
        when,
        occurrence.campaign,
        occurrence.revision,
        occurrence.reason,
    )
    return " ".join(map(str, (*words, occurrence.decision, *([occurrence.gate] if occurrence.gate else []))))


def _restore_line(line: str) -> Occurrence:
    """Inverse of `_line`. Raises ValueError for another text."""
    words = line.split(" ")
    if len(words) not in (7, 8):
        raise ValueError(f"status.hooks.queue has {line!r} in place of an occurrence")
    number, kind, at, campaign, revision, reason, decision = words[:7]
    return Occurrence(
        number=int(number),
        kind=OccurrenceKind(kind),
        at=from_rfc3339(at),
        campaign=int(campaign),
        revision=revision,
        reason=reason,
        decision=int(decision),
        gate=words[7] if len(words) == 8 else "",
    )


def _restore_former(stored: OccurrenceStatus) -> Occurrence:
    """An occurrence as an earlier release kept it, with its words."""
    verdict = stored.verdict
    return Occurrence(
        number=stored.number,
        kind=stored.kind,
        at=from_rfc3339(stored.at),
        campaign=stored.campaign,
        revision=stored.revision,
        reason=stored.reason,
        sentence=stored.sentence,
        gate=stored.gate or "",
        verdict=None
        if verdict is None
        else VerdictFacts(**{**verdict.model_dump(), "requested_by": verdict.requested_by or ""}),
        decision=0 if verdict is None else _number_in(verdict.name, stored.revision),
    )


def _number_in(name: str, revision: str) -> int:
    """Which decision of its campaign a verdict is of, by its name."""
    return int(name.rpartition(revision)[2].removeprefix("-") or 1)


def _job_text(job: HookJob | None) -> HookJobStatus | None:
    if job is None:
        return None
    return HookJobStatus(
        number=job.number, name=job.name, result=job.result.value, message=job.message or None, uid=job.uid or None
    )


def _restore_job(stored: HookJobStatus | None) -> HookJob | None:
    if stored is None:
        return None
    return HookJob(stored.number, stored.name, JobResult(stored.result), stored.message or "", stored.uid or "")
