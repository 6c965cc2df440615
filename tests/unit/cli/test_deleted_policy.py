"""A policy that was deleted, and that finalizers of others keep, is asked for nothing, and no screen says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.cli.main import app
from earlystop.controller.cluster import Manifest
from tests.unit.cli.api_server import api_with
from tests.unit.cli.shown_policies import policy_in
from tests.unit.metrics.source import faulty_server

VERBS = ("pause", "resume", "abort", "retry", "promote --yes", "approve --yes", "reject --yes")
KEPT = "The policy was deleted, and the finalizer example.com/audit keeps its object."


def deleted(state: str) -> Manifest:
    found = policy_in(state)
    found["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/audit"]}
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_asks_a_deleted_policy_for_anything(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    for method in ("do_PATCH", "do_POST", "do_PUT"):
        monkeypatch.setattr(faulty_server.Handler, method, lambda handler: written.append(handler.path), raising=False)
    name, *options = verb.split()
    with api_with([deleted("observing claims")], tmp_path, monkeypatch):
        ended = CliRunner().invoke(app, [name, "qa", *options])
    said = " ".join(ended.output.split())
    assert ended.exit_code == 1 and KEPT in said, said
    assert "llm/qa can be asked for nothing." in said and written == []


def test_the_screen_of_a_deleted_policy_says_what_keeps_it_and_not_how_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api_with([deleted("rolled back")], tmp_path, monkeypatch):
        ended = CliRunner().invoke(app, ["status", "qa"])
    said = " ".join(ended.output.split())
    assert ended.exit_code == 0 and KEPT in said and "tries the same again" not in said
