"""A verdict as an in-toto statement in a DSSE envelope, for whoever trusts a key and not this cluster.

The statement (in-toto Statement v1) has the whole record as its predicate, so that it can be recomputed without a
cluster. The envelope (DSSE v1) carries signatures: this computes what is to be signed, and sees no key. Who signs is
openssl, a key management service, or the command line (`cli.signing`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.json_once import read_json
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.verdict import digest_of
from earlystop.rollout.verify.verdict import differences

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://earlystop.dev/verdict/v1"
PAYLOAD = "application/vnd.in-toto+json"
TOLD = (
    "policy",
    "policyUid",
    "revision",
    "decision",
    "reason",
    "message",
    "at",
    "candidate",
    "settings",
    "effect",
    "saving",
)
"""Fields of the record that the predicate repeats for people, and for those who cannot read the whole."""
LARGEST_SIGNATURE = 4096
"""Bytes; a signature by the largest RSA key in use has 2,048."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an envelope holds. payload: the statement, as it was signed. signatures: key id and bytes of each."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]


def statement_of(verdict: Mapping[str, Any]) -> bytes:
    """The statement about a verdict, always the same bytes. Raises ValueError, KeyError or TypeError where it is none,
    ValueError as well where it was changed after it was made."""
    spec, metadata = verdict["spec"], verdict["metadata"]
    if digest_of(spec) != spec["digest"]:
        raise ValueError("the digest does not belong to this record: it was changed after it was made")
    namespace, name = str(metadata.get("namespace", "")), str(metadata["name"])
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": _subject(namespace, name), "digest": {"sha256": _hex(spec["digest"])}}],
        "predicateType": PREDICATE,
        "predicate": {
            "namespace": namespace,
            "verdict": name,
            "engine": parse_plan(spec["plan"]).objective.engine,
            **{field: spec[field] for field in TOLD},
            "record": spec,
        },
    }
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _subject(namespace: str, name: str) -> str:
    return f"earlystop.dev/EarlyStopVerdict/{namespace}/{name}"


def _hex(digest: object) -> str:
    return str(digest).removeprefix("sha256:")


def to_sign(payload: bytes) -> bytes:
    """What a signature of an envelope is over: DSSE's pre-authentication encoding of its payload."""
    kind = PAYLOAD.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def enveloped(payload: bytes, key_id: str, signature: bytes) -> dict[str, Any]:
    """The envelope with one signature. Raises ValueError for one that is empty, or too large for a signature."""
    if not 0 < len(signature) <= LARGEST_SIGNATURE:
        raise ValueError(f"a signature has 1 to {LARGEST_SIGNATURE} bytes, and this has {len(signature)}")
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def opened(envelope: Mapping[str, Any]) -> Envelope:
    """What an envelope holds. Raises ValueError where it is none of a statement, or has no signature."""
    if envelope.get("payloadType") != PAYLOAD:
        raise ValueError(f"its payloadType is {envelope.get('payloadType')!r}, not {PAYLOAD}")
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise ValueError("it has no signature")
    try:
        payload = base64.b64decode(str(envelope.get("payload", "")), validate=True)
        read = [(str(each.get("keyid", "")), base64.b64decode(str(each["sig"]), validate=True)) for each in signatures]
    except (binascii.Error, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its payload or a signature is not in base64 ({error})") from None
    if not payload or not all(signature for _, signature in read):
        raise ValueError("its payload or a signature is empty")
    return Envelope(payload, tuple(read))


def statement_differences(payload: bytes) -> list[str]:
    """Where a statement is not what its record gives, one sentence each; none where it can be recomputed. Raises
    ValueError where it is no statement about a verdict."""
    try:
        statement = read_json(payload)
        predicate = statement["predicate"]
        record, subjects = predicate["record"], statement["subject"]
        kinds = statement["_type"], statement["predicateType"]
        told = {field: predicate[field] for field in TOLD}
        named, engine = _subject(predicate["namespace"], predicate["verdict"]), predicate["engine"]
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is no statement about a verdict ({error})") from None
    if kinds != (STATEMENT, PREDICATE):
        raise ValueError(
            f"it is a statement {kinds[0]} with the predicate {kinds[1]}, not {STATEMENT} with {PREDICATE}"
        )
    problems = differences(record)
    if subjects != [{"name": named, "digest": {"sha256": _hex(record["digest"])}}]:
        problems.append("The subject of the statement is not the record in it.")
    if told != {field: record[field] for field in TOLD} or engine != parse_plan(record["plan"]).objective.engine:
        problems.append("What the statement tells of the record is not what the record says.")
    return problems
