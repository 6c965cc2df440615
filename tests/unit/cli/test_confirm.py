"""A person who is asked and does not say yes is told that nothing was changed, in no words of an abort."""

from __future__ import annotations

import sys

import pytest
import typer
from typer.testing import CliRunner

from earlystop.cli.terminal import confirm

app = typer.Typer()


@app.command()
def promote() -> None:
    """Ask, then act."""
    confirm("Give all requests to w5 now?")
    typer.echo("Done.")


@pytest.mark.parametrize("answer", ["n\n", "\n", "no\n", ""])
def test_every_other_answer_than_yes_changes_nothing_and_says_so(answer: str) -> None:
    ended = CliRunner().invoke(app, [], input=answer)
    assert ended.exit_code == 1 and "Nothing was changed." in ended.output
    assert "abort" not in ended.output.lower() and "Done." not in ended.output


def test_yes_goes_on() -> None:
    ended = CliRunner().invoke(app, [], input="y\n")
    assert ended.exit_code == 0 and ended.output.endswith("Done.\n")


def test_where_a_shell_has_closed_the_input_nothing_is_agreed_to_and_the_sentence_says_what_to_write(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as Python has it then
    with pytest.raises(typer.Exit) as ended:
        confirm("Start a new campaign?")
    assert ended.value.exit_code == 1
    assert "write --yes where nobody can be asked" in capsys.readouterr().err
