"""kubectl earlystop verify --chain: whether the whole record of policies is there, and unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from earlystop.cli.records import Key, Record
from earlystop.cli.terminal import say
from earlystop.rollout.record.chain_report import ChainReport, Published, chain_report
from earlystop.rollout.state import ACTING

CARRIED_OUT = frozenset(phase.value for phase in ACTING)
"""Phases in which the verdict of a decision may not be stored yet."""


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
