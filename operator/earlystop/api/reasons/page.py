"""The page for users on which every reason stands with its sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
    """The page in Markdown: one table, sorted by name. source, event, decision: how these three places are named."""
    rows = [
        f"| `{each.name}` | {', '.join(each.appears)} | {each.sentence} |"
        for each in sorted(reasons, key=lambda each: each.name)
    ]
    head = [
        "# Reasons",
        "",
        "Every `reason` that a condition or an event may carry. The message beside it says more about the very case.",
        "",
        f"Where: a condition of an EarlyStopPolicy, or of the kind that is named; `{source}`, the condition of a",
        f"MetricSource; `{event}`, an event of a policy; `{decision}`, an EarlyStopVerdict or a candidate that was "
        "dropped.",
        "",
        "Generated from `operator/earlystop/api/reasons/every.py`; edit the sentences there and run `make docs`.",
        "",
        "| reason | where | what it means, what to do |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"
