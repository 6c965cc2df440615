"""Exact Match of both variants in each query class that a policy names."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table

from earlystop.cli.screen.fitting import Block, WhereWide, labelled, said
from earlystop.evidence.class_differences import class_differences
from earlystop.rollout.formatting import in_points, in_rate
from earlystop.rollout.state import Comparison

HEADINGS = ("class", "baseline", "candidate", "difference", "may lose")


def class_blocks(comparison: Comparison) -> Iterator[Block]:
    """A row for each class, or two lines where a terminal has no room for a table; nothing for a policy without any."""
    rows = list(class_rows(comparison))
    if not rows:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == HEADINGS[0] else "right", no_wrap=True)
    lines = []
    for name, baseline, candidate, difference, margin in rows:
        table.add_row(*map(said, (name, baseline, candidate, difference, margin)))
        lines += [said(f"{name}: {baseline} to {candidate}; may lose {margin}"), said(f"  {difference}")]
    yield Block((labelled("classes", WhereWide(table, Group(*lines))), None), rank=4)


def class_rows(comparison: Comparison) -> Iterator[tuple[str, str, str, str, str]]:
    """Of each class its name, both variants' Exact Match in percent, their difference and the loss that is allowed, in
    points."""
    for each in class_differences(comparison.evidence, comparison.looks):
        rates = in_rate(each.baseline), in_rate(each.candidate)
        yield each.name, *rates, in_points(each.difference), in_points(each.margin)
