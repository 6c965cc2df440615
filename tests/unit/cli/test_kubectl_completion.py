"""kubectl is given the completions of the last word, a line each, and then a directive, whatever fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from earlystop.cli.kubectl_completion import NO_FILES, run
from earlystop.cli.main import COMMANDS
from tests.unit.cli.api_server import api_with, use_kubeconfig
from tests.unit.cli.shown_policies import policy_in


def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What is offered for the last word. Fails unless the directive comes last."""
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-earlystop", *words])
    run()
    *found, directive = capsys.readouterr().out.splitlines()
    assert directive == NO_FILES
    return [each for each in found if each]


def test_commands_and_options_are_completed_without_a_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(monkeypatch, capsys, "wa") == ["watch", "wait"]
    assert completed(monkeypatch, capsys, "") == list(COMMANDS)
    assert "--exit-status" in completed(monkeypatch, capsys, "watch", "--e")
    assert completed(monkeypatch, capsys, "get", "-o", "w") == ["wide"]


@pytest.mark.slow
def test_names_of_policies_are_those_of_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with api_with([policy_in("observing")], tmp_path, monkeypatch):
        for verb in ("status", "explain", "abort", "get", "audit", "history", "savings", "report", "effort-map"):
            assert completed(monkeypatch, capsys, verb, "q") == ["qa"], verb
        assert completed(monkeypatch, capsys, "status", "x") == []


def test_without_a_cluster_no_name_is_offered_and_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_kubeconfig(tmp_path / "none", monkeypatch)
    assert completed(monkeypatch, capsys, "status", "q") == []
    assert capsys.readouterr().err == ""
