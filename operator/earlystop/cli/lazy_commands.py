"""A group of commands of which only the one that is called is imported: the others' libraries take a second to load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from earlystop.cli.failure import CommandFailure, sentence

WORDS = (
    (r"^Value error, ", ""),
    (r"^Input should be greater than or equal to (\S+)$", r"write \1 or more."),
    (r"^Input should be less than or equal to (\S+)$", r"write \1 or less."),
    (r"^Input should be a valid number, .*", "write a number alone, as 20, or 0.03 for 3 %."),
    (r"^Input should be a valid integer, .*", "write a whole number."),
)
"""What the library says of an option's value, and what is said instead."""


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command stands. module: full name; function: in it; help: its first sentence, for the list."""

    module: str
    function: str
    help: str


class LazyCommands(TyperGroup):
    """A group that knows the names and first sentences of its commands. A subclass says which they are."""

    lazy: Mapping[str, LazyCommand] = {}
    aliases: Mapping[str, str] = {}
    """Further names of commands, which the list does not name."""
    elsewhere: Mapping[str, str] = {}
    """What to write for words that other programs have as commands, and this one has not: the end of a sentence."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand:
        """The command of a name, imported now. Raises UsageError, which says what was meant, for one that is none."""
        known = self.lazy.get(self.aliases.get(cmd_name, cmd_name))
        if known is None:
            ctx.fail(f"There is no command {cmd_name}; {self._instead_of(cmd_name)}.")
        assert known is not None  # `fail` raises
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cmd_name)(getattr(import_module(known.module), known.function))
        command = typer.main.get_command(alone)
        assert isinstance(command, TyperCommand)  # an application of one command is that command
        return command

    def _instead_of(self, name: str) -> str:
        """What was meant by a name that no command has: the end of a sentence."""
        if name in self.elsewhere:
            return f"write {self.elsewhere[name]}"
        close = get_close_matches(name, self.lazy, n=1)
        return f"perhaps {close[0]} is meant" if close else f"there are {', '.join(self.lazy)}"

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Raises BadParameter in words for people, or UsageError where no one parameter is at fault."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if hasattr(error, "param_type") and error.param is not None:  # typer has no public name for a missing one
                return (error.ctx or ctx).fail(_missing(error))
            error.message = _in_words(error.message)
            if isinstance(error, CommandFailure) or error.param is not None or error.param_hint is not None:
                raise
            # The library would begin the sentence with "Invalid value", and there may be none.
            return (error.ctx or ctx).fail(sentence(error.message))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands in the help, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in self.lazy.items()])


def _missing(error: Any) -> str:
    """Which argument or option is missing, with what it holds. error: a MissingParameter of a parameter."""
    what = sentence(error.format_message()).removesuffix(".")
    held = str(getattr(error.param, "help", None) or "").split(". ")[0]
    if not held:
        return f"{what}."
    return sentence(f"{what}: {held if held[:2].isupper() else held[0].lower() + held[1:]}")


def _in_words(message: str) -> str:
    for found, instead in WORDS:
        message = re.sub(found, instead, message)
    return message
