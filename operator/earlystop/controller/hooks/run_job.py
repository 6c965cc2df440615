"""Making the Job of an occurrence, and reading what became of it.

Anybody may foretell the name of a Job, and who may create Jobs in the namespace may make one of that name. So only the
operator's own counts: the one whose UID the status holds, and before it does, the one that has the operator's seal.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.wire import POLICY_UID_LABEL
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Conflict, Manifest, Resource
from earlystop.controller.hooks.channel import NOT_DELIVERED, HookProblem
from earlystop.controller.hooks.job import SEAL_ANNOTATION, TEMPLATE_REFUSED, job_from, job_name, outcome_of, sealed
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity
from earlystop.rollout.hooks.outbox import HookJob, JobResult

JOBS, CRON_JOBS = Resource("batch", "v1", "jobs"), Resource("batch", "v1", "cronjobs")
JOB_NOT_MADE = "JobNotMade"
FORBIDDEN = (401, 403)
DELETED = "it was deleted before its result was read"
Seal = Callable[[str], str]
"""Gives what only the operator can write beside a text."""
OWN_SEAL: Seal = CampaignTokens().seal_of
"""That of a process without a key: after a restart it is another one."""

_EXAMPLE = Occurrence(kind=OccurrenceKind.ENDED, at=0, campaign=0, revision="", reason="", sentence="")


async def run_job(
    cluster: Cluster,
    identity: PolicyIdentity,
    hook: str,
    template: str,
    occurrence: Occurrence,
    known: HookJob | None,
    seal: Seal = OWN_SEAL,
) -> HookJob:
    """Make the Job of an occurrence, or see how it stands. template: name of the CronJob. known: the hook's latest Job
    as status has it: one that was made and is gone is not made again. seal: the operator's.

    Raises HookProblem where there is none, or somebody else's, and it is to be tried again.
    """
    name = job_name(identity, hook, occurrence)
    made = known if known is not None and known.number == occurrence.number else None
    try:
        found = await cluster.get(JOBS, identity.namespace, name)
        if found is None and made is None:
            found = await _made(cluster, identity, hook, template, occurrence, seal)
    except ClusterError as error:
        raise HookProblem(JOB_NOT_MADE, _words(identity, error)) from None
    if made is not None and (found is None or (made.uid and found["metadata"].get("uid") != made.uid)):
        return HookJob(made.number, made.name, JobResult.FAILED, DELETED, made.uid)
    assert found is not None  # it was made just now
    if not _is_own(found, identity, made, seal):
        raise HookProblem(JOB_NOT_MADE, f"there is a Job {name} that the operator has not made; delete it")
    return outcome_of(found, occurrence.number)


def _is_own(found: Manifest, identity: PolicyIdentity, made: HookJob | None, seal: Seal) -> bool:
    """Whether the operator has made a Job. made: as status has it; a status of an earlier release has no UID."""
    metadata = found["metadata"]
    if (metadata.get("labels") or {}).get(POLICY_UID_LABEL) != identity.uid:
        return False
    stands = str((metadata.get("annotations") or {}).get(SEAL_ANNOTATION, ""))
    return made is not None or compare_digest(stands.encode(), seal(_sealed_text(identity, metadata["name"])).encode())


def _sealed_text(identity: PolicyIdentity, name: str) -> str:
    return f"job/{identity.uid}/{name}"


async def check_template(cluster: Cluster, identity: PolicyIdentity, hook: str, template: str) -> None:
    """See whether Jobs could be made from a template. Raises HookProblem."""
    try:
        found = await cluster.get(CRON_JOBS, identity.namespace, template)
    except ClusterError as error:
        raise HookProblem(JOB_NOT_MADE, _words(identity, error)) from None
    job_from(_present(found, template), identity, hook, _EXAMPLE, None)


async def _made(
    cluster: Cluster, identity: PolicyIdentity, hook: str, template: str, occurrence: Occurrence, seal: Seal
) -> Manifest:
    verdict: Manifest | None = None
    if occurrence.verdict is not None:
        verdict = await cluster.get(VERDICTS, identity.namespace, occurrence.verdict.name)
        if verdict is None:
            what = f"EarlyStopVerdict {occurrence.verdict.name}, which the Job is to find, is not stored yet"
            raise HookProblem(NOT_DELIVERED, what)
    found = _present(await cluster.get(CRON_JOBS, identity.namespace, template), template)
    job = job_from(found, identity, hook, occurrence, verdict)
    job = sealed(job, seal(_sealed_text(identity, job["metadata"]["name"])))
    try:
        return await cluster.create(JOBS, identity.namespace, job)
    except Conflict:
        other = await cluster.get(JOBS, identity.namespace, job["metadata"]["name"])
        if other is None:
            raise HookProblem(JOB_NOT_MADE, f"a Job {job['metadata']['name']} was made and deleted meanwhile") from None
        return other


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
