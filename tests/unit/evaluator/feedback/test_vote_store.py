"""The file of votes survives its process, belongs to one process, and is never taken for something that it is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from earlystop.evaluator.feedback import vote_store
from earlystop.evaluator.feedback.vote import Kind
from earlystop.evaluator.feedback.vote_store import VoteStoreError, WaitingLabel, open_vote_store


def test_labels_come_in_the_order_of_their_moments_and_each_once(tmp_path: Path) -> None:
    with open_vote_store(tmp_path / "votes", 0) as store:
        for number, due in enumerate((30, 10, 20, 10)):
            store.add(bytes([number]), Kind.LABEL, 5, WaitingLabel(due, str(number), "match"))
        assert store.waiting == 4
        assert [each.receipt for each in store.take_due(20.9)] == ["1", "3", "2"]
        assert store.take_due(20.9) == []
    with open_vote_store(tmp_path / "votes", 0) as store:
        assert [each.receipt for each in store.take_due(99)] == ["0"]


def test_no_second_process_can_open_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vote_store, "LOCK_SECONDS", 0.0)
    with open_vote_store(tmp_path / "votes", 0), pytest.raises(VoteStoreError, match="in use by another process"):  # noqa: SIM117
        with open_vote_store(tmp_path / "votes", 0):
            pass


def test_a_vote_that_cannot_be_written_is_not_remembered(tmp_path: Path) -> None:
    with open_vote_store(tmp_path / "votes", 0) as store:
        store.add(b"1", Kind.LABEL, 5)
        with pytest.raises(OSError, match="UNIQUE"):
            store.add(b"1", Kind.LABEL, 5, WaitingLabel(10, "r", "match"))
        assert store.waiting == 0


def test_forgetting_says_from_when_on_votes_are_remembered_and_never_goes_back(tmp_path: Path) -> None:
    with open_vote_store(tmp_path / "votes", 100) as store:
        assert store.oldest == 100
        store.add(b"old", Kind.SENTIMENT, 150)
        store.add(b"new", Kind.SENTIMENT, 250)
        store.forget(200)
        store.forget(120)
        assert not store.has_voted(b"old", Kind.SENTIMENT) and store.has_voted(b"new", Kind.SENTIMENT)
    with open_vote_store(tmp_path / "votes", 900) as store:
        assert store.oldest == 200


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 40, b"{}" * 600])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "votes"
    file.write_bytes(content)
    with pytest.raises(VoteStoreError, match=r"holds no votes .* delete this one"), open_vote_store(file, 0):
        pass
    assert file.read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "votes") as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    with pytest.raises(VoteStoreError, match="something else"), open_vote_store(tmp_path / "votes", 0):
        pass


def test_a_directory_that_is_not_there_is_told_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(VoteStoreError, match="writable, mounted directory"), open_vote_store(tmp_path / "no/votes", 0):
        pass
