"""Asks the gates of policies whose promotion or step waits, until they answer; looks and harm go on meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from earlystop.controller.hooks.ask_gate import GateAsker, question
from earlystop.controller.hooks.channel import HookProblem
from earlystop.controller.hooks.gate_subject import is_answered, known_answer, memory_of, subject_of
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from earlystop.controller.scheduler import Scheduler
from earlystop.rollout.waiting.gates import ANSWERED, GateAnswer, GateState, asked_by

AT_ONCE = 64
LOOK_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 60.0
_SEPARATOR = "/"

log = logging.getLogger(__name__)


class GateKeeper:
    """Asks gates by a queue of due times with a key for each gate.

    tracked: the policies that the operator tracks. wake: has one reconciled, which stores what was answered. clock:
    Unix seconds.
    """

    def __init__(
        self,
        asker: GateAsker,
        tracked: Mapping[Key, TrackedPolicy],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        self._asker = asker
        self._tracked = tracked
        self._wake = wake
        self._clock = clock
        self.scheduler = Scheduler(self.attend, clock, AT_ONCE)

    def look_at(self, tracked: TrackedPolicy) -> None:
        """A policy was reconciled: whatever gate its stored decision, or its stored step, waits for is asked."""
        for gate in tracked.spec.rollout.gates or ():
            subject = subject_of(tracked, gate)
            if subject is None or is_answered(tracked, gate, subject):
                continue
            known = known_answer(tracked.status.stored, gate, subject)
            if known is not None:
                memory_of(tracked, gate).forget_before(gate.name, known.at)
            if memory_of(tracked, gate).begin(gate.name, subject, tracked.generation):
                self.scheduler.wake((tracked.namespace, f"{tracked.name}{_SEPARATOR}{gate.name}"))

    async def attend(self, key: Key) -> float | None:
        """Ask one gate. key: the policy's namespace; its name and the gate's. Returns when to ask again, in Unix
        seconds; None once it has answered, or nothing waits for it."""
        namespace, (name, _, gate_name) = key[0], key[1].partition(_SEPARATOR)
        tracked = self._tracked.get((namespace, name))
        gates = () if tracked is None else tracked.spec.rollout.gates or ()
        gate = next((each for each in gates if each.name == gate_name), None)
        subject = None if tracked is None or gate is None else subject_of(tracked, gate)
        if tracked is None or gate is None or subject is None or is_answered(tracked, gate, subject):
            return None
        state, now, wait = tracked.status.stored, int(self._clock()), 0.0
        known = known_answer(state, gate, subject)
        try:
            about = question(state, gate.name, subject)
            answer = await self._asker.ask(tracked.identity, gate, about, known, now)
        except HookProblem as problem:
            answer, wait = GateAnswer(gate.name, GateState.WAITING, now, problem.message), problem.wait_seconds
        except Exception as error:
            # A fault that one gate provokes must not stop the others. Its words might hold a secret.
            log.error("gate %s could not be asked: %s", gate.name, type(error).__name__, extra=tracked.log_fields)
            answer = GateAnswer(gate.name, GateState.WAITING, now, "it could not be asked")
        if memory_of(tracked, gate).note(subject, replace(answer, asks=asked_by(gate))):
            log.info("gate %s: %s", gate.name, answer.state.value, extra=tracked.log_fields)
            self._wake(tracked.key)
        pause = min(LONGEST_PAUSE_SECONDS, LOOK_SECONDS + (now - subject.since) / 10)
        # Whatever a receiver asks for, it is asked once more before its time is over.
        left = (subject.since if known is None else known.at) + gate.timeout_seconds - LOOK_SECONDS - now
        return None if answer.state in ANSWERED else self._clock() + max(pause, min(wait, left))
