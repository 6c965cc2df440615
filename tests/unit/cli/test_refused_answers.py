"""Whatever an API server answers but success, every command ends with code 1 and one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.cli.main import app
from tests.unit.cli.api_server import answering, refused
from tests.unit.cli.asking_commands import COMMANDS
from tests.unit.metrics.source.faulty_server import Handler

MORE = (("class-map", "qa"), ("effort-map", "qa"))
"""Further commands that read the policy of this name."""
STATUSES = (302, 400, 403, 404, 409, 410, 422, 429, 500, 503)
BODIES = {
    "a page": b"<html>SECRET</html>",
    "brackets without end": b"[" * 50_000,
    "nothing": b"",
    "a status of escapes": json.dumps({"kind": "Status", "message": "\x1b]0;x\x07\u202e" * 3}).encode(),
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.slow
@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_of_whatever_kind_ends_every_command_with_one_sentence(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: Handler) -> None:
        refused(handler, status, "not today")

    with answering(answer, tmp_path, monkeypatch):
        ensure_one_sentence_each()


@pytest.mark.slow
@pytest.mark.parametrize("what", BODIES)
def test_a_refusal_by_what_is_no_api_server_ends_every_command_with_one_sentence(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(502, BODIES[what])

    with answering(answer, tmp_path, monkeypatch):
        ensure_one_sentence_each()


def ensure_one_sentence_each() -> None:
    """Of every command that asks an API server."""
    for command in (*COMMANDS, *MORE):
        ensure_one_sentence(command)


def ensure_one_sentence(command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, SystemExit) and done.exit_code == 1, (command, done.output, done.exception)
    assert done.stdout == "", command
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, (command, done.stderr)
    assert "nobody foresaw" not in done.stderr and "SECRET" not in done.stderr, (command, done.stderr)
    assert done.stderr.rstrip("\n").isprintable(), (command, done.stderr)
