"""A favourable decision that waits for people, as the state of a rollout holds it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwaitedDecision:
    """A promotion, or a report, that is not carried out before everybody who must agree has agreed.

    Its words and numbers are not kept: it is decided anew, with the evidence of then, once it may act.

    candidate: name of the one that it is about, or of the foremost one. reason: the reason constant of the decision.
    since: when it was proposed, Unix seconds; its time runs from then. requested_by: who asked for it, in words; ""
    when the evidence did. class_map: names of query classes, each with the candidate that it would get. replaces: why
    it took the place of another proposal, in a sentence; "" where none waited. answers_from: since when people have
    been asked about the very same, Unix seconds; None for `since`.
    """

    candidate: str
    reason: str
    since: int
    requested_by: str = ""
    class_map: tuple[tuple[str, str], ...] = ()
    replaces: str = ""
    answers_from: int | None = None

    def is_same_as(self, other: AwaitedDecision) -> bool:
        """Whether it is the same proposal, and no other one about the same candidate."""
        return (self.candidate, self.since) == (other.candidate, other.since)

    @property
    def by_evidence(self) -> bool:
        """Whether the evidence has decided: only then does the campaign wait with it."""
        return not self.requested_by
