"""Making the Job of an occurrence, and reading what became of it."""

from __future__ import annotations

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.wire import POLICY_UID_LABEL
from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Conflict, Manifest, Resource
from earlystop.controller.hooks.channel import NOT_DELIVERED, HookProblem
from earlystop.controller.hooks.job import TEMPLATE_REFUSED, job_from, job_name, outcome_of
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity
from earlystop.rollout.hooks.outbox import HookJob, JobResult

JOBS, CRON_JOBS = Resource("batch", "v1", "jobs"), Resource("batch", "v1", "cronjobs")
JOB_NOT_MADE = "JobNotMade"
FORBIDDEN = (401, 403)


_EXAMPLE = Occurrence(kind=OccurrenceKind.ENDED, at=0, campaign=0, revision="", reason="", sentence="")


async def run_job(
    cluster: Cluster, identity: PolicyIdentity, hook: str, template: str, occurrence: Occurrence, known: HookJob | None
) -> HookJob:
    """Make the Job of an occurrence, or see how it stands. template: name of the CronJob. known: the hook's latest Job
    as status has it: one that was made and is gone is not made again.

    Raises HookProblem where there is none, and it is to be tried again.
    """
    name = job_name(identity, hook, occurrence)
    try:
        found = await cluster.get(JOBS, identity.namespace, name)
        if found is None and known is not None and known.number == occurrence.number:
            return HookJob(known.number, known.name, JobResult.FAILED, "it was deleted before its result was read")
        if found is None:
            found = await _made(cluster, identity, hook, template, occurrence)
    except ClusterError as error:
        raise HookProblem(JOB_NOT_MADE, _words(identity, error)) from None
    if found["metadata"].get("labels", {}).get(POLICY_UID_LABEL) != identity.uid:
        raise HookProblem(JOB_NOT_MADE, f"there is a Job {name} that is not the policy's; delete it")
    return outcome_of(found, occurrence.number)


async def check_template(cluster: Cluster, identity: PolicyIdentity, hook: str, template: str) -> None:
    """See whether Jobs could be made from a template. Raises HookProblem."""
    try:
        found = await cluster.get(CRON_JOBS, identity.namespace, template)
    except ClusterError as error:
        raise HookProblem(JOB_NOT_MADE, _words(identity, error)) from None
    job_from(_present(found, template), identity, hook, _EXAMPLE, None)


async def _made(
    cluster: Cluster, identity: PolicyIdentity, hook: str, template: str, occurrence: Occurrence
) -> Manifest:
    verdict: Manifest | None = None
    if occurrence.verdict is not None:
        verdict = await cluster.get(VERDICTS, identity.namespace, occurrence.verdict.name)
        if verdict is None:
            what = f"EarlyStopVerdict {occurrence.verdict.name}, which the Job is to find, is not stored yet"
            raise HookProblem(NOT_DELIVERED, what)
    found = _present(await cluster.get(CRON_JOBS, identity.namespace, template), template)
    job = job_from(found, identity, hook, occurrence, verdict)
    try:
        return await cluster.create(JOBS, identity.namespace, job)
    except Conflict:
        return await cluster.get(JOBS, identity.namespace, job["metadata"]["name"]) or job


def _present(found: Manifest | None, template: str) -> Manifest:
    if found is None:
        what = f"there is no CronJob {template} in the policy's namespace; create it, or name another one"
        raise HookProblem(TEMPLATE_REFUSED, what)
    return found


def _words(identity: PolicyIdentity, error: ClusterError) -> str:
    if error.status in FORBIDDEN and "ValidatingAdmissionPolicy" not in error.message:
        return (
            f"the operator may run no Jobs in namespace {identity.namespace}; ask the cluster's admin to name it in "
            "the chart's jobs.namespaces"
        )
    return f"the API server refuses the Job: {error.message[:160]}"
