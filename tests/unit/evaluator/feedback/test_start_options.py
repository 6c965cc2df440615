"""Options with which the feedback endpoint cannot work are answered with what to write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.command_line import plain_app
from earlystop.evaluator.feedback.__main__ import ABOUT, main

KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--policy": "qa"}, "policies has 'qa'; write a list of names like 'llm/qa'"),
        ({"--receipt-key-file": "none/such"}, "the keys in none/such cannot be read"),
        ({"--label-key-file": "none/such"}, "the keys in none/such cannot be read"),
        ({"--label-seconds": "99999999"}, "write --label-seconds of 0 or more, and --longest-seconds that are not"),
        ({"--state": "none/such/votes.db"}, "name a file of its own in a writable, mounted directory"),
        ({"--host": "no.such.host.invalid"}, "cannot listen on no.such.host.invalid"),
    ],
)
def test_options_that_cannot_work_end_the_start_with_a_sentence(
    tmp_path: Path, changed: Mapping[str, str], said: str
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    needed = {"--policy": "llm/qa", "--receipt-key-file": str(keys), "--port": "0", "--metrics-port": "0"}
    arguments = [f"{name}={value}" for name, value in {**needed, **changed}.items()]
    result = CliRunner().invoke(plain_app(main, ABOUT), arguments, env={"COLUMNS": "40"})
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert KEY not in result.output
