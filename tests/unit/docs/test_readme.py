"""What the README shows can be done as shown: its policy is valid, and each of its commands is run by a test."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.cli.main import app
from tests.readme_commands import (
    AFTER_THE_VERDICT,
    ELSEWHERE,
    FOLLOWING,
    OFFLINE,
    ROOT,
    UNTIL_PROMOTED,
    policy_text,
    shown,
)

ON_A_CLUSTER = (*UNTIL_PROMOTED, FOLLOWING, *AFTER_THE_VERDICT)
WORDS = 10


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader of the README stands, with its policy in a file."""
    (tmp_path / "policy.yaml").write_text(policy_text())
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str) -> str:
    """What a command of the README prints."""
    kubectl, plugin, *words = shlex.split(line)
    assert (kubectl, plugin) == ("kubectl", "earlystop")
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_every_command_is_run_by_a_test_and_none_is_listed_that_is_not_shown() -> None:
    listed = Counter((*OFFLINE, *ON_A_CLUSTER, *ELSEWHERE))
    assert Counter(shown()) == listed, "add the command to a table of tests/readme_commands.py, and run it there"


@pytest.mark.parametrize("reason", ELSEWHERE.values())
def test_a_command_that_is_run_in_another_form_names_where(reason: str) -> None:
    named = re.findall(r"tests/[\w/]+\.(?:py|md)", reason)
    assert named and all((ROOT / each).is_file() for each in named), reason


def test_the_policy_is_one_that_an_api_server_takes(folder: Path) -> None:
    assert "1 policy is valid." in run("kubectl earlystop validate policy.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("line", OFFLINE)
def test_a_command_that_asks_no_cluster_runs_as_shown(line: str, folder: Path) -> None:
    assert run(line).strip()


def test_ten_words_are_defined_and_each_is_used() -> None:
    readme = (ROOT / "README.md").read_text()
    before, _, rest = readme.partition("## Ten words\n")
    table, _, after = rest.partition("\n## ")
    words = re.findall(r"^\| \*\*([\w ()]+)\*\* \| .+ \|$", table, re.MULTILINE)
    assert len(words) == WORDS
    assert [word for word in words if word.split(" (")[0] not in before + after] == []
