"""The signature beside a person's request: an annotation that says who asked for which value, and when.

The API server admits a signature that is added or changed only from the user whom it names, and only for the value that
the same write leaves behind (ValidatingAdmissionPolicy `…-signatures`). So it vouches for one value and no other.
"""

from __future__ import annotations

import re

from earlystop.api.wire import GROUP

# What people request of a policy: three by an annotation each, and a pause by `spec.suspend`.
ABORT = "abort"
PROMOTE = "promote"
RETRY = "retry"
SUSPEND = "suspend"

_TIME = r"[0-9TZ:.+-]{1,40}"


def annotation_of(verb: str) -> str:
    """Name of the annotation that requests a verb."""
    return f"{GROUP}/{verb}"


def signature_annotation(verb: str) -> str:
    """Name of the annotation that signs a verb's value."""
    return f"{GROUP}/{verb}-by"


def signature(user: str, value: str, time: str) -> str:
    """The signature of a user for a value. time: RFC 3339, so that no two signatures are the same."""
    return f"{user} for {value} at {time}"


def signer_of(text: str, value: str) -> str | None:
    """The user whose signature for a value this text is; None where it signs for another value, or for nothing."""
    found = re.fullmatch(rf"(?P<user>.+?) for {re.escape(value)}(?: at {_TIME})?", text) if value else None
    return None if found is None else found["user"]
