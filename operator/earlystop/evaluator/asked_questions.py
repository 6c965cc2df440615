"""The questions that were counted for each campaign, in a file that outlives the process: no restart asks them again.

A line is added and on the disk before anything of its question is counted: a crash loses a question, and counts none
twice. A last line that a crash has cut off is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from earlystop.evaluator.dealing import remember
from earlystop.evaluator.spent_tokens import SpentTokensError, sync_directory

_LINE = re.compile(r"(?P<revision>[^\s]{1,128}) (?P<name>[0-9a-f]{16})")


class AskedQuestions:
    """One policy's questions in one file; make it with `open_asked_questions`. asked: as in `RemembersQuestions`."""

    def __init__(self, file: IO[str], asked: dict[str, set[str]]) -> None:
        self._file = file
        self.asked = asked

    def add(self, revision: str, name: str) -> None:
        """Writes one more line and waits until it is on the disk. Raises OSError."""
        self._file.write(f"{revision} {name}\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        remember(self.asked, revision, name)


@contextmanager
def open_asked_questions(path: Path) -> Iterator[AskedQuestions]:
    """The questions counted so far, none where the file does not exist; campaigns long over are taken out of it.

    Nothing here keeps other processes away: who has opened the spent tokens beside it does (`open_spent_tokens`).
    Raises SpentTokensError for a file that is no such list, or cannot be read and written.
    """
    try:
        asked = _read(path)
        new = path.with_name(path.name + ".new")
        lines = (f"{revision} {name}\n" for revision, names in asked.items() for name in sorted(names))
        new.write_text("".join(lines), "utf-8")
        new.replace(path)
        sync_directory(path.parent)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise SpentTokensError(
            f"{path} cannot be read and written ({error.strerror}); name a file in a writable, mounted directory"
        ) from None
    with file:
        yield AskedQuestions(file, asked)


def _read(path: Path) -> dict[str, set[str]]:
    """Raises OSError, or SpentTokensError for a line that was never written here."""
    asked: dict[str, set[str]] = {}
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return asked
    except UnicodeDecodeError:
        text = "\0\n"
    *whole, _ = text.split("\n")  # after the last line break there is nothing, or a line that a crash has cut off
    for number, line in enumerate(whole, start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise SpentTokensError(
                f"{path}, line {number}: this is no list of questions that were asked; restore the file, or delete it "
                "and retry the policy, since questions of the campaign under way would count twice"
            )
        remember(asked, found["revision"], found["name"])
    return asked
