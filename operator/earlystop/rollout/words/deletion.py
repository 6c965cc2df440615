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


def deletion_note(finalizers: Sequence[str]) -> EventNote:
    """The event that tells of it. finalizers: as `held_by` gives them."""
    return EventNote(BEING_DELETED, "EndCampaign", deletion_message(finalizers), warning=True)


def deletion_refusal(finalizers: Sequence[str]) -> Refusal:
    """Why such a policy begins nothing. finalizers: as `held_by` gives them."""
    return Refusal(BEING_DELETED, deletion_message(finalizers))


def deletion_message(finalizers: Sequence[str]) -> str:
    """What keeps the object, what goes on meanwhile, and what ends that. finalizers: as `held_by` gives them."""
    named, several = some_of(finalizers, MOST_NAMED), len(finalizers) > 1
    kept = f"the finalizers {named} keep its object" if several else f"the finalizer {named} keeps its object"
    why = f"The policy was deleted, and {kept if named else 'its object is still there'}."
    return (
        f"{why} Its campaign ends: all requests get the baseline, and no other one begins. The object goes once "
        "nothing keeps it; whoever put a finalizer there removes it."
    )
