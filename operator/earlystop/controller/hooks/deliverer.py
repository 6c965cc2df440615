"""Tells hooks what is stored in their policies' outboxes: each hook in order, and none waits for another's receiver."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from earlystop.api.addresses import Network
from earlystop.api.hooks import Hook
from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.secrets import SecretReader
from earlystop.controller.hooks.channel import NOT_DELIVERED, Channel, HookProblem, channel_to
from earlystop.controller.hooks.occurrence_with_words import with_words
from earlystop.controller.hooks.run_job import OWN_SEAL, Seal, check_template, run_job
from earlystop.controller.hooks.webhook import post
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from earlystop.controller.scheduler import Scheduler
from earlystop.controller.telemetry import HOOK_DELIVERIES
from earlystop.rollout.hooks.occurrence import Occurrence
from earlystop.rollout.hooks.outbox import JobResult, Settled, next_for
from earlystop.rollout.observations import HookTrouble

AT_ONCE = 64
"""Attempts under way, each of which may last as long as its HookTarget allows; namespaces take turns."""
LEAST_TRIES = 3
"""Also of what happened long ago, as before an outage of the operator."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 300.0
RETRY_SECONDS = 3600
"""As long an occurrence is tried whose HookTarget cannot be read."""
JOB_LOOK_SECONDS = 10.0
"""Between two looks at a Job that runs."""
CHECK_SECONDS = 60.0
"""After so long a target that could not be used is looked at again while there is nothing to tell."""

log = logging.getLogger(__name__)
_SEPARATOR = "/"


def pause_after(tries: int) -> float:
    """Seconds from a failed attempt to the next: 1, 2, 4 ... 300. tries: attempts that have failed, at least 1."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 10))


def is_given_up(occurrence: Occurrence, tries: int, retry_seconds: int, now: float) -> bool:
    """Whether an occurrence is tried no more. now: Unix seconds."""
    return tries >= LEAST_TRIES and now >= occurrence.at + retry_seconds


class HookDeliverer:
    """Tells hooks, by a queue of due times with a key for each hook.

    tracked: the policies that the operator tracks. wake: has one reconciled, which stores what was told. clock: Unix
    seconds. refused: the cluster's own networks, to which nothing is sent even where they are public. seal: of the
    operator's own Jobs.
    """

    def __init__(
        self,
        cluster: Cluster,
        secrets: SecretReader,
        tracked: Mapping[Key, TrackedPolicy],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
        refused: Sequence[Network] = (),
        seal: Seal = OWN_SEAL,
    ) -> None:
        self._seal = seal
        self._cluster = cluster
        self._secrets = secrets
        self._tracked = tracked
        self._wake = wake
        self._clock = clock
        self._refused = refused
        self.scheduler = Scheduler(self.attend, clock, AT_ONCE)

    def look_at(self, tracked: TrackedPolicy) -> None:
        """A policy was reconciled: whatever its stored outbox has for its hooks is told."""
        for hook in tracked.spec.hooks or ():
            if self._is_due(tracked, hook):
                self.scheduler.wake((tracked.namespace, f"{tracked.name}{_SEPARATOR}{hook.name}"))

    def _is_due(self, tracked: TrackedPolicy, hook: Hook) -> bool:
        """Whether a hook has something to be told, or a target to be looked at, to which it was not attended yet."""
        memory = tracked.hooks
        if hook.name in memory.under_way or memory.waits_for_store(hook.name):
            return False
        occurrence = _next(tracked, hook)
        number = 0 if occurrence is None else occurrence.number
        return memory.attended.get(hook.name) != (number, tracked.generation)

    async def attend(self, key: Key) -> float | None:
        """Tell one hook what is next, or see whether its target can be used. key: the policy's namespace; its name and
        the hook's. Returns when to do so again, in Unix seconds; None for when the policy is reconciled."""
        namespace, (name, _, hook_name) = key[0], key[1].partition(_SEPARATOR)
        tracked = self._tracked.get((namespace, name))
        hook = None if tracked is None else next((h for h in tracked.spec.hooks or () if h.name == hook_name), None)
        if tracked is None or hook is None or tracked.hooks.waits_for_store(hook.name):
            return None
        occurrence = _next(tracked, hook)
        number = 0 if occurrence is None else occurrence.number
        tracked.hooks.attended[hook.name] = number, tracked.generation
        tracked.hooks.under_way.add(hook.name)
        try:
            return await (
                self._check(tracked, hook) if occurrence is None else self._deliver(tracked, hook, occurrence)
            )
        except Exception as error:
            # A fault that one hook provokes must not stop the others. Its words might hold a secret.
            what = type(error).__name__
            log.error("hook %s could not be attended to: %s", hook.name, what, extra=tracked.log_fields)
            problem = HookProblem(NOT_DELIVERED, f"the operator failed at it ({what}), which is a fault of its own")
            if occurrence is not None:
                # Nothing else would tell of it, and all that happens later would wait behind it for good.
                return self._failed(tracked, hook, occurrence, problem, RETRY_SECONDS)
            self._note_trouble(tracked, hook, problem)
            return self._clock() + LONGEST_PAUSE_SECONDS
        finally:
            tracked.hooks.under_way.discard(hook.name)

    async def _check(self, tracked: TrackedPolicy, hook: Hook) -> float | None:
        """See whether a hook could be told: what is wrong is better known before there is something to tell."""
        try:
            if hook.job_ref is not None:
                await check_template(self._cluster, tracked.identity, hook.name, hook.job_ref.name)
            else:
                await self._channel(tracked, hook)
        except HookProblem as problem:
            self._note_trouble(tracked, hook, problem)
            return self._clock() + CHECK_SECONDS
        if tracked.hooks.note_usable(hook.name):
            self._wake(tracked.key)
        return None

    async def _deliver(self, tracked: TrackedPolicy, hook: Hook, occurrence: Occurrence) -> float | None:
        """Post an occurrence, or make its Job or see what became of it."""
        retry_seconds = RETRY_SECONDS
        try:
            occurrence = await with_words(self._cluster, tracked, occurrence)
            if hook.job_ref is not None:
                return await self._run(tracked, hook, hook.job_ref.name, occurrence)
            channel = await self._channel(tracked, hook)
            retry_seconds = channel.spec.retry_seconds
            await post(channel, tracked.identity, occurrence, int(self._clock()), self._refused)
        except HookProblem as problem:
            return self._failed(tracked, hook, occurrence, problem, retry_seconds)
        HOOK_DELIVERIES.labels("delivered").inc()
        log.info("hook %s was told of occurrence %d", hook.name, occurrence.number, extra=tracked.log_fields)
        self._settle(tracked, Settled(hook.name, occurrence.number))
        return None

    async def _run(self, tracked: TrackedPolicy, hook: Hook, template: str, occurrence: Occurrence) -> float | None:
        """Make an occurrence's Job, or see what became of it: each change is stored before the next look at it."""
        outbox = tracked.status.stored.outbox
        cursor = None if outbox is None else outbox.cursor(hook.name)
        known = None if cursor is None else cursor.job
        job = await run_job(self._cluster, tracked.identity, hook.name, template, occurrence, known, self._seal)
        if job == known:
            if tracked.hooks.note_usable(hook.name):
                self._wake(tracked.key)
            return self._clock() + JOB_LOOK_SECONDS
        if job.result is JobResult.RUNNING:
            HOOK_DELIVERIES.labels("delivered").inc()
        log.info("Job %s of hook %s: %s", job.name, hook.name, job.result.value, extra=tracked.log_fields)
        self._settle(tracked, Settled(hook.name, occurrence.number, job=job))
        return None

    def _settle(self, tracked: TrackedPolicy, settled: Settled) -> None:
        tracked.hooks.note_settled(settled)
        self._wake(tracked.key)

    async def _channel(self, tracked: TrackedPolicy, hook: Hook) -> Channel:
        assert hook.target_ref is not None  # it has no jobRef
        return await channel_to(self._cluster, self._secrets, hook.target_ref.name, tracked.namespace)

    def _failed(
        self, tracked: TrackedPolicy, hook: Hook, occurrence: Occurrence, problem: HookProblem, retry_seconds: int
    ) -> float | None:
        tries, since = tracked.hooks.note_failure(hook.name, occurrence.number, self._clock())
        if _runs(tracked, hook, occurrence):
            occurrence = replace(occurrence, at=int(since))  # a Job may run for a day before it cannot be seen
        what = (hook.name, occurrence.number, problem.message)
        if is_given_up(occurrence, tries, retry_seconds, self._clock()):
            HOOK_DELIVERIES.labels("given_up").inc()
            log.warning("hook %s is not told of occurrence %d any more: %s", *what, extra=tracked.log_fields)
            self._settle(tracked, Settled(hook.name, occurrence.number, problem.message))
            return None
        HOOK_DELIVERIES.labels("failed").inc()
        log.warning("hook %s was not told of occurrence %d: %s", *what, extra=tracked.log_fields)
        self._note_trouble(tracked, hook, problem)
        return self._clock() + max(pause_after(tries), problem.wait_seconds)

    def _note_trouble(self, tracked: TrackedPolicy, hook: Hook, problem: HookProblem) -> None:
        if tracked.hooks.note_trouble(HookTrouble(hook.name, problem.reason, problem.message)):
            self._wake(tracked.key)


def _runs(tracked: TrackedPolicy, hook: Hook, occurrence: Occurrence) -> bool:
    """Whether the Job of an occurrence is known to run, so that only its result is waited for."""
    outbox = tracked.status.stored.outbox
    cursor = None if outbox is None else outbox.cursor(hook.name)
    job = None if cursor is None else cursor.job
    return job is not None and job.number == occurrence.number and job.result is JobResult.RUNNING


def _next(tracked: TrackedPolicy, hook: Hook) -> Occurrence | None:
    """What the stored status has for a hook: what is not stored may not happen."""
    outbox = tracked.status.stored.outbox
    return None if outbox is None else next_for(outbox, hook)
