"""Receipts of answers: by one, a vote or a label that comes later is counted where the request was.

    receipts = Receipts(read_keys("/etc/earlystop/receipts/key"))      # the same file for all servers and the endpoint
    headers["x-early-stop-response"] = receipts.issue(assignment, arrived, is_scored=False)

A receipt is the assignment itself, sealed: nobody has to remember an answer, and no client can make a receipt, change
one, or read in it which variant answered, which would allow votes against one variant alone. It is sealed as in SIV
(Rogaway and Shrimpton, 2006): the first bytes authenticate the text and seed the key stream that hides it, so a random
number that came twice would give away no more than that the texts are equal. Its length does not depend on the variant.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from earlystop.api.wire import USER_GROUPS
from earlystop.exporter.assignment import Assignment, is_exposable, is_variant

LEAST_KEY = 32
"""Characters of a key at least."""
MOST_CHARACTERS = 2048
"""Of a receipt; with the longest names that a policy can have it takes some 900."""
_TAG_BYTES = 16
_LONGEST_VARIANT = 64
_FIELDS = 9
_NO_GROUP = "--"


class ReceiptKeyError(ValueError):
    """A file of keys that cannot be used. The message says which, why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says of an answer.

    identity: 16 bytes, of this receipt alone, however its text is written. assignment: how the request was counted; its
    token is not in it. arrived: Unix second at which the request came. is_scored: whether the server has scored the
    answer itself, or tried to, so that no label may be counted.
    """

    identity: bytes
    assignment: Assignment
    arrived: int
    is_scored: bool


class Receipts:
    """Seals receipts with the first of these keys, and opens those that were sealed with any. No repr holds a key."""

    def __init__(self, keys: Sequence[bytes], random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        if not keys:
            raise ValueError("there is no key to seal receipts with; give one or more")
        self._keys = [(_derived(key, b"authenticity"), _derived(key, b"secrecy")) for key in keys]
        self._random_bytes = random_bytes

    def issue(self, assignment: Assignment, arrived: float, *, is_scored: bool) -> str:
        """The receipt of an answer, as the value of a header; "" for one that counts for no campaign.

        arrived: Unix seconds at which the request came, not those of its answer: slow answers are labelled in the same
        moment as fast ones then. is_scored: as in `Receipt`.
        """
        if assignment.is_forged or not is_exposable(assignment) or not is_variant(assignment.variant):
            return ""
        group = _NO_GROUP if assignment.group is None else f"{assignment.group:02d}"
        words = (
            assignment.policy,
            assignment.revision,
            str(assignment.step),
            assignment.query_class,
            group,
            str(int(arrived)),
            str(int(is_scored)),
            self._random_bytes(12).hex(),
            str(assignment.variant).ljust(_LONGEST_VARIANT),
        )
        return _sealed(*self._keys[0], "\n".join(words).encode())

    def open(self, text: str) -> Receipt | None:
        """What a receipt says; None for one that was sealed with none of the keys, or changed since."""
        if len(text) > MOST_CHARACTERS or not text.isascii():
            return None
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        opened = (_opened(*each, sealed) for each in self._keys)
        found = next((plain for plain in opened if plain is not None), None)
        return None if found is None else _receipt(sealed[:_TAG_BYTES], found)


def read_keys(path: str | os.PathLike[str]) -> tuple[bytes, ...]:
    """The keys in a file, one a line: the first one seals, and those after it are of receipts that are still out.

    Raises ReceiptKeyError for a file that cannot be read, holds none, or one that could be guessed.
    """
    how = "write a line of 32 or more random characters, such as `openssl rand -hex 32` prints"
    try:
        lines = Path(path).read_text("ascii").split("\n")
    except OSError as error:
        raise ReceiptKeyError(f"the keys in {path} cannot be read ({error.strerror}); mount the Secret there") from None
    except UnicodeDecodeError:
        raise ReceiptKeyError(f"{path} holds no keys, since it is no ASCII text; {how}") from None
    keys = [line.strip() for line in lines if line.strip()]
    if not keys:
        raise ReceiptKeyError(f"{path} holds no key; {how}")
    for number, key in enumerate(keys, start=1):
        if len(key) < LEAST_KEY or len(set(key)) < LEAST_KEY // 4:
            raise ReceiptKeyError(f"key {number} in {path} could be guessed; {how}")
    return tuple(key.encode() for key in keys)


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, b"earlystop receipt, " + purpose, hashlib.sha256).digest()


def _sealed(authenticity: bytes, secrecy: bytes, plain: bytes) -> str:
    tag = _tag(authenticity, plain)
    return base64.urlsafe_b64encode(tag + _hidden(secrecy, tag, plain)).decode().rstrip("=")


def _opened(authenticity: bytes, secrecy: bytes, sealed: bytes) -> bytes | None:
    tag = sealed[:_TAG_BYTES]
    plain = _hidden(secrecy, tag, sealed[_TAG_BYTES:])
    return plain if hmac.compare_digest(tag, _tag(authenticity, plain)) else None


def _tag(authenticity: bytes, plain: bytes) -> bytes:
    return hmac.new(authenticity, plain, hashlib.sha256).digest()[:_TAG_BYTES]


def _hidden(secrecy: bytes, tag: bytes, text: bytes) -> bytes:
    """The text under a key stream of its own; once more, and it is plain again."""
    stream = hashlib.shake_256(secrecy + tag).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))


def _receipt(identity: bytes, plain: bytes) -> Receipt | None:
    """The receipt that the text holds, None for one that a later release has written otherwise."""
    words = plain.decode("ascii", "replace").split("\n")
    if len(words) != _FIELDS:
        return None
    policy, revision, step, query_class, group, arrived, is_scored, _, variant = words
    try:
        known = None if group == _NO_GROUP else int(group) % USER_GROUPS
        assignment = Assignment(policy, revision, int(step), variant.rstrip(), query_class, known_group=known)
        return Receipt(identity, assignment, int(arrived), is_scored != "0")
    except ValueError:
        return None
