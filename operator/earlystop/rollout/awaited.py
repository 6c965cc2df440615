"""A favourable decision that waits for people, as the state of a rollout holds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwaitedDecision:
    """A promotion, or a report, that is not carried out before everybody who must agree has agreed.

    Its words and numbers are not kept: it is decided anew, with the evidence of then, once it may act.

    candidate: name of the one that it is about, or of the foremost one. reason: the reason constant of the decision.
    since: when it was proposed, Unix seconds. requested_by: who asked for it, in words; "" when the evidence did.
    """

    candidate: str
    reason: str
    since: int
    requested_by: str = ""

    @property
    def by_evidence(self) -> bool:
        """Whether the evidence has decided: only then does the campaign wait with it."""
        return not self.requested_by
