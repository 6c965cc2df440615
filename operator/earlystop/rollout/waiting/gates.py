"""Gates that a promotion waits for, as the state of a rollout holds them. Pure; none is ever a reason to promote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from earlystop.api.gates import Gate
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.waiting.requirements import Answer, RequirementState

LONGEST_MESSAGE = 256


class GateState(StrEnum):
    """Whether a gate has answered, and what."""

    WAITING = "Waiting"
    OPEN = "Open"
    CLOSED = "Closed"
    TIMED_OUT = "TimedOut"


ANSWERED = frozenset({GateState.OPEN, GateState.CLOSED})


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """How one gate stands. at: since when, Unix seconds. message: what it said, "" for nothing. job_uid: of the Job
    that answers it, "" where none does. asks: whom it asked (`asked_by`), "" where an earlier release did."""

    gate: str
    state: GateState
    at: int
    message: str = ""
    job_uid: str = ""
    asks: str = ""

    def is_of(self, gate: Gate) -> bool:
        """Whether this is the answer of whom the gate asks now: its name may have been given to another question."""
        return self.gate == gate.name and self.asks in ("", asked_by(gate))


@dataclass(frozen=True, slots=True)
class GatesAsked:
    """The gates of a decision that waits. since: since when it does, Unix seconds. for_people: whether it waits for
    people as well. proof_from: since when proof that was lost may come back, Unix seconds, where that is later than
    the last gate opened, as after a suspension; None elsewhere."""

    since: int
    for_people: bool = False
    answers: tuple[GateAnswer, ...] = ()
    proof_from: int | None = None

    def answer(self, gate: str) -> GateAnswer | None:
        """How a gate stands, None for one that is not asked."""
        return next((each for each in self.answers if each.gate == gate), None)


@dataclass(frozen=True, slots=True)
class StepGates:
    """The gates before a step. step: its number. entered: whether it has begun since."""

    step: int
    asked: GatesAsked
    entered: bool = False


def gates_of_step(steps: StepGates | None) -> GatesAsked | None:
    """The gates before a step, as they were asked; None for none."""
    return None if steps is None else steps.asked


def awaits_gates_alone(asked: GatesAsked | None) -> bool:
    """Whether a decision that waits does so for gates, and for nobody's approval."""
    return asked is not None and bool(asked.answers) and not asked.for_people


@dataclass(frozen=True, slots=True)
class GateSubject:
    """What gates are asked about: a promotion, or a step.

    since: when it began to wait, Unix seconds. candidate: whose promotion, "" of a step. step: its number, None for a
    promotion.
    """

    since: int
    candidate: str = ""
    step: int | None = None


def asked_by(gate: Gate) -> str:
    """A short digest of the Job, receiver or condition that a gate asks; not of how long it is waited for."""
    asked = gate.model_dump_json(include={"job_ref", "target_ref", "condition"}, exclude_defaults=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:8]


def waited_for(gate: Gate, since: int) -> GateAnswer:
    """How a gate stands that has said nothing since Unix second `since`."""
    return GateAnswer(gate.name, GateState.WAITING, since, asks=asked_by(gate))


def asked_first(gates: Sequence[Gate], since: int) -> GatesAsked:
    """The gates when something begins to wait for them, at Unix second `since`."""
    return GatesAsked(since, answers=tuple(waited_for(each, since) for each in gates))


@dataclass(frozen=True, slots=True)
class GateRequirement:
    """Requires that a gate is open. ends: whether the campaign ends when the gate's time is over."""

    stands: GateAnswer
    ends: bool

    def answer(self, _: int) -> Answer:
        """The gate's answer as a requirement of the decision."""
        match self.stands.state:
            case GateState.OPEN:
                return Answer(RequirementState.OPEN)
            case GateState.CLOSED:
                return Answer(RequirementState.REFUSED, comment=self.stands.message, gate=self.stands.gate)
            case GateState.TIMED_OUT if self.ends:
                return Answer(RequirementState.TIMED_OUT, gate=self.stands.gate)
        return Answer(RequirementState.WAITING)


def requirements(gates: Sequence[Gate], asked: GatesAsked | None) -> tuple[GateRequirement, ...]:
    """What a decision that waits needs of the policy's gates. One that was not asked yet, or asks somebody else by now,
    holds it."""
    known = [None if asked is None else asked.answer(each.name) for each in gates]
    stands = [
        each if each is not None and each.is_of(gate) else waited_for(gate, 0)
        for gate, each in zip(gates, known, strict=True)
    ]
    return tuple(GateRequirement(each, gate.on_timeout == "End") for gate, each in zip(gates, stands, strict=True))


def following(
    gates: Sequence[Gate],
    asked: GatesAsked | None,
    since: int,
    news: Mapping[str, GateAnswer],
    now: int,
    holds_seconds: int,
    *,
    all_were_asked: bool = True,
) -> GatesAsked | None:
    """How the gates of a decision stand now, as the policy says them. news: what was answered to this decision, by
    gate. since: since when the decision waits. A gate that answered stays as it is, but for one that has been open for
    `holds_seconds` (> 0) while others are not: it is asked again, unless it is a Job, which would say the same. A gate
    that asks somebody else by now begins anew. all_were_asked: whether each gate without news was asked since the
    operator began; else its time is not over, since it may have opened meanwhile.
    """
    if not gates:
        return None if asked is None or not asked.for_people else replace(asked, answers=())
    known = asked if asked is not None and asked.since == since else GatesAsked(since, bool(asked and asked.for_people))
    answers = tuple(
        _stands(each, known.answer(each.name), news.get(each.name), now, was_asked=all_were_asked or each.name in news)
        for each in gates
    )
    if any(each.state is not GateState.OPEN for each in answers):
        answers = tuple(_aged(*each, holds_seconds, now) for each in zip(gates, answers, strict=True))
    return known if answers == known.answers else replace(known, answers=answers)


def _aged(gate: Gate, answer: GateAnswer, holds_seconds: int, now: int) -> GateAnswer:
    is_old = answer.state is GateState.OPEN and now >= answer.at + holds_seconds
    return waited_for(gate, now) if is_old and gate.job_ref is None else answer


def time_out_at(gates: Sequence[Gate], asked: GatesAsked | None) -> tuple[int, ...]:
    """When the time of each gate that is waited for is over, Unix seconds."""
    stands = [] if asked is None else [(each, asked.answer(each.name)) for each in gates]
    return tuple(
        answer.at + gate.timeout_seconds for gate, answer in stands if answer and answer.state is GateState.WAITING
    )


def _stands(gate: Gate, before: GateAnswer | None, news: GateAnswer | None, now: int, *, was_asked: bool) -> GateAnswer:
    """How one gate stands. Its time runs from when it began to be waited for, which may be later than the decision."""
    before = before if before is not None and before.is_of(gate) else waited_for(gate, now)
    news = news if news is not None and news.is_of(gate) else None
    if before.state in ANSWERED:
        return before
    if news is not None and news.state in ANSWERED and news.at >= before.at:
        return replace(news, message=news.message[:LONGEST_MESSAGE])
    if before.state is GateState.WAITING and was_asked and now >= before.at + gate.timeout_seconds:
        message = f"it did not open within {in_duration(gate.timeout_seconds)}"
        return GateAnswer(gate.name, GateState.TIMED_OUT, now, message, asks=before.asks)
    if news is not None and before.state is GateState.WAITING:
        return replace(before, message=news.message[:LONGEST_MESSAGE], job_uid=news.job_uid or before.job_uid)
    return before
