"""The outbox of a policy's hooks as it stands in the status, and back."""

from __future__ import annotations

from dataclasses import asdict

from earlystop.api.hook_status import HookCursorStatus, HookJobStatus, HooksStatus, OccurrenceStatus, VerdictFactsStatus
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
        waiting=tuple(map(_occurrence_text, outbox.waiting)) or None,
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
        waiting=tuple(map(_restore_occurrence, stored.waiting or ())),
        cursors=tuple(map(_restore_cursor, stored.cursors or ())),
    )


def _restore_cursor(stored: HookCursorStatus) -> HookCursor:
    return HookCursor(stored.name, stored.told_to, stored.given_up or 0, stored.problem or "", _restore_job(stored.job))


def _occurrence_text(occurrence: Occurrence) -> OccurrenceStatus:
    verdict = occurrence.verdict
    return OccurrenceStatus(
        number=occurrence.number,
        kind=occurrence.kind,
        at=rfc3339(occurrence.at),
        campaign=occurrence.campaign,
        revision=occurrence.revision,
        reason=occurrence.reason,
        sentence=occurrence.sentence,
        gate=occurrence.gate or None,
        verdict=None
        if verdict is None
        else VerdictFactsStatus(
            **{
                **asdict(verdict),
                "requested_by": verdict.requested_by or None,
                "culprit": verdict.culprit or None,
            }
        ),
    )


def _restore_occurrence(stored: OccurrenceStatus) -> Occurrence:
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
        else VerdictFacts(
            **{
                **verdict.model_dump(),
                "requested_by": verdict.requested_by or "",
                "culprit": verdict.culprit or "",
            }
        ),
    )


def _job_text(job: HookJob | None) -> HookJobStatus | None:
    if job is None:
        return None
    return HookJobStatus(number=job.number, name=job.name, result=job.result.value, message=job.message or None)


def _restore_job(stored: HookJobStatus | None) -> HookJob | None:
    if stored is None:
        return None
    return HookJob(stored.number, stored.name, JobResult(stored.result), stored.message or "")
