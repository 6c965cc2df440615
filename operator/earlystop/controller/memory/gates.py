"""What the operator remembers of asking a policy's gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from earlystop.rollout.waiting.gates import ANSWERED, GateAnswer, GateSubject


@dataclass(slots=True)
class GateMemory:
    """What gates have answered, which is not stored yet. It may be lost: they are asked again.

    subject: what the answers are about, None before the first. answers: by gate. begun: gates that are asked, with the
    policy's generation.
    """

    subject: GateSubject | None = None
    answers: dict[str, GateAnswer] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    def begin(self, gate: str, subject: GateSubject, generation: int) -> bool:
        """A gate is to be asked about something. Returns whether it is not asked already."""
        self._be_about(subject)
        is_new = self.begun.get(gate) != generation
        self.begun[gate] = generation
        return is_new

    def forget_before(self, gate: str, at: int) -> None:
        """What a gate has answered before Unix second `at` is too old: it is to be asked again."""
        answer = self.answers.get(gate)
        if answer is not None and answer.state in ANSWERED and answer.at < at:
            del self.answers[gate]
            self.begun.pop(gate, None)

    def note(self, subject: GateSubject, answer: GateAnswer) -> bool:
        """A gate has answered. Returns whether that is news."""
        self._be_about(subject)
        before = self.answers.get(answer.gate)
        self.answers[answer.gate] = answer
        return before is None or replace(before, at=answer.at) != answer

    def about(self, subject: GateSubject) -> Mapping[str, GateAnswer]:
        """What gates have answered about one promotion or step."""
        return self.answers if self.subject == subject else {}

    def _be_about(self, subject: GateSubject) -> None:
        if self.subject != subject:
            self.subject, self.answers, self.begun = subject, {}, {}
