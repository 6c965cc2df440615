"""Asking a gate once: by a Job, a receiver, or a condition of an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.api.addresses import Network
from earlystop.api.gate_kinds import KINDS, GateKind
from earlystop.api.gates import Gate, ObjectCondition
from earlystop.api.hooks import OccurrenceKind
from earlystop.api.json_once import read_json
from earlystop.api.visible import printable
from earlystop.controller.cluster import Cluster, ClusterError, Resource
from earlystop.controller.counts.secrets import SecretReader
from earlystop.controller.hooks.channel import TARGET_UNUSABLE, HookProblem, channel_to
from earlystop.controller.hooks.gated_object import answer_of, unreadable
from earlystop.controller.hooks.job import job_name
from earlystop.controller.hooks.run_job import OWN_SEAL, Seal, run_job
from earlystop.controller.hooks.webhook import ensure_success, exchange
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity
from earlystop.rollout.hooks.outbox import HookJob, JobResult
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.approval_words import proposal_sentence
from earlystop.rollout.waiting.gates import GateAnswer, GateState, GateSubject, asked_by

LONGEST_ANSWER = 4096
"""Bytes of a receiver's answer. One that is longer says nothing, since its end might say otherwise."""
LONGEST_WORDS = 200
STATES = {"Open": GateState.OPEN, "Closed": GateState.CLOSED}


def question(state: RolloutState, gate: str, subject: GateSubject) -> Occurrence:
    """What a gate is asked about: the promotion or the step that waits. The same question has the same id."""
    if subject.step is not None:
        return _question_of_step(state, gate, subject.since, subject.step)
    awaited = state.awaiting
    assert awaited is not None  # nothing else is asked about
    settings = state.pinned_plan.settings_of(awaited.candidate)
    return Occurrence(
        kind=OccurrenceKind.GATE,
        at=awaited.since,
        campaign=state.campaign,
        revision=state.revision,
        reason="AwaitingGate",
        sentence=proposal_sentence(state)[:480],
        number=awaited.since,
        gate=gate,
        proposal=(("candidate", awaited.candidate), *((f"setting {name}", value) for name, value in settings.items())),
    )


def _question_of_step(state: RolloutState, gate: str, since: int, step: int) -> Occurrence:
    """Whether a step may begin. Of one candidate its settings are named, of several their names."""
    plan, weight = state.pinned_plan, state.pinned_plan.stage(step).weight
    names = [each.name for each in state.active]
    settings = plan.settings_of(names[0]) if len(names) == 1 else {}
    who = f"candidate {names[0]}" if len(names) == 1 else f"each of the candidates {', '.join(names)}"
    return Occurrence(
        kind=OccurrenceKind.GATE,
        at=since,
        campaign=state.campaign,
        revision=state.revision,
        reason="StepGate",
        sentence=f"Step {step + 1} would give {weight} % of requests to {who}."[:480],
        number=since,
        gate=gate,
        proposal=(
            ("candidate", ",".join(names)),
            ("step", str(step + 1)),
            ("weight", str(weight)),
            *((f"setting {name}", value) for name, value in settings.items()),
        ),
    )


class GateAsker:
    """Asks gates. refused: the cluster's own networks, to which nothing is sent. seal: of the operator's own Jobs."""

    def __init__(
        self,
        cluster: Cluster,
        secrets: SecretReader,
        refused: Sequence[Network],
        seal: Seal = OWN_SEAL,
    ) -> None:
        self._seal = seal
        self._cluster = cluster
        self._secrets = secrets
        self._refused = refused

    async def ask(
        self, identity: PolicyIdentity, gate: Gate, about: Occurrence, known: GateAnswer | None, now: int
    ) -> GateAnswer:
        """What a gate says now; that it is waited for where it says nothing yet. known: what is stored of it. now: Unix
        seconds.

        Raises HookProblem where it cannot be asked.
        """
        if gate.job_ref is not None:
            return await self._job(identity, gate, gate.job_ref.name, about, known, now)
        if gate.condition is not None:
            return await self._condition(identity, gate, gate.condition, about.at, now)
        return await self._webhook(identity, gate, about, now)

    async def _job(
        self,
        identity: PolicyIdentity,
        gate: Gate,
        template: str,
        about: Occurrence,
        known: GateAnswer | None,
        now: int,
    ) -> GateAnswer:
        hook = name_of_asker(gate, known)
        name = job_name(identity, hook, about)
        # What it said last may be about the API server; a status of an earlier release holds no UID.
        was_made = known is not None and (known.job_uid or known.message == _job_words(name, JobResult.RUNNING))
        before = HookJob(about.number, name, JobResult.RUNNING, uid=known.job_uid) if known and was_made else None
        job = await run_job(self._cluster, identity, hook, template, about, before, self._seal)
        states = {JobResult.SUCCEEDED: GateState.OPEN, JobResult.FAILED: GateState.CLOSED}
        state = states.get(job.result, GateState.WAITING)
        return GateAnswer(gate.name, state, now, _job_words(name, job.result), job.uid)

    async def _condition(
        self, identity: PolicyIdentity, gate: Gate, condition: ObjectCondition, asked_at: int, now: int
    ) -> GateAnswer:
        what, resource = f"{condition.kind} {condition.name}", _resource(condition.kind)
        try:
            found = await self._cluster.get(resource, identity.namespace, condition.name)
        except ClusterError as error:
            raise HookProblem(TARGET_UNUSABLE, unreadable(condition, identity.namespace, error)) from None
        if found is None:
            # Nor is there one where the API server knows the kind in another version alone.
            missing = f"there is no {what} of {resource.group}/{resource.version}"
            return GateAnswer(gate.name, GateState.WAITING, now, missing)
        state, said = answer_of(condition, found, asked_at)
        return GateAnswer(gate.name, state, now, said)

    async def _webhook(self, identity: PolicyIdentity, gate: Gate, about: Occurrence, now: int) -> GateAnswer:
        assert gate.target_ref is not None  # the API server takes no gate without any of the three
        channel = await channel_to(self._cluster, self._secrets, gate.target_ref.name, identity.namespace)
        answer = await exchange(channel, identity, about, now, self._refused, most=LONGEST_ANSWER + 1)
        if answer.wait_seconds:
            ensure_success(channel, answer)
        waiting = GateAnswer(gate.name, GateState.WAITING, now, f"the receiver answers {answer.status}")
        return waiting if answer.status != 200 else _read(waiting, answer.body)


def _resource(kind: GateKind) -> Resource:
    of = KINDS[kind]
    return Resource(of.group, of.version, of.plural)


def name_of_asker(gate: Gate, known: GateAnswer | None) -> str:
    """The hook by which a gate's Job is named: that of another template is another Job. known: what is stored of it; an
    earlier release knew no templates apart. No name of a hook has a slash."""
    is_earlier = known is not None and not known.asks
    return f"gate/{gate.name}" if is_earlier else f"gate/{gate.name}/{asked_by(gate)}"


def _read(waiting: GateAnswer, body: bytes) -> GateAnswer:
    """What an answer says; that the gate is waited for where it says neither."""
    try:
        said = read_json(body if len(body) <= LONGEST_ANSWER else b"")
        state, words = STATES.get(str(said.get("gate"))), str(said.get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        state, words = None, ""
    if state is None:
        return replace(waiting, message='the receiver answers 200 without {"gate": "Open"} or {"gate": "Closed"}')
    return replace(waiting, state=state, message=printable(words, LONGEST_WORDS))


def _job_words(name: str, result: JobResult) -> str:
    words = {JobResult.RUNNING: "runs", JobResult.SUCCEEDED: "has succeeded", JobResult.FAILED: "has failed"}
    return f"Job {name} {words[result]}"
