"""Where commands print: as wide as the terminal, and without a limit where there is none, so no number is cut."""

from __future__ import annotations

import typer
from rich.console import Console

UNLIMITED = 10_000


def console() -> Console:
    """The standard output. Nothing in what is printed is taken for markup."""
    found = Console(highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = UNLIMITED
    return found


def say(sentence: str, *, colour: str | None = None, is_problem: bool = False) -> None:
    """Print a sentence without anything in it that a terminal would act on; a problem goes to standard error."""
    typer.secho(printable(sentence), fg=colour, err=is_problem)


def printable(text: object) -> str:
    """Text from a cluster or a file without anything that a terminal would act on."""
    return "".join(each if each.isprintable() else "?" for each in str(text))
