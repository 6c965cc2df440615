"""kubectl earlystop report: a verdict as one page that recomputes itself in a browser."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from earlystop.cli.connection import Context, Namespace, list_objects, namespace_of
from earlystop.cli.documents import read_documents
from earlystop.cli.failure import FAILED, CommandFailure
from earlystop.cli.terminal import say
from earlystop.cli.words import nearest, shown
from earlystop.controller.cluster import VERDICTS
from earlystop.report.content import Report, report_of
from earlystop.report.page import page_of
from earlystop.report.trail import TrailEntry, latest_first, newest_policy

Manifest = dict[str, Any]
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
STANDARD_OUTPUT = Path("-")


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, as in qa.html; - prints the page.")],
    policy: Annotated[
        str | None, typer.Argument(help="Name of the policy; it may be left out where files hold verdicts of just one.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", help="File with EarlyStopVerdicts, in place of the cluster's. Repeatable."),
    ] = None,
    verdict: Annotated[str | None, typer.Option(help="Name of a verdict; without it, the policy's latest one.")] = None,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Write a verdict as a page that recomputes itself: one file, which needs no network.

    It ends with 1 where the verdict does not verify; the page is written all the same, and says so first thing.
    """
    found = _in_files(file) if file else asyncio.run(_in_cluster(policy, namespace, context))
    report = _report_among(found, policy, verdict, from_files=bool(file))
    page = page_of(report)
    if output == STANDARD_OUTPUT:
        typer.echo(page, nl=False)
    else:
        _write(output, page)
    is_beside_page = output == STANDARD_OUTPUT
    for sentence in report.problems:
        say(sentence, colour="red", is_problem=is_beside_page)
    if report.problems:
        raise typer.Exit(FAILED)
    about = (
        f"{report.record.decision}, candidate {report.record.candidate}, verified from {report.number_of_looks} looks"
    )
    say(f"{output}: {about}. Open it in a browser.", colour="green", is_problem=is_beside_page)


def _in_files(files: Sequence[Path]) -> list[Manifest]:
    found = [each for path in files for each in read_documents(path) if each.get("kind") == "EarlyStopVerdict"]
    if not found:
        raise CommandFailure(
            f"{' and '.join(map(str, files))}: no EarlyStopVerdict; save them by "
            "kubectl get esv -n llm -o yaml > verdicts.yaml."
        )
    return found


async def _in_cluster(policy: str | None, namespace: str | None, context: str | None) -> list[Manifest]:
    if policy is None:
        raise CommandFailure("Name a policy, or files with verdicts by --file.")
    own = namespace_of(namespace, context)
    listed = await list_objects(VERDICTS, own, context)
    found = [each for each in listed if each["spec"]["policy"] == policy]
    if not found:
        raise CommandFailure(
            f"The policy {shown(policy)} has no verdict in namespace {own}; kubectl earlystop status {policy} -n {own} "
            "shows where it stands."
        )
    return found


def _report_among(verdicts: Sequence[Manifest], policy: str | None, name: str | None, *, from_files: bool) -> Report:
    """The report of the verdict that is asked for. Raises CommandFailure where there is none, or several may be."""
    read = [(_entry(each), each) for each in verdicts]
    manifests = {entry.name: manifest for entry, manifest in read}
    entries = [entry for entry, _ in read if policy in (None, entry.policy)]
    policies = sorted({each.policy for each in entries})
    if len(policies) > 1:
        raise CommandFailure(f"There are verdicts of several policies: {', '.join(policies)}. Name one of them.")
    if not entries:
        raise CommandFailure(f"There is no verdict of a policy {shown(policy or '')} in what was read.")
    names = [each.name for each in entries]
    if name is not None and name not in names:
        raise CommandFailure(f"There is no verdict {shown(name)}{nearest(name, names)}.")
    asked = [each for each in entries if each.name == name] or newest_policy(entries)
    chosen = latest_first(asked)[0]
    same_policy = [each for each in entries if each.link.policy_uid == chosen.link.policy_uid]
    left_out = _left_out(same_policy) if from_files else ""
    try:
        return report_of(manifests[chosen.name], same_policy, int(time.time()), left_out)
    except UNREADABLE as error:
        raise CommandFailure(_unreadable(chosen.name, error)) from None


def _left_out(trail: Sequence[TrailEntry]) -> str:
    """What of the trail was not there, as a sentence: files may hold the latest verdicts alone."""
    digests = {each.link.digest for each in trail}
    if all(not each.link.previous or each.link.previous in digests for each in trail):
        return ""
    return "Earlier verdicts of this policy were not at hand, so the chain that leads to this one was not followed."


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
