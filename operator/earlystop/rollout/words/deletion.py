"""What is said of a policy that was deleted, and whose object the finalizers of others keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.rollout.words.event_note import EventNote
from earlystop.rollout.words.listing import some_of

BEING_DELETED = "BeingDeleted"
MOST_NAMED = 3
UNNAMED = ""
"""Stands for what keeps a deleted object that has no finalizer: it goes at the next moment."""
WHO_DELETED = "whoever deleted the policy"
"""By whom the campaign was ended, in its record: only the API server's audit log tells who deletes an object."""


def held_by(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The finalizers of others that keep a policy's object after it was deleted, `UNNAMED` for none; empty while it was
    not deleted. metadata: of the object."""
    return tuple(metadata.get("finalizers") or (UNNAMED,)) if metadata.get("deletionTimestamp") else ()


def deletion_note(held_by: Sequence[str]) -> EventNote:
    """The event that tells of it. held_by: the finalizers."""
    return EventNote(BEING_DELETED, "EndCampaign", deletion_message(held_by), warning=True)


def deletion_refusal(held_by: Sequence[str]) -> Refusal:
    """Why such a policy begins nothing."""
    return Refusal(BEING_DELETED, deletion_message(held_by))


def deletion_message(held_by: Sequence[str]) -> str:
    """What keeps the object, what goes on meanwhile, and what ends that. held_by: the finalizers; one without a name
    stands for none."""
    named = some_of(held_by, MOST_NAMED)
    kept = f"the finalizers {named} keep its object" if len(held_by) > 1 else f"the finalizer {named} keeps its object"
    why = f"The policy was deleted, and {kept if named else 'its object is still there'}."
    return (
        f"{why} Its campaign ends: all requests get the baseline, and no other one begins. The object goes once "
        "nothing keeps it; whoever put a finalizer there removes it."
    )
