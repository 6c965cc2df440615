"""The page for users on which every reason stands with its sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

HEADING = ("| reason | where | what it means, what to do |", "|---|---|---|")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason constant.

    name: the CamelCase word. appears: condition types of a policy, `EVENT`, `DECISION` (the reason of an
    EarlyStopVerdict, or of a candidate that was dropped) and `SOURCE`. sentence: what it means, and what to do.
    """

    name: str
    appears: tuple[str, ...]
    sentence: str


def page_of(reasons: Iterable[Reason], source: str, event: str, decision: str) -> str:
    """The page in Markdown: what to do with one reason, and a table for each first letter. source, event, decision: how
    these three places are named."""
    by_letter = {
        letter: [f"| `{each.name}` | {', '.join(each.appears)} | {each.sentence} |" for each in found]
        for letter, found in groupby(sorted(reasons, key=lambda each: each.name), key=lambda each: each.name[0])
    }
    head = [
        "# Reasons",
        "",
        "Every `reason` that a condition or an event may carry, with what it means and what to do.",
        "",
        "## You have one reason",
        "",
        "1. Read the message that stands beside it: it names the object, the number or the field of the very case.",
        "   `kubectl earlystop explain POLICY -n NAMESPACE` says it in plain words, with what the policy waits for.",
        "   Where the command is not at hand, `kubectl describe esp POLICY -n NAMESPACE` shows conditions and events.",
        "2. Find the reason below, by its first letter. What stands before the first semicolon is what it means; what",
        "   follows is what to do. *Nothing is to be done*: all is well. *Wait*: it ends by itself.",
        "3. Correct what is named, in the object that is named. The operator sees most of it within seconds, the rest",
        "   within five minutes, and goes on by itself. Where the sentence says *retry*,",
        "   `kubectl earlystop retry POLICY -n NAMESPACE` begins another campaign.",
        "4. Where that does not help: an alert that fired has a section of its own in the [runbooks](runbooks.md), and",
        "   what the operator logs about the policy carries the same reason.",
        "",
        f"Where: a condition of an EarlyStopPolicy, or of the kind that is named; `{source}`, the condition of a",
        f"MetricSource; `{event}`, an event of a policy; `{decision}`, an EarlyStopVerdict or a candidate that was "
        "dropped.",
        "",
        "Generated from `operator/earlystop/api/reasons/every.py`; edit the sentences there and run `make docs`.",
        "",
        " ".join(f"[{letter}](#{letter.lower()})" for letter in by_letter),
    ]
    tables = [line for letter, rows in by_letter.items() for line in ("", f"## {letter}", "", *HEADING, *rows)]
    return "\n".join([*head, *tables]) + "\n"
