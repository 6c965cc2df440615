"""What people request of a policy by annotations, and who they are. The operator reads annotations and writes none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from earlystop.api.wire import ABORT_ANNOTATION, PROMOTE_ANNOTATION, REQUESTED_BY_ANNOTATION, RETRY_ANNOTATION
from earlystop.rollout.event_notes import EventNote
from earlystop.rollout.manual import Request, printable
from earlystop.rollout.state import RolloutState

LONGEST_VALUE = 128
LONGEST_NAME = 253
SUSPEND: tuple[str, ...] = ("f:spec", "f:suspend")


class PolicyRequests(NamedTuple):
    """What people request of a policy.

    abort, promote, retry: the annotations' values with their requesters.
    suspended_by: who, in words, last changed `spec.suspend`.
    """

    abort: Request = Request("", "")
    promote: Request = Request("", "")
    retry: Request = Request("", "")
    suspended_by: str = ""


def requests_in(manifest: Mapping[str, Any]) -> PolicyRequests:
    """The requests in the annotations of a policy."""
    return PolicyRequests(
        abort=_request(manifest, ABORT_ANNOTATION),
        promote=_request(manifest, PROMOTE_ANNOTATION),
        retry=_request(manifest, RETRY_ANNOTATION),
        suspended_by=requested_by(manifest, SUSPEND),
    )


def _request(manifest: Mapping[str, Any], name: str) -> Request:
    """An annotation's value, at most LONGEST_VALUE characters of it, and its requester; both "" when there is none."""
    text = _annotation(manifest, name)[:LONGEST_VALUE]
    return Request(text, requested_by(manifest, field_of(name)) if text else "")


def _annotation(manifest: Mapping[str, Any], name: str) -> str:
    return str((manifest["metadata"].get("annotations") or {}).get(name, ""))


def field_of(name: str) -> tuple[str, ...]:
    """The path by which managedFields name an annotation."""
    return ("f:metadata", "f:annotations", f"f:{name}")


def requested_by(manifest: Mapping[str, Any], field: tuple[str, ...]) -> str:
    """The requester of a field's value, in words.

    That is the user who signed, whose name the API server has checked (ValidatingAdmissionPolicy), else the field
    manager that last wrote the field, a name that its writer chose and nobody checked.
    """
    signed = _annotation(manifest, REQUESTED_BY_ANNOTATION)
    if signed:
        return f"user {printable(signed, LONGEST_NAME)}"
    manager = _manager_of(manifest, field)
    return f"field manager {printable(manager, LONGEST_NAME)}, name not verified" if manager else "someone unnamed"


def signed(requests: PolicyRequests, before: RolloutState, after: RolloutState, note: EventNote) -> EventNote:
    """A note of a pause, its end, or a retry, with its requester; any other note as it is."""
    if note.reason in ("Suspended", "Resumed"):
        by = requests.suspended_by
    elif note.reason == "CampaignStarted" and before.campaign and _retry(before) != _retry(after):
        by = requests.retry.by
    else:
        return note
    return replace(note, message=f"Asked for by {by}: {note.message}")


def _retry(state: RolloutState) -> str:
    return str(json.loads(state.pinned_plan.text).get("retry", ""))


def _manager_of(manifest: Mapping[str, Any], field: tuple[str, ...]) -> str:
    owners = [entry for entry in manifest["metadata"].get("managedFields") or () if _owns(entry, field)]
    if not owners:
        return ""
    newest = max(owners, key=lambda entry: str(entry.get("time", "")))
    return str(newest.get("manager", ""))


def _owns(entry: Mapping[str, Any], field: tuple[str, ...]) -> bool:
    fields: Any = entry.get("fieldsV1")
    for name in field:
        if not isinstance(fields, Mapping) or name not in fields:
            return False
        fields = fields[name]
    return True
