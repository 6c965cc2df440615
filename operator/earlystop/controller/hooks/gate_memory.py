"""What the operator remembers of asking a policy's gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earlystop.rollout.gates import GateAnswer


@dataclass(slots=True)
class GateMemory:
    """What gates have answered, which is not stored yet. It may be lost: they are asked again.

    since: of the decision that the answers are about. answers: by gate. begun: gates that are asked, with the policy's
    generation.
    """

    since: int = 0
    answers: dict[str, GateAnswer] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    def begin(self, gate: str, since: int, generation: int) -> bool:
        """A gate is to be asked about a decision. Returns whether it is not asked already."""
        self._be_about(since)
        is_new = self.begun.get(gate) != generation
        self.begun[gate] = generation
        return is_new

    def note(self, since: int, answer: GateAnswer) -> bool:
        """A gate has answered. Returns whether that is news."""
        self._be_about(since)
        before = self.answers.get(answer.gate)
        self.answers[answer.gate] = answer
        return before is None or (before.state, before.message) != (answer.state, answer.message)

    def about(self, since: int) -> Mapping[str, GateAnswer]:
        """What was answered to the decision that waits since then."""
        return self.answers if self.since == since else {}

    def _be_about(self, since: int) -> None:
        if self.since != since:
            self.since, self.answers, self.begun = since, {}, {}
