"""The tokens that were spent, in a file that outlives the process: a restart goes on with the same budget.

The file is replaced as a whole, by a rename after the new one is on the disk: a crash leaves the old count or the new
one. Before a pair is asked, the most that it may take is written as spent: a crash charges too much, never too little.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO


class SpentTokensError(ValueError):
    """A file of spent tokens that cannot be used. The message says which, why, and what to write instead."""


class SpentTokens:
    """One policy's count in one file; make it with `open_spent_tokens`. tokens: output tokens, spent or reserved."""

    def __init__(self, path: Path, policy: str, tokens: int) -> None:
        self._path = path
        self._policy = policy
        self.tokens = tokens

    def store(self, tokens: int) -> None:
        """Writes the count and waits until it is on the disk. Raises OSError; the file holds its old count then."""
        new = self._path.with_name(self._path.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"policy": self._policy, "spent": tokens}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        sync_directory(self._path.parent)
        self.tokens = tokens


@contextmanager
def open_spent_tokens(path: Path, policy: str) -> Iterator[SpentTokens]:
    """The count of this policy, 0 where the file does not exist. No other process can open the file meanwhile.

    Raises SpentTokensError for a file that is not such a count, or another policy's, or in use, or not writable.
    """
    with ExitStack() as until_closed:
        try:
            lock = until_closed.enter_context(path.with_name(path.name + ".lock").open("w", encoding="utf-8"))
            _lock(lock, path)
            spent = SpentTokens(path, policy, _read(path, policy))
            spent.store(spent.tokens)  # a file that cannot be written must end the start, not the first question
        except OSError as error:
            raise SpentTokensError(
                f"{path} cannot be read and written ({error.strerror}); name a file in a writable, mounted directory"
            ) from None
        yield spent


def _lock(lock: IO[str], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SpentTokensError(
            f"{path} is in use by another evaluator; stop that one, or give this one a file of its own"
        ) from None
    except OSError:  # a file system without locks: the Deployment's strategy Recreate is what keeps others away
        pass


def _read(path: Path, policy: str) -> int:
    try:
        found = json.loads(path.read_bytes())
        owner, spent = found["policy"], found["spent"]
        if type(spent) is not int or spent < 0 or not isinstance(owner, str):
            raise ValueError("no count")
    except FileNotFoundError:
        return 0
    except (ValueError, TypeError, KeyError, RecursionError):
        example = json.dumps({"policy": policy, "spent": 0})
        raise SpentTokensError(
            f"{path} does not say how many tokens were spent; write {example} with the tokens spent so far, "
            "or delete it to grant the whole budget once more"
        ) from None
    if owner != policy:
        raise SpentTokensError(
            f"{path} counts the tokens spent for the policy {owner}, not for {policy}; write a file of its own"
        )
    return spent


def sync_directory(directory: Path) -> None:
    """Waits until a rename in this directory is on the disk, where the file system can say so."""
    with suppress(OSError):  # some file systems cannot; the rename itself is still atomic
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
