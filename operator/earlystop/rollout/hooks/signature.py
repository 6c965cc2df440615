"""Signing of webhooks by the Standard Webhooks specification 1.0.0 (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
LEAST_BYTES = 24


class UnusableKey(ValueError):
    """What a Secret holds is no key to sign with; the message says what is wrong with it, and nothing of its value."""


def signing_keys(value: bytes) -> tuple[bytes, ...]:
    """The keys that the value of a Secret holds, one a line. Raises UnusableKey for none, or one that is unfit."""
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if not lines:
        raise UnusableKey("is empty")
    return tuple(map(_key, lines))


def signed_headers(keys: tuple[bytes, ...], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that identify and sign a message. at: Unix seconds of this attempt. Without keys it is not signed."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at)}
    if keys:
        content = f"{message_id}.{at}.".encode() + body
        digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
        headers["webhook-signature"] = " ".join(f"v1,{base64.b64encode(each).decode()}" for each in digests)
    return headers


def _key(line: bytes) -> bytes:
    key = line
    if line.startswith(PREFIX.encode()):
        try:
            key = base64.b64decode(line[len(PREFIX) :], validate=True)
        except binascii.Error:
            raise UnusableKey(f"has {PREFIX} before what is no base64") from None
    if len(key) < LEAST_BYTES:
        raise UnusableKey(f"has fewer than {LEAST_BYTES} bytes; write a random key, for example of 32 bytes")
    return key
