"""Policies in one line each: for `get`, and for `watch` where the output is no terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from earlystop.api.plurals import counted
from earlystop.api.reasons.waiting import EDIT_WAITS
from earlystop.cli.screen.fitting import said
from earlystop.cli.screen.search import search_phrase
from earlystop.cli.screen.stored_status import conditions_of, unpacked_status
from earlystop.cli.terminal import FirstThatFits, printable
from earlystop.controller.resources import Manifest
from earlystop.rollout.e_value_words import now_and_before

HEADINGS = ("NAMESPACE", "NAME", "PHASE", "STEP", "WEIGHT", "EM DIFFERENCE", "SAVING", "KEEPS EM", "READY")
"""What `get` says of each policy."""
WIDE = ("HARM", "LOG E KEEPS EM", "LOG E SAVES", "LOG E HARM", "LOOKS", "CAMPAIGN", "CANDIDATE", "REVISION")
"""What `get -o wide` says beside."""
NOTHING = "-"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


def overview(policies: Sequence[Manifest], *, wide: bool = False) -> RenderableType:
    """A line for each policy; a block for each where lines would be too long."""
    headings = HEADINGS + WIDE * wide
    rows = [_row(each)[: len(headings)] for each in sorted(policies, key=_place)]
    table = Table(box=None, padding=(0, 3, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*map(said, row))
    return FirstThatFits(table, Group(*(_block(dict(zip(headings, row, strict=True))) for row in rows)))


def _block(facts: Mapping[str, str]) -> Group:
    """One policy where a line for each would be too long."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in list(facts.items())[2:]:
        table.add_row(f"  {name.lower()}", said(value))
    return Group(said(f"{facts['NAMESPACE']}/{facts['NAME']}", "bold"), table)


def _place(policy: Mapping[str, Any]) -> tuple[str, str]:
    metadata = policy["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


def _row(policy: Mapping[str, Any]) -> tuple[str, ...]:
    """What is said of a policy, by HEADINGS and WIDE; what is not of the form that is known is left open."""
    status = unpacked_status(policy)
    evidence = _part(status, "evidence")
    now = _part(evidence, "logE")
    ready = conditions_of(status).get("Ready")
    cells = (
        *_place(policy),
        status.get("phase", "Pending"),
        status.get("progress", NOTHING),
        f"{status.get('weight', 0)} %",
        evidence.get("effect", NOTHING),
        evidence.get("saving", NOTHING),
        _one_in(evidence, "promote"),
        NOTHING if ready is None else ready["reason"],
        _one_in(evidence, "harm"),
        now.get("promote", NOTHING),
        now.get("tokens", NOTHING),
        now.get("harm", NOTHING),
        evidence.get("looks", NOTHING),
        status.get("campaign", NOTHING),
        status.get("candidate", NOTHING),
        status.get("revision", NOTHING),
    )
    return tuple(map(printable, cells))


def line(policy: Mapping[str, Any]) -> str:
    """The policy in one line, for output that is not a terminal."""
    status = unpacked_status(policy)
    evidence, counts = _part(status, "evidence"), _part(status, "counts")
    arms = [_part(counts, name) for name in ("baseline", "candidate")]
    scored = " + ".join(f"{each['scored']:,}" for each in arms if isinstance(each.get("scored"), int))
    return printable(
        f"{policy['metadata']['name']}: {status.get('phase', 'Pending')}, step {status.get('progress', NOTHING)}, "
        f"weight {status.get('weight', 0)} %, {counted(scored or 'no', 'answer')}, EM difference "
        f"{evidence.get('effect', NOTHING)}, keeps EM {_one_in(evidence, 'promote')}, harm "
        f"{_one_in(evidence, 'harm')}, saving {evidence.get('saving', NOTHING)}{search_phrase(status)}"
        f"{_hold(status)}"
    )


def _hold(status: Mapping[str, Any]) -> str:
    """Why it does not go on, or that an edit waits, as the end of a line."""
    ready = conditions_of(status).get("Ready")
    if ready is None or (ready["status"] != "False" and ready["reason"] != EDIT_WAITS):
        return ""
    return f", not ready: {ready['reason']}" if ready["status"] == "False" else ", an edit or a retry waits"


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _one_in(evidence: Mapping[str, Any], claim: str) -> str:
    """The e-value of a claim in words for people, as screens say it: now, and the largest so far, by which claims are
    proven, where that is more."""
    stored = [_part(evidence, name).get(claim) for name in ("logE", "largestLogE")]
    numbers = [float(each) for each in map(str, stored) if NUMBER.fullmatch(each)]
    return now_and_before(numbers[0], numbers[-1]) if numbers else NOTHING
