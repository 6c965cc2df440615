"""A screen of blocks, each with shorter versions of itself, of which as much is shown as there are lines for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from earlystop.cli.terminal import FirstThatFits, printable

LABEL_WIDTH = 8
WIDE = 60
"""Columns beside a label that tables and bars take; a terminal of 80 has 71."""
LEFT = ("state", "end")
"""Headings of facts that are words."""
Lines = list[list[Segment]]


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that a screen says.

    versions: from the longest to the shortest; None for nothing at all. rank: where lines are few, blocks of a higher
    rank are shortened first.
    """

    versions: tuple[RenderableType | None, ...]
    rank: int = 0


class FittedScreen:
    """Blocks below each other, in no more lines than `height`, as far as their shortest versions allow; in full without
    a height."""

    def __init__(self, blocks: Iterable[Block], height: int | None = None) -> None:
        self._blocks = tuple(blocks)
        self._height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        options = options.update(height=None)
        rendered = [
            [[] if each is None else console.render_lines(each, options, pad=False) for each in block.versions]
            for block in self._blocks
        ]
        chosen = [0] * len(self._blocks)
        while self._height is not None and _lines(rendered, chosen) > self._height:
            shorter = self._next_to_shorten(chosen)
            if shorter is None:
                break
            chosen[shorter] += 1
        for versions, index in zip(rendered, chosen, strict=True):
            for line in versions[index]:
                yield from _without_trailing_spaces(line)
                yield Segment.line()

    def _next_to_shorten(self, chosen: Sequence[int]) -> int | None:
        """Index of the block that is shortened next; None where every block is as short as it gets."""
        left = [index for index, each in enumerate(self._blocks) if chosen[index] + 1 < len(each.versions)]
        return max(left, key=lambda index: self._blocks[index].rank, default=None)


class WhereWide:
    """One rendering where there are `WIDE` columns for it or more, another one where there are fewer."""

    def __init__(self, wide: RenderableType, narrow: RenderableType) -> None:
        self._wide, self._narrow = wide, narrow

    def _chosen(self, options: ConsoleOptions) -> RenderableType:
        return self._wide if options.max_width >= WIDE else self._narrow

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._chosen(options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._chosen(options))


def _without_trailing_spaces(line: list[Segment]) -> Iterator[Segment]:
    """The line without what a table fills it up with: in a pipe that is as long as the longest line of all."""
    kept = list(line)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    yield from kept[:-1]
    if kept:
        yield Segment(kept[-1].text.rstrip(), kept[-1].style)


def _lines(rendered: Sequence[Sequence[Lines]], chosen: Sequence[int]) -> int:
    return sum(len(versions[index]) for versions, index in zip(rendered, chosen, strict=True))


def labelled(label: str, *lines: RenderableType) -> Table:
    """Lines with a label before the first one. A text longer than the line is wrapped, and no word is cut."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=LABEL_WIDTH, overflow="fold")
    table.add_column(overflow="fold")
    for number, line in enumerate(lines):
        table.add_row(Text("" if number else label, style="dim"), said(line) if isinstance(line, str) else line)
    return table


def said(text: object, style: str = "") -> Text:
    """An object's own text, which no terminal shall act on."""
    return Text(printable(text), style=style, overflow="fold")


def sentences_within(text: str, characters: int) -> str:
    """The first whole sentences of a text that fit into so many characters; at least the first one."""
    kept = ""
    for sentence in _sentences(text):
        if kept and len(kept) + 1 + len(sentence) > characters:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def ends_within(text: str, characters: int) -> str:
    """The first sentence of a text and as many of its last ones as fit with it into so many characters: what came of
    something, and what may be done now."""
    first, *others = _sentences(text) or [""]
    kept = ""
    for sentence in reversed(others):
        if len(first) + len(kept) + len(sentence) + 2 > characters:
            break
        kept = f"{sentence} {kept}".strip()
    return f"{first} {kept}".strip()


def _sentences(text: str) -> list[str]:
    return text.replace(". ", ".\n").splitlines()


def fitting_rows(title: str, rows: list[tuple[str, dict[str, str]]]) -> FirstThatFits:
    """A row for each, below a heading with the names of its facts; or a block for each where rows would be too long."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in (title, *rows[0][1]):
        table.add_column(heading, justify="left" if heading in (title, *LEFT) else "right", no_wrap=True)
    for name, facts in rows:
        table.add_row(said(name), *map(said, facts.values()))
    return FirstThatFits(table, Group(*(block_of(name, facts) for name, facts in rows)))


def block_of(title: str, facts: Mapping[str, str]) -> Text:
    """The title, and behind it the facts, separated by semicolons."""
    text = said(f"{title}: ", "bold")
    return text.append_text(said("; ".join(f"{name} {value}" for name, value in facts.items()), "not bold"))
