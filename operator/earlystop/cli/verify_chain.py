"""kubectl earlystop verify --chain: whether the whole record of policies is there, and unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earlystop.api.plurals import counted
from earlystop.api.status.compact import whole
from earlystop.cli.connection import read_object
from earlystop.cli.failure import CommandFailure
from earlystop.cli.records import Record
from earlystop.cli.terminal import say
from earlystop.controller.resources import LEASES, Key
from earlystop.rollout.record.chain_report import ChainReport, Published, chain_report
from earlystop.rollout.record.checkpoint import record_in
from earlystop.rollout.record.publication import Stored, difference, publication_in
from earlystop.rollout.state import ACTING

CARRIED_OUT = frozenset(phase.value for phase in ACTING)
"""Phases in which the verdict of a decision may not be stored yet."""


def reports(records: dict[Key, Record], heads: Sequence[str] = ()) -> list[tuple[Key, ChainReport]]:
    """The report on each policy's record. heads: digests that were published, of one policy. Raises CommandFailure for
    heads of several."""
    if heads and len(records) > 1:
        raise CommandFailure("A head is of one policy; name that beside --head.")
    named = [Published("--head", each) for each in heads]
    return [
        (key, chain_report(key[1], each.verdicts, each.checkpoints, [*named, *published_in_status(each.policies)]))
        for key, each in sorted(records.items())
        if each.verdicts or each.checkpoints or named
    ]


def published_in_status(policies: Iterable[dict[str, object]]) -> list[Published]:
    """What the status of a policy tells of its latest verdict. A decision whose verdict waits to be stored is none."""
    found = []
    for each in policies:
        stored = each.get("status")
        if not isinstance(stored, dict):
            continue
        status = _with_packed_fields(stored)
        decision, conditions = status.get("decision"), status.get("conditions") or ()
        waits = any(one.get("reason") == "VerdictNotStored" for one in conditions if isinstance(one, dict))
        found.append(Published("The policy's status", _before(status)))
        if isinstance(decision, dict) and not waits and status.get("phase") not in CARRIED_OUT:
            found.append(Published("The policy's status", str(decision.get("digest") or "")))
    return found


def _with_packed_fields(status: dict[str, Any]) -> dict[str, Any]:
    """A status with all that is packed in it; as it is where that cannot be read, as in a file of another hand."""
    try:
        return whole(status)
    except ValueError:
        return status


def _before(status: Mapping[str, Any]) -> str:
    """Digest of the verdict before the campaign's, or before those of its decisions that wait to be stored, too."""
    unstored = status.get("unstored") or ()
    first = unstored[0] if unstored and isinstance(unstored[0], dict) else status
    return str(first.get("previousDigest") or "")


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
            count = f"{counted(report.verdicts, 'verdict')}{removed}"
            say(f"{label}: the record is whole: {count}; its head is {report.head}.", colour="green")
    return not any(report.problems for _, report in found)


def say_published(lease: str, context: str | None, records: Mapping[Key, Record]) -> bool:
    """Print whether all verdicts are as the operator published them in a Lease. Returns whether they are. Raises
    CommandFailure for a Lease that publishes nothing."""
    namespace, _, name = lease.partition("/")
    found = asyncio.run(read_object(LEASES, namespace, context, name))
    known = publication_in(found["metadata"].get("annotations") or {})
    if known is None:
        raise CommandFailure(
            f"The Lease {lease} publishes no digest over verdicts; name the one of the chart's release."
        )
    problem = known.broken or difference(known, _stored(records))
    if problem:
        say(problem, colour="red")
    else:
        one = f"verdict that was made before {known.before} is as it was published"
        many = f"verdicts that were made before {known.before} are as they were published"
        say(f"{'The' if known.verdicts == 1 else 'All'} {counted(known.verdicts, one, many)}.", colour="green")
    return not problem


def _stored(records: Mapping[Key, Record]) -> list[Stored]:
    found = []
    for (namespace, _), record in records.items():
        for each in record.verdicts:
            metadata = each["metadata"]
            digest = str(each["spec"].get("digest", ""))
            found.append(Stored(str(metadata.get("creationTimestamp", "")), namespace, str(metadata["name"]), digest))
        for checkpoint in record.checkpoints:
            try:
                removed = record_in(checkpoint).removed
            except ValueError:
                continue  # the report names it
            found += [Stored(each.created, namespace, each.name, each.digest) for each in removed]
    return found
