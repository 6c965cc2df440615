"""Occurrences for the tests."""

from __future__ import annotations

from earlystop.api.hooks import Hook, OccurrenceKind
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, VerdictFacts
from tests.unit.rollout.policies import NOW, UID

POLICY = PolicyIdentity("llm", "qa", UID)
VERDICT = VerdictFacts(
    name="qa-r1",
    digest="sha256:0f",
    decision="RollBack",
    candidate="w10",
    effect="-3.1 [-5.0, -1.2]",
    saving="31 % [28 %, 34 %]",
    requested_by="",
)
"""What a verdict says, as an occurrence repeats it."""


def occurred(
    kind: OccurrenceKind = OccurrenceKind.ROLLED_BACK,
    number: int = 0,
    verdict: VerdictFacts | None = VERDICT,
    sentence: str = "The candidate loses more than the margin.",
) -> Occurrence:
    """One occurrence of the policy's first campaign."""
    return Occurrence(
        kind=kind,
        at=NOW,
        campaign=1,
        revision="r1",
        reason="ExactMatchHarm",
        sentence=sentence,
        number=number,
        verdict=verdict,
    )


def hook(name: str = "chat", *on: OccurrenceKind) -> Hook:
    """A hook that is told of these kinds; of all without any."""
    return Hook.model_validate({"name": name, "targetRef": {"name": "receiver"}, **({"on": list(on)} if on else {})})
