"""kubectl earlystop statement: a verdict as an in-toto statement, in an envelope with a signature of your key."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import typer

from earlystop.cli.connection import read_object
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.documents import read_bytes, read_documents
from earlystop.cli.files.policies import read_manifest
from earlystop.cli.records import is_file, offering_files, one_named
from earlystop.cli.signing import is_signed_by, sign
from earlystop.cli.terminal import say
from earlystop.controller.resources import SECRETS, VERDICTS
from earlystop.rollout.record.statement import Envelope, enveloped, opened, statement_differences, statement_of, to_sign
from earlystop.rollout.verify.verdict import object_differences

SECRET_KEY = "key.pem"  # noqa: S105 - the name of a field
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


def print_statement(
    *,
    verdict: str | None,
    file: Path | None,
    to_be_signed: Path | None,
    signature: Path | None,
    sign_key: Path | None,
    key_secret: str | None,
    key_id: str,
    namespace: str | None,
    context: str | None,
) -> None:
    """Print a verdict as a statement, or in an envelope with its signature. Raises CommandFailure."""
    if sum(each is not None for each in (signature, sign_key, key_secret)) > 1:
        raise typer.BadParameter(
            "Write one of --signature, --sign-key and --key-secret: an envelope gets one signature."
        )
    chosen = one_named(verdict, file, "a verdict")
    if is_file(chosen):
        found = read_manifest(Path(chosen), "EarlyStopVerdict")
    else:
        with offering_files(chosen):
            found = asyncio.run(read_object(VERDICTS, namespace, context, chosen))
    try:
        payload, problems = statement_of(found), object_differences(found)
        if problems:
            raise ValueError(f"it does not follow from its looks: {problems[0]}")
        key = _key(sign_key, key_secret, namespace, context)
        envelope = None if signature is None else enveloped(payload, key_id, read_bytes(signature))
        if key is not None:
            made, own_id = sign(key, to_sign(payload), str(sign_key or f"the Secret {key_secret}"))
            envelope = enveloped(payload, key_id or own_id, made)
    except UNREADABLE as error:
        raise CommandFailure(f"{chosen} cannot be exported: {_first(error)}.") from None
    if to_be_signed is not None:
        write_bytes(to_be_signed, to_sign(payload))
    # As bytes: what is signed are these, whatever letters the terminal knows.
    typer.echo(payload if envelope is None else json.dumps(envelope))


def _key(file: Path | None, secret: str | None, namespace: str | None, context: str | None) -> bytes | None:
    """The private key to sign with, None where none is named. Raises CommandFailure where it cannot be read."""
    if file is not None:
        return read_bytes(file)
    if secret is None:
        return None
    name, _, key = secret.partition("/")
    found = asyncio.run(read_object(SECRETS, namespace, context, name)).get("data") or {}
    if (key or SECRET_KEY) not in found:
        has = ", ".join(sorted(found)) or "no key"
        raise CommandFailure(f"The Secret {name} has no key {key or SECRET_KEY}, but {has}; write NAME/KEY.")
    return base64.b64decode(found[key or SECRET_KEY])


def verify_statement(file: Path, extract: Path | None, key: Path | None = None) -> list[str]:
    """What is wrong with the statement in an envelope, a sentence each; what is right is printed. extract: a directory
    for the bytes that were signed, and each signature. key: file with the public key that must have signed it; None for
    any. Raises CommandFailure for a file that is no envelope."""
    documents = read_documents(file)
    try:
        if len(documents) != 1:
            raise ValueError(f"it holds {len(documents)} documents")
        envelope = opened(documents[0])
        problems = statement_differences(envelope.payload)
    except UNREADABLE as error:
        raise CommandFailure(f"{file} is no envelope of a statement about a verdict: {_first(error)}.") from None
    if extract is not None:
        _extract(extract, envelope)
    if key is not None:
        problems += _unsigned(envelope, key)
    if not problems:
        say("What the statement says follows from the looks in it.", colour="green")
    if not problems and key is not None:
        say(f"It is signed by the key in {key}.", colour="green")
    if not problems and key is None:
        keys = ", ".join(key or "(a key without a name)" for key, _ in envelope.signatures)
        where = "with --extract DIRECTORY" if extract is None else f"over {extract / 'signed'}"
        say(
            f"Whether {keys} signed it, --key FILE checks, or openssl {where}: operator/docs/record.md.",
            colour="yellow",
        )
    return problems


def _unsigned(envelope: Envelope, key: Path) -> list[str]:
    """A sentence saying that no signature of the envelope is by the key; nothing where one is."""
    public, message = read_bytes(key), to_sign(envelope.payload)
    if any(is_signed_by(public, signature, message, str(key)) for _, signature in envelope.signatures):
        return []
    return [f"No signature of the envelope is by the key in {key}: it was made by another one, or changed afterwards."]


def _extract(directory: Path, envelope: Envelope) -> None:
    write_bytes(directory / "signed", to_sign(envelope.payload))
    for number, (_, signature) in enumerate(envelope.signatures, 1):
        write_bytes(directory / f"signature-{number}", signature)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises CommandFailure where that cannot be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandFailure(f"{path} cannot be written: {error.strerror or error}.") from None


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
