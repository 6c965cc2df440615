"""kubectl earlystop report: a verdict as one page that recomputes itself in a browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

import typer

from earlystop.api.plurals import counted
from earlystop.cli.connection import namespace_of
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.files.words import nearest, shown
from earlystop.cli.records import Record, records_in_cluster, records_in_files
from earlystop.cli.terminal import say
from earlystop.controller.resources import Key, Manifest
from earlystop.report.content import Report, report_of
from earlystop.report.page import page_of
from earlystop.report.trail import TrailEntry, earlier_by_evidence, is_whole, latest_first
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.verify.verdict import chain_differences

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
STANDARD_OUTPUT = Path("-")
NOT_FOLLOWED = "Earlier verdicts were not at hand, so the chain that leads to this one was not followed."


def write_report(
    output: Path,
    policy: str | None,
    file: list[Path] | None,
    verdict: str | None,
    namespace: str | None,
    context: str | None,
) -> None:
    """Write a verdict as a page, to a file or to standard output.

    Raises CommandFailure, or typer.Exit with 1 where something is wrong.
    """
    if file:
        records, where = records_in_files(file), " and ".join(map(str, file))
    elif policy is None:
        raise CommandFailure("Name a policy, or files with verdicts by --file.")
    else:
        own = namespace_of(namespace, context)
        records, where = asyncio.run(records_in_cluster(own, context, policy)), f"namespace {own}"
    asked = {
        key: record
        for key, record in records.items()
        if policy in (None, key[1]) and record.verdicts and (namespace is None or key[0] in ("", namespace))
    }
    report = _report_of(_single_record(asked, policy, where), verdict, is_all=not file)
    page = page_of(report)
    if output == STANDARD_OUTPUT:
        typer.echo(page.encode(), nl=False)  # it says itself that it is UTF-8, whatever letters the terminal knows
    else:
        _write(output, page)
    is_beside_page = output == STANDARD_OUTPUT
    for sentence in report.problems:
        say(sentence, colour="red", is_problem=is_beside_page)
    earlier = None if verdict else earlier_by_evidence(report.trail)
    if earlier is not None:
        by_person = f"A person asked for this decision. The last one that nobody asked for is {earlier.decision}"
        say(f"{by_person}: --verdict {earlier.name} writes its page.", is_problem=is_beside_page)
    if report.problems:
        raise typer.Exit(FAILED)
    about = (
        f"{report.record.decision}, candidate {report.record.candidate}, verified from "
        f"{counted(report.number_of_looks, 'look')}"
    )
    say(f"{output}: {about}. Open it in a browser.", colour="green", is_problem=is_beside_page)


def _single_record(records: Mapping[Key, Record], policy: str | None, where: str) -> Record:
    """The one record that is asked for. where: what was read. Raises CommandFailure unless there is just one."""
    if not records:
        whose = "" if policy is None else f" of a policy {shown(policy)}"
        raise CommandFailure(
            f"There is no verdict{whose} in {where}; kubectl earlystop get shows where policies stand."
        )
    if len(records) > 1:
        names = ", ".join(sorted("/".join(filter(None, key)) for key in records))
        raise CommandFailure(f"There are verdicts of several policies: {names}. Name one, with its --namespace.")
    return next(iter(records.values()))


def _report_of(record: Record, name: str | None, *, is_all: bool) -> Report:
    """The report of the verdict of this name, or of the latest one. is_all: whether no verdict can be missing."""
    read = [(_entry(each), each) for each in record.verdicts]
    names = [entry.name for entry, _ in read]
    if name is not None and name not in names:
        raise CommandFailure(f"There is no verdict {shown(name)}{nearest(name, names)}.")
    trail = [entry for entry, _ in read]
    chosen = name or latest_first(trail)[0].name
    manifest = next(each for entry, each in read if entry.name == chosen)
    removed = links_of(record.checkpoints)[0]
    is_followed = is_all or is_whole(trail, removed)
    try:
        broken = chain_differences(manifest, record.verdicts, removed) if is_followed else []
        left_out = "" if is_followed else NOT_FOLLOWED
        return report_of(manifest, trail, int(time.time()), broken_chain=broken, left_out=left_out)
    except UNREADABLE as error:
        raise CommandFailure(_unreadable(chosen, error)) from None


def _entry(manifest: Manifest) -> TrailEntry:
    try:
        return TrailEntry.of(manifest)
    except UNREADABLE as error:
        metadata = manifest.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        raise CommandFailure(_unreadable(str(name), error)) from None


def _unreadable(name: str, error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return f"{name} is not an EarlyStopVerdict that this release can read: {first}."


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandFailure(f"{path} cannot be written: {reason}.") from None
