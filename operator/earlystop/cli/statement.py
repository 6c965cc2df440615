"""kubectl earlystop statement: a verdict as an in-toto statement, in an envelope with a signature of your key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.connection import Context, Namespace, read_object
from earlystop.cli.documents import read_bytes, read_documents
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files import read_manifest
from earlystop.cli.records import is_file
from earlystop.cli.terminal import say
from earlystop.controller.cluster import VERDICTS
from earlystop.rollout.record.statement import Envelope, enveloped, opened, statement_differences, statement_of, to_sign

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


def command(
    verdict: Annotated[str, typer.Argument(help="Name of a verdict in the cluster, or a file with one.")],
    to_be_signed: Annotated[
        Path | None, typer.Option("--to-sign", help="Write the bytes that are to be signed to this file.")
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option(help="File with the signature over those bytes: print the envelope with it, not the statement."),
    ] = None,
    key_id: Annotated[
        str, typer.Option(help="Name of the key, for those who check: it is a hint, and not signed.")
    ] = "",
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Export a verdict as a statement to sign."""
    if is_file(verdict):
        found = read_manifest(Path(verdict), "EarlyStopVerdict")
    else:
        found = asyncio.run(read_object(VERDICTS, namespace, context, verdict))
    try:
        payload = statement_of(found)
        envelope = None if signature is None else enveloped(payload, key_id, read_bytes(signature))
    except UNREADABLE as error:
        raise CommandFailure(f"{verdict} cannot be exported: {_first(error)}.") from None
    if to_be_signed is not None:
        write_bytes(to_be_signed, to_sign(payload))
    typer.echo(payload.decode() if envelope is None else json.dumps(envelope))


def verify_statement(file: Path, extract: Path | None) -> list[str]:
    """What is wrong with the statement in an envelope, a sentence each; what is right is printed. extract: a directory
    for the bytes that were signed, and each signature. Raises CommandFailure for a file that is no envelope."""
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
    if not problems:
        keys = ", ".join(key or "(a key without a name)" for key, _ in envelope.signatures)
        where = "with --extract DIRECTORY" if extract is None else f"over {extract / 'signed'}"
        say("What the statement says follows from the looks in it.", colour="green")
        say(f"Whether {keys} signed it, openssl checks {where}: operator/docs/record.md.", colour="yellow")
    return problems


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
