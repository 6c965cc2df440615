"""One thing that happened to a policy, as it is kept until it is told, and the id by which receivers know it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from earlystop.api.hooks import OccurrenceKind

ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """Which policy it is: its names, and its UID, which no other policy ever has."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFacts:
    """The verdict that an occurrence is about.

    name, digest: of the EarlyStopVerdict. decision: what it decides. candidate: its name. effect, saving: with their
    intervals, as people read them. requested_by: who asked for it, "" where the evidence or a deadline did.
    culprit: what has moved before a guard's alarm, joined by commas; "" of other decisions.
    """

    name: str
    digest: str
    decision: str
    candidate: str
    effect: str
    saving: str
    requested_by: str = ""
    culprit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that happened to a policy.

    number: counts the occurrences of the policy, from 1; 0 before it has its place among them. at: Unix seconds.
    campaign, revision: of the campaign in which it happened. reason: in one word. sentence: for a person, "" where an
    operator was restarted and it is worked out anew (`words`): a status keeps neither it nor the verdict's facts.
    verdict: None where it is about none, or while only `decision` is known of it. decision: which one of its campaign
    it is about, from 1; 0 for none. gate: name of the gate that it is about, "" for none. proposal: the candidate
    and its settings by name, in questions to gates, which no status keeps.
    """

    kind: OccurrenceKind
    at: int
    campaign: int
    revision: str
    reason: str
    sentence: str = field(default="", compare=False)
    number: int = 0
    verdict: VerdictFacts | None = field(default=None, compare=False)
    gate: str = ""
    proposal: tuple[tuple[str, str], ...] = ()
    decision: int = 0

    @property
    def is_question(self) -> bool:
        """Whether it asks a gate, where one of the same kind without a proposal tells of what a gate has said."""
        return bool(self.proposal)


def occurrence_id(uid: str, occurrence: Occurrence) -> str:
    """The same text whenever the same occurrence is told again, and of no other one: who receives it twice may go by
    this. The revision is random text, so that a status which was lost and begins anew repeats none."""
    identity = f"{uid}/{occurrence.revision}/{occurrence.kind.value}/{occurrence.number}/{occurrence.gate}"
    identity += "".join(f"/{name}={value}" for name, value in occurrence.proposal)
    return hashlib.sha256(identity.encode()).hexdigest()[:ID_DIGITS]
