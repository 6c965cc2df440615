"""What a command does when it cannot do what was asked: one sentence on standard error, and an exit code.

0: done, and nothing is wrong. 1: it could not be done, or what was checked is wrong. 2: the command line is wrong.
`watch` has further codes for how a rollout ended (`endings.exit_code`).
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, NoReturn

import typer

FAILED = 1
TRACEBACK_VARIABLE = "EARLYSTOP_TRACEBACK"
_ENDLESS = re.compile(r"\S{512,}")
_UNWRITABLE = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class CommandFailure(typer.BadParameter):
    """What was asked for cannot be done; the text says why, and what to do instead."""

    exit_code = FAILED

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence. How the command is used is no answer to it: the command line was right."""
        typer.echo(f"Error: {self.format_message()}", file=file, err=file is None)

    def format_message(self) -> str:
        """The sentence, without anything that a terminal would act on."""
        return with_short_words(printable_lines(sentence(self.message)))


def run_safely(command: Callable[[], object]) -> None:
    """Run a command to its end. An error that nobody foresaw is one sentence too, and ends the process with 1, as does
    an output that cannot be written; a reader that has enough of it is told nothing.

    With EARLYSTOP_TRACEBACK in the environment an unforeseen error is raised as it is.
    """
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # at the end of the process nobody could be told any more
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            _end_unwritten(error)
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        print(
            f"Error: nobody foresaw this one: {type(error).__name__}: {printable_lines(str(error))}. Please report it, "
            f"with what {TRACEBACK_VARIABLE}=1 prints.",
            file=sys.stderr,
        )
        sys.exit(FAILED)


def _end_unwritten(error: OSError) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would fail again
    if error.errno != errno.EPIPE:
        print(f"Error: the output cannot be written: {error.strerror}.", file=sys.stderr)
    sys.exit(FAILED)


def replace_closed_streams() -> None:
    """Put an empty stream in place of each that was closed before the process began: it swallows what is written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as the process lives


def write_whatever_the_terminal_knows() -> None:
    """A letter that the output's encoding does not know is written as `?`, and ends nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def sentence(text: str) -> str:
    """The text with one full stop at its end, however it came, unless it ends as a question or a list does."""
    text = text.rstrip()
    return text if text.endswith(("?", "!", ":", "…")) else f"{text.rstrip('.')}."


def with_short_words(text: str) -> str:
    """The text, of each word of which no more than the beginning and the end is left where it has no end for a reader:
    a sentence repeats what a file says, and a file may say one word of a mebibyte."""
    return _ENDLESS.sub(lambda found: f"{found[0][:256]}…{found[0][-64:]}", text)


def printable_lines(text: str) -> str:
    """The text without anything that a terminal would act on; ends of lines stay."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
