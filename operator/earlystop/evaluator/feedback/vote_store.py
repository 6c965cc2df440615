"""Which responses have been voted on, and which labels wait for their moment: in a file that outlives the process.

A vote is on the disk before it counts, and a label is taken off the disk before it does: a crash loses what was not
scraped yet, and counts none twice. What is forgotten for its age is refused for its age from then on, whatever the next
start's options say; so are votes on requests that are older than the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from earlystop.evaluator.feedback.vote import Kind

MOST_VOTES = 1_000_000
"""Votes that are remembered at a time, in some 100 MB. Beyond them none is taken, since to forget one would let it be
repeated."""
_APPLICATION_ID = 0x45535662
LOCK_SECONDS = 1.0
"""For how long another process that has the file is waited for."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS voted (
    identity BLOB NOT NULL, kind TEXT NOT NULL, arrived INTEGER NOT NULL, PRIMARY KEY (identity, kind)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS voted_by_age ON voted (arrived);
CREATE TABLE IF NOT EXISTS waiting (due INTEGER NOT NULL, receipt TEXT NOT NULL, said TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS waiting_by_time ON waiting (due);
CREATE TABLE IF NOT EXISTS remembers (oldest INTEGER NOT NULL);
"""


class VoteStoreError(ValueError):
    """A file of votes that cannot be used. The message says which, why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class WaitingLabel:
    """due: Unix second at which the label counts. receipt: as it came. said: match or mismatch."""

    due: int
    receipt: str
    said: str


class VoteStore:
    """Make it with `open_vote_store`. All methods raise OSError where the file cannot be read or written."""

    def __init__(self, database: sqlite3.Connection, most: int = MOST_VOTES) -> None:
        self._database = database
        self._most = most
        self._votes = int(self._number_from("SELECT count(*) FROM voted"))
        self.oldest = int(self._number_from("SELECT oldest FROM remembers"))
        """Unix second; votes on requests before it are not remembered."""

    @property
    def waiting(self) -> int:
        """How many labels wait for their moment."""
        return int(self._number_from("SELECT count(*) FROM waiting"))

    def has_voted(self, identity: bytes, kind: Kind) -> bool:
        """Whether the response with this receipt has such a vote."""
        return bool(
            self._number_from("SELECT count(*) FROM voted WHERE identity = ? AND kind = ?", identity, kind.value)
        )

    def add(self, identity: bytes, kind: Kind, arrived: int, waiting: WaitingLabel | None = None) -> None:
        """Remember a vote that the response does not have yet, and the label that waits with it, in one write."""
        if self._votes >= self._most:
            raise OSError(f"{self._most} votes are remembered, and no more can be")
        with _as_os_error(), self._database:
            self._database.execute("INSERT INTO voted VALUES (?, ?, ?)", (identity, kind.value, arrived))
            if waiting is not None:
                row = waiting.due, waiting.receipt, waiting.said
                self._database.execute("INSERT INTO waiting VALUES (?, ?, ?)", row)
        self._votes += 1

    def take_due(self, now: float, most: int = 1000) -> list[WaitingLabel]:
        """Take out the labels whose moment has come, the oldest first and so many at most. They are gone from here."""
        with _as_os_error(), self._database:
            rows = self._database.execute(
                "SELECT rowid, due, receipt, said FROM waiting WHERE due <= ? ORDER BY due, rowid LIMIT ?",
                (int(now), most),
            ).fetchall()
            self._database.executemany("DELETE FROM waiting WHERE rowid = ?", [row[:1] for row in rows])
        return [WaitingLabel(*row[1:]) for row in rows]

    def forget(self, before: int) -> None:
        """Forget the votes on requests that came before this Unix second; `oldest` says so from now on.

        It never goes beyond the latest request that was voted on: a clock that was years ahead for a moment would have
        every vote refused until then.
        """
        before = min(before, self._newest + 1)
        if before <= self.oldest:
            return
        with _as_os_error(), self._database:
            self._database.execute("UPDATE remembers SET oldest = ?", (before,))
            gone = self._database.execute("DELETE FROM voted WHERE arrived < ?", (before,)).rowcount
        self.oldest = before
        self._votes -= gone

    @property
    def _newest(self) -> int:
        """Unix second of the latest request with a vote that is remembered, -1 without one."""
        return int(self._number_from("SELECT coalesce(max(arrived), -1) FROM voted"))

    def _number_from(self, query: str, *values: object) -> int:
        with _as_os_error():
            (found,) = self._database.execute(query, values).fetchone()
            return int(found)


@contextmanager
def open_vote_store(path: Path | None, now: float, most: int = MOST_VOTES) -> Iterator[VoteStore]:
    """The votes in this file, None for the process' own memory; a new one remembers votes on requests from `now` on.

    No other process can open the file meanwhile. Raises VoteStoreError for a file that is no such one, is in use, or
    cannot be read and written.
    """
    where = ":memory:" if path is None else path
    try:
        with closing(sqlite3.connect(where, timeout=LOCK_SECONDS)) as database:
            _prepare(database, path, now)
            yield VoteStore(database, most)
    except sqlite3.OperationalError as error:
        in_use = "locked" in str(error)
        what = "is in use by another process" if in_use else f"cannot be read and written ({error})"
        raise VoteStoreError(f"{where} {what}; name a file of its own in a writable, mounted directory") from None
    except sqlite3.DatabaseError as error:
        raise VoteStoreError(f"{where} holds no votes ({error}); name another file, or delete this one") from None


def _prepare(database: sqlite3.Connection, path: Path | None, now: float) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("PRAGMA synchronous = FULL")
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION_ID:
        raise VoteStoreError(f"{path} is a database of something else; name another file")
    with database:
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.executescript(_SCHEMA)
        if not database.execute("SELECT count(*) FROM remembers").fetchone()[0]:
            database.execute("INSERT INTO remembers VALUES (?)", (int(now),))
        database.execute("UPDATE remembers SET oldest = oldest")  # a file that cannot be written must end the start


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
