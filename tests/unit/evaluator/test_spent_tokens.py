"""The count of spent tokens survives the process, whatever ends it, and is never taken for less than it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from earlystop.evaluator.spent_tokens import SpentTokensError, open_spent_tokens

POLICY = "llm/qa"


def test_the_count_begins_at_0_and_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "spent.json"
    with open_spent_tokens(file, POLICY) as spent:
        assert spent.tokens == 0
        spent.store(120)
        spent.store(340)
    assert json.loads(file.read_text()) == {"policy": POLICY, "spent": 340}
    with open_spent_tokens(file, POLICY) as spent:
        assert spent.tokens == 340


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 40,
        b'{"policy": "llm/qa", "sp',
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"policy": "llm/qa", "spent": -1}',
        b'{"policy": "llm/qa", "spent": true}',
        b'{"policy": "llm/qa", "spent": 1.5}',
        b'{"policy": 1, "spent": 1}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_file_that_says_no_count_is_refused_with_what_to_write_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "spent.json"
    file.write_bytes(content)
    with pytest.raises(SpentTokensError, match=r'write \{"policy": "llm/qa", "spent": 0\} .* or delete it'):
        open_spent_tokens(file, POLICY).__enter__()
    assert file.read_bytes() == content


def test_another_policys_count_is_refused(tmp_path: Path) -> None:
    with open_spent_tokens(tmp_path / "spent.json", "llm/other"):
        pass
    with pytest.raises(SpentTokensError, match="for the policy llm/other, not for llm/qa"):
        open_spent_tokens(tmp_path / "spent.json", POLICY).__enter__()


def test_two_at_a_time_cannot_spend_one_budget(tmp_path: Path) -> None:
    with open_spent_tokens(tmp_path / "spent.json", POLICY), pytest.raises(SpentTokensError, match="in use by another"):
        open_spent_tokens(tmp_path / "spent.json", POLICY).__enter__()
    with open_spent_tokens(tmp_path / "spent.json", POLICY) as again:
        assert again.tokens == 0


def test_a_directory_that_cannot_be_written_is_named_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "spent.json", tmp_path):
        with pytest.raises(SpentTokensError, match="writable, mounted directory"):
            open_spent_tokens(path, POLICY).__enter__()


def test_a_crash_in_the_middle_of_a_write_leaves_the_count_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "spent.json"
    with open_spent_tokens(file, POLICY) as spent:
        spent.store(120)

        def crash(_: int) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="no space left"):
            spent.store(9999)
        monkeypatch.undo()
        assert json.loads(file.read_text())["spent"] == spent.tokens == 120
        spent.store(130)
    assert json.loads(file.read_text())["spent"] == 130
