"""What people request of a policy, and who they are. The operator reads annotations and writes none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from earlystop.api.signatures import ABORT, PROMOTE, RETRY, SUSPEND, annotation_of, signature_annotation, signer_of
from earlystop.api.visible import printable
from earlystop.api.wire import AUTHOR_ANNOTATION
from earlystop.rollout.handled_requests import NOTHING, Request, handled_of
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_note import EventNote

LONGEST_VALUE = 128
LONGEST_NAME = 253
SUSPEND_FIELD: tuple[str, ...] = ("f:spec", "f:suspend")
STALE = "; the signature there is not for this request"


class PolicyRequests(NamedTuple):
    """What people request of a policy.

    abort, promote, retry: the annotations' values with their requesters.
    suspend: whether `spec.suspend` is set, as `true` or `false`, and who last changed it.
    author: the user who last changed what the policy tries and proves, "" where nobody knows.
    """

    abort: Request = NOTHING
    promote: Request = NOTHING
    retry: Request = NOTHING
    suspend: Request = NOTHING
    author: str = ""


def requests_in(manifest: Mapping[str, Any]) -> PolicyRequests:
    """The requests that a policy's annotations and `spec.suspend` hold."""
    return PolicyRequests(
        abort=_by_annotation(manifest, ABORT),
        promote=_by_annotation(manifest, PROMOTE),
        retry=_by_annotation(manifest, RETRY),
        suspend=_request(manifest, SUSPEND, suspend_text(manifest), SUSPEND_FIELD),
        author=_annotation(manifest, AUTHOR_ANNOTATION),
    )


def suspend_text(manifest: Mapping[str, Any]) -> str:
    """What a signature for `spec.suspend` has to say."""
    return "true" if manifest["spec"].get("suspend") else "false"


def _by_annotation(manifest: Mapping[str, Any], verb: str) -> Request:
    """The request of an annotation, at most LONGEST_VALUE characters of its value."""
    name = annotation_of(verb)
    return _request(manifest, verb, _annotation(manifest, name)[:LONGEST_VALUE], field_of(name))


def _request(manifest: Mapping[str, Any], verb: str, text: str, field: tuple[str, ...]) -> Request:
    """A request with its requester in words.

    That is the user who signed for this very value, whose name the API server has checked (ValidatingAdmissionPolicy),
    else the field manager that last wrote the field, a name that its writer chose and nobody checked.
    """
    signature = _annotation(manifest, signature_annotation(verb))
    digest = hashlib.sha256(signature.encode()).hexdigest()[:16] if signature else ""
    if not text:
        return Request("", "", "", digest)
    manager = _manager_of(manifest, field)
    unsigned = f"field manager {printable(manager, LONGEST_NAME)}, name not verified" if manager else "someone unnamed"
    stale = f"{unsigned}{STALE}" if signature else unsigned
    signer = signer_of(signature, text)
    by = stale if signer is None else f"user {printable(signer, LONGEST_NAME)}"
    return Request(text, by, stale, digest)


def _annotation(manifest: Mapping[str, Any], name: str) -> str:
    return str((manifest["metadata"].get("annotations") or {}).get(name, ""))


def field_of(name: str) -> tuple[str, ...]:
    """The path by which managedFields name an annotation."""
    return ("f:metadata", "f:annotations", f"f:{name}")


def with_requester(before: RolloutState, after: RolloutState, note: EventNote) -> EventNote:
    """A note of a pause, its end, a retry, or what this closes, with its requester; any other note as it is."""
    if note.reason in ("Suspended", "Resumed"):
        by = handled_of(after, SUSPEND).by
    elif note.reason in ("CampaignStarted", "EvidenceClosed") and _is_retried(before, after):
        by = handled_of(after, RETRY).by
    else:
        return note
    return replace(note, message=f"Asked for by {by}: {note.message}") if by else note


def _is_retried(before: RolloutState, after: RolloutState) -> bool:
    return bool(before.campaign) and before.pinned_plan.retry != after.pinned_plan.retry


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
