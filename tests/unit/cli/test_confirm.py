"""A person who is asked and does not say yes is told that nothing was changed, in no words of an abort."""

from __future__ import annotations

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
