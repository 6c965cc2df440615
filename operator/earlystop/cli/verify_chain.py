"""kubectl earlystop verify --chain: whether the whole record of policies is there, and unchanged."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from earlystop.cli.connection import namespace_of
from earlystop.cli.failure import CommandFailure
from earlystop.cli.records import Key, Record, records_in_cluster, records_in_files
from earlystop.cli.terminal import say
from earlystop.rollout.record.chain_report import ChainReport, Published, chain_report
from earlystop.rollout.state import ACTING

CARRIED_OUT = frozenset(phase.value for phase in ACTING)
"""Phases in which the verdict of a decision may not be stored yet."""
FILES = (".yaml", ".yml", ".json")


def is_file(name: str) -> bool:
    """Whether an argument is the path of a file, and no name in the cluster."""
    return os.sep in name or name.endswith(FILES) or name == "-"


def read_records(
    names: Sequence[str], namespace: str | None, context: str | None, *, everywhere: bool = False
) -> dict[Key, Record]:
    """The records of one policy that is named, of files, or of all policies of a namespace. Raises CommandFailure."""
    if names and all(map(is_file, names)):
        return records_in_files(map(Path, names))
    if len(names) > 1:
        raise CommandFailure("name one policy, or files alone: a file's name has a slash, or ends in .yaml or .json.")
    chosen = None if everywhere else namespace_of(namespace, context)
    found = asyncio.run(records_in_cluster(chosen, context, names[0] if names else None))
    if not any(each.verdicts or each.checkpoints for each in found.values()):
        where = "any namespace" if chosen is None else f"namespace {chosen}"
        whose = f"policy {names[0]}" if names else "any policy"
        raise CommandFailure(f"there is no verdict of {whose} in {where}; name another with --namespace.")
    return found


def reports(records: dict[Key, Record], heads: Iterable[str] = ()) -> list[tuple[Key, ChainReport]]:
    """The report on each policy's record. heads: digests that were published, of one policy."""
    named = [Published("--head", each) for each in heads]
    return [
        (key, chain_report(key[1], each.verdicts, each.checkpoints, [*named, *_of_status(each.policies)]))
        for key, each in sorted(records.items())
        if each.verdicts or each.checkpoints or named
    ]


def _of_status(policies: Iterable[dict[str, object]]) -> list[Published]:
    """What the status of a policy tells of its latest verdict. A decision whose verdict waits to be stored is none."""
    found = []
    for each in policies:
        status = each.get("status")
        if not isinstance(status, dict):
            continue
        decision, conditions = status.get("decision"), status.get("conditions") or ()
        waits = any(one.get("reason") == "VerdictNotStored" for one in conditions if isinstance(one, dict))
        found.append(Published("The policy's status", str(status.get("previousDigest") or "")))
        if isinstance(decision, dict) and not waits and status.get("phase") not in CARRIED_OUT:
            found.append(Published("The policy's status", str(decision.get("digest") or "")))
    return found


def say_reports(found: Sequence[tuple[Key, ChainReport]]) -> bool:
    """Print what was found, a sentence a line. Returns whether every record is whole."""
    for (namespace, policy), report in found:
        label = f"{namespace}/{policy}" if namespace else policy
        for sentence in report.problems:
            say(f"{label}: {sentence}", colour="red")
        for sentence in report.notes:
            say(f"{label}: {sentence}", colour="yellow")
        if not report.problems:
            removed = f", {report.removed} more removed by retention" if report.removed else ""
            count = f"{report.verdicts} verdict{'s' * (report.verdicts != 1)}{removed}"
            say(f"{label}: the record is whole: {count}; its head is {report.head}.", colour="green")
    return not any(report.problems for _, report in found)
