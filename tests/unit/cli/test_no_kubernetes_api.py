"""A server that answers with success and is no Kubernetes API, as a page to log in: one sentence says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.cli.main import app
from tests.unit.cli.api_server import answering
from tests.unit.cli.asking_commands import COMMANDS
from tests.unit.metrics.source.faulty_server import Handler

ANSWERS = {
    "a page": b"<html>SECRET</html>",
    "a list": b"[]",
    "an object without anything": b"{}",
    "a list of objects without anything": b'{"items": [{}], "metadata": {}}',
    "null": b"null",
    "cut": b'{"metadata":{',
    "a list that is text": b'{"items": "x", "metadata": {"name": "qa"}}',
    "an object without parts": json.dumps({"metadata": {"name": "qa", "namespace": "llm"}, "status": "x"}).encode(),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_kubernetes_api_ends_a_command_with_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(200, ANSWERS[name])

    with answering(answer, tmp_path, monkeypatch):
        for command in COMMANDS:
            done = CliRunner().invoke(app, command)
            assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
            assert "SECRET" not in done.output
            if name != "an object without parts":
                assert done.exit_code == 1 and "is no Kubernetes API" in done.output, (command, done.output)
