"""A wrong option of the operator is answered with what may be written, before anything starts."""

from __future__ import annotations

from typer.testing import CliRunner

from earlystop.command_line import plain_app
from earlystop.controller.main import ABOUT, LogLevel, run


def test_a_level_of_the_log_that_is_none_is_answered_with_those_that_are() -> None:
    result = CliRunner().invoke(plain_app(run, ABOUT), ["--log-level=verbose"])
    assert result.exit_code == 2
    assert all(level in result.output for level in ("verbose", *LogLevel)), result.output
