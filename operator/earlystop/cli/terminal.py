"""Where commands print: as wide as the terminal, and without a limit where there is none, so no number is cut."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement

from earlystop.cli.failure import with_short_words

UNLIMITED = 10_000


class PipedConsole(Console):
    """Prints for programs: no line is filled up with blanks, or one long text in a table would lengthen all others."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich prints, but for blanks at the ends of lines."""
        with self.capture() as printed:
            super().print(*objects, **options)
        self.file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def console() -> Console:
    """The standard output. Nothing in what is printed is taken for markup."""
    found = Console(highlight=False, markup=False, emoji=False)
    if found.is_terminal:
        return found
    return PipedConsole(highlight=False, markup=False, emoji=False, width=UNLIMITED)


class FirstThatFits:
    """The first of several renderings that is no wider than the space for it; the last one where none is."""

    def __init__(self, *renderings: RenderableType) -> None:
        self._renderings = renderings

    def _chosen(self, console: Console, options: ConsoleOptions) -> RenderableType:
        unlimited = options.update(width=UNLIMITED)
        for each in self._renderings[:-1]:
            if Measurement.get(console, unlimited, each).maximum <= options.max_width:
                return each
        return self._renderings[-1]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._chosen(console, options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._chosen(console, options))


def say(sentence: str, *, colour: str | None = None, is_problem: bool = False) -> None:
    """Print a sentence without anything in it that a terminal would act on, and without words that never end; a problem
    goes to standard error."""
    typer.secho(with_short_words(printable(sentence)), fg=colour, err=is_problem)


def confirm(question: str) -> None:
    """Ask a person. Raises typer.Exit with 1 for any other answer than yes, and says that nothing was changed: abort is
    the name of a command here, so no word like it stands for that."""
    try:
        agrees = sys.stdin is not None and typer.confirm(question)  # there is none where a shell has closed it
    except typer.Abort:  # Ctrl-C, or nobody to ask
        typer.echo()
        agrees = False
    if not agrees:
        say("Nothing was changed. Answer y, or write --yes where nobody can be asked.", is_problem=True)
        raise typer.Exit(1)


def printable(text: object) -> str:
    """Text from a cluster or a file without anything that a terminal would act on."""
    return "".join(each if each.isprintable() else "?" for each in str(text))
