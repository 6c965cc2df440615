"""What the operator remembers of asking a policy's gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earlystop.rollout.awaited import AwaitedDecision
from earlystop.rollout.gates import GateAnswer


@dataclass(slots=True)
class GateMemory:
    """What gates have answered, which is not stored yet. It may be lost: they are asked again.

    awaited: the decision that the answers are about, None before the first. answers: by gate. begun: gates that are
    asked, with the policy's generation.
    """

    awaited: AwaitedDecision | None = None
    answers: dict[str, GateAnswer] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    def begin(self, gate: str, awaited: AwaitedDecision, generation: int) -> bool:
        """A gate is to be asked about a decision. Returns whether it is not asked already."""
        self._be_about(awaited)
        is_new = self.begun.get(gate) != generation
        self.begun[gate] = generation
        return is_new

    def note(self, awaited: AwaitedDecision, answer: GateAnswer) -> bool:
        """A gate has answered. Returns whether that is news."""
        self._be_about(awaited)
        before = self.answers.get(answer.gate)
        self.answers[answer.gate] = answer
        return before is None or (before.state, before.message) != (answer.state, answer.message)

    def about(self, awaited: AwaitedDecision) -> Mapping[str, GateAnswer]:
        """What was answered to this decision."""
        return self.answers if self._is_about(awaited) else {}

    def _be_about(self, awaited: AwaitedDecision) -> None:
        if not self._is_about(awaited):
            self.awaited, self.answers, self.begun = awaited, {}, {}

    def _is_about(self, awaited: AwaitedDecision) -> bool:
        known = self.awaited
        return known is not None and (known.candidate, known.since) == (awaited.candidate, awaited.since)
