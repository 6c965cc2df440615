"""Every command about a verdict takes a file of any name by --file, and says the same of it as by its path."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.cli.main import app
from tests.unit.rollout.record.chains import chain_of

READERS = (["verify"], ["verify", "--chain"], ["replay"], ["statement"])


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "400"})
    return result.exit_code, result.output


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_a_file_of_any_name_says_what_its_path_says(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = yaml.safe_dump(chain_of(1)[0])
    Path("verdict.yaml").write_text(text)
    Path("saved").write_text(text)
    expected = run(*command, "verdict.yaml")
    assert expected[0] == 0
    assert run(*command, "-f", "saved") == expected
    assert run(*command, "--file", "verdict.yaml") == expected


@pytest.mark.parametrize("command", [["verify"], ["replay"], ["statement"]], ids=" ".join)
def test_a_command_about_one_verdict_takes_a_name_or_a_file_but_not_both_or_none(command: list[str]) -> None:
    for arguments in ([], ["qa-1", "-f", "verdict.yaml"]):
        code, output = run(*command, *arguments)
        assert code == 2 and "--file FILE" in output


@pytest.mark.parametrize("command", READERS, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "is_there"), [("README.md", True), ("README.md", False), ("Makefile", False), ("saved", True)]
)
def test_a_name_that_is_rather_a_files_is_answered_with_how_to_name_the_file(
    tmp_path: Path, command: list[str], name: str, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    if is_there:
        Path(name).write_text("text")
    code, output = run(*command, name)
    assert code == 1 and output.endswith(f" If a file is meant, write ./{name}.\n")
    assert "If a file is meant" not in run(*command, "qa-1")[1]
