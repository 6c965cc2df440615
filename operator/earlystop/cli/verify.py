"""kubectl earlystop verify: a verdict recomputed from what is stored in it, and the verdicts before it followed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from earlystop.api.look_table import number_of_looks
from earlystop.api.plurals import counted
from earlystop.cli.connection import read_object
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.files.policies import read_manifest
from earlystop.cli.records import Record, is_file, named_by, offering_files, read_records, records_in_cluster
from earlystop.cli.terminal import say
from earlystop.cli.verify_chain import published_in_status, reports, say_published, say_reports
from earlystop.controller.resources import VERDICTS
from earlystop.rollout.record.chain_report import missing_heads
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.verify.verdict import chain_differences, object_differences


def verify_record(
    *,
    verdict: list[str] | None,
    file: Path | None,
    chain: bool,
    statement: Path | None,
    extract: Path | None,
    key: Path | None,
    head: list[str] | None,
    everywhere: bool,
    lease: str | None,
    namespace: str | None,
    context: str | None,
) -> None:
    """Print where a verdict, a record or a statement differs from what is recomputed.

    Raises CommandFailure, or typer.Exit with 1 where something is wrong.
    """
    names = named_by(verdict or [], file)
    if statement is not None and not (names or chain):
        from earlystop.cli.statement import verify_statement  # here, since the other ways to verify need none of it

        _say_problems(verify_statement(statement, extract, key))
        return
    if statement is not None or extract is not None or key is not None:
        raise typer.BadParameter("Write --statement FILE alone, with --key FILE or --extract DIRECTORY if you like.")
    if chain:
        if lease is not None and names:
            raise typer.BadParameter("--lease is about all verdicts that the operator watches; name none beside it.")
        records = read_records(names, namespace, context, everywhere=everywhere)
        whole = say_reports(reports(records, head or ()))
        if lease is not None:
            whole = say_published(lease, context, records) and whole
        raise typer.Exit(0 if whole else FAILED)
    if len(names) != 1 or head or everywhere or lease:
        raise typer.BadParameter(
            "Name one verdict, or write --chain for the whole record of a policy, or --statement FILE alone. A verdict "
            "is named by its name in the cluster or by --file FILE."
        )
    _verify(names[0], namespace, context)


def _verify(verdict: str, namespace: str | None, context: str | None) -> None:
    from_file = is_file(verdict)
    if from_file:
        found = read_manifest(Path(verdict), "EarlyStopVerdict")
    else:
        with offering_files(verdict):
            found = asyncio.run(read_object(VERDICTS, namespace, context, verdict))
    try:
        problems = object_differences(found)
        if not from_file:
            beside = asyncio.run(records_in_cluster(found["metadata"]["namespace"], context, found["spec"]["policy"]))
            record = next(iter(beside.values()), Record())
            removed, last = links_of(record.checkpoints)[0], str(found["metadata"]["name"])
            problems += chain_differences(found, record.verdicts, removed)
            problems += missing_heads(published_in_status(record.policies), record.verdicts, removed, last)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CommandFailure(f"{verdict} is not an EarlyStopVerdict that this release can read: {first}.") from None
    _say_problems(problems)
    spec, looks = found["spec"], number_of_looks(found["spec"])
    if spec.get("approvedBy"):
        say(f"Approved by {', '.join(spec['approvedBy'])}, who were asked about {spec['proposalDigest']}.")
    if spec.get("requestedBy"):
        asked = (
            f"{spec['decision']} of {spec['candidate']} was asked for by {spec['requestedBy']}; its "
            f"{counted(looks, 'look')},"
        )
        say(f"{asked} e-values and digest are right.", colour="green")
    else:
        say(f"{spec['decision']} of {spec['candidate']} follows from its {counted(looks, 'look')}.", colour="green")
    if spec.get("guard"):
        say(guard_sentence(spec["guard"]), colour="green")


def guard_sentence(guard: Mapping[str, Any]) -> str:
    """What of a guard's alarm was recomputed, and what had to be believed."""
    kept = number_of_looks(guard)
    before = guard["looksTaken"] - kept
    unseen = (
        f"; the {counted(before, 'look')} before them are in its checkpoint alone, and are believed" if before else ""
    )
    named = " and ".join((guard.get("culprit") or {}).get("named", ()))
    culprit = f" So does what has moved ({named}), with what is recorded of the time before." if named else ""
    return f"The guard's alarm follows from its last {counted(kept, 'look')}{unseen}.{culprit}"


def _say_problems(problems: Iterable[str]) -> None:
    """Print what is wrong, a sentence a line, and end with 1 where anything is."""
    found = list(problems)
    for sentence in found:
        say(sentence, colour="red")
    if found:
        raise typer.Exit(FAILED)
