"""What people ask of a policy by annotations, and who they say they are. Annotations are read, never written."""

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
    """What people ask of a policy, and who, in words, was the last to change whether it is suspended."""

    abort: Request = Request("", "")
    promote: Request = Request("", "")
    retry: Request = Request("", "")
    suspended_by: str = ""


def requests_in(manifest: Mapping[str, Any]) -> PolicyRequests:
    """What the annotations of a policy ask for."""
    return PolicyRequests(
        abort=_request(manifest, ABORT_ANNOTATION),
        promote=_request(manifest, PROMOTE_ANNOTATION),
        retry=_request(manifest, RETRY_ANNOTATION),
        suspended_by=requested_by(manifest, SUSPEND),
    )


def _request(manifest: Mapping[str, Any], name: str) -> Request:
    """An annotation's value, at most 128 characters of it, and who asks; both "" when there is none."""
    text = _annotation(manifest, name)[:LONGEST_VALUE]
    return Request(text, requested_by(manifest, field_of(name)) if text else "")


def _annotation(manifest: Mapping[str, Any], name: str) -> str:
    return str((manifest["metadata"].get("annotations") or {}).get(name, ""))


def field_of(name: str) -> tuple[str, ...]:
    """Where managedFields name an annotation."""
    return ("f:metadata", "f:annotations", f"f:{name}")


def requested_by(manifest: Mapping[str, Any], field: tuple[str, ...]) -> str:
    """Who asks, in words: the user who signed, whose name the API server has checked (ValidatingAdmissionPolicy), else
    the field manager that last wrote the field, which is whatever its writer says."""
    signed = _annotation(manifest, REQUESTED_BY_ANNOTATION)
    if signed:
        return f"user {printable(signed, LONGEST_NAME)}"
    manager = _manager_of(manifest, field)
    return f"field manager {printable(manager, LONGEST_NAME)}, name not verified" if manager else "someone unnamed"


def signed(asked: PolicyRequests, before: RolloutState, after: RolloutState, note: EventNote) -> EventNote:
    """A story of a pause, its end, or a retry, with who asked for it; any other as it is."""
    if note.reason in ("Suspended", "Resumed"):
        by = asked.suspended_by
    elif note.reason == "CampaignStarted" and before.campaign and _retry(before) != _retry(after):
        by = asked.retry.by
    else:
        return note
    return replace(note, message=f"Asked for by {by}: {note.message}")


def _retry(state: RolloutState) -> str:
    return str(json.loads(state.plan).get("retry", ""))


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
