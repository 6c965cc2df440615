"""Where commands print: as wide as the terminal, and without a limit where there is none, so no number is cut."""

from __future__ import annotations

from rich.console import Console

UNLIMITED = 10_000


def console() -> Console:
    """The standard output. Nothing in what is printed is taken for markup."""
    found = Console(highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = UNLIMITED
    return found


def printable(text: object) -> str:
    """Text from a cluster or a file without anything that a terminal would act on."""
    return "".join(each if each.isprintable() else "?" for each in str(text))
