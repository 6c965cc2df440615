"""A failure is given a second try only where a busy machine can be the cause, and never without a word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.environment import ROOT
from tests.second_try import MOST, failed


def remember(cache: Path, names: list[str]) -> None:
    """Write what failed last as pytest does."""
    stored = cache / "v" / "cache" / "lastfailed"
    stored.parent.mkdir(parents=True)
    stored.write_text(json.dumps(dict.fromkeys(names, True)))


def second_try(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.second_try", str(directory / "cache"), f"--rootdir={directory}"]
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )


@pytest.mark.parametrize(("body", "code"), [("assert True", 0), ("assert False", 1)], ids=["alone well", "fails again"])
def test_a_test_that_fails_alone_too_fails_the_run_and_any_other_is_named(tmp_path: Path, body: str, code: int) -> None:
    (tmp_path / "tests" / "faults").mkdir(parents=True)
    (tmp_path / "tests" / "faults" / "test_it.py").write_text(f"def test_it():\n    {body}\n")
    name = "tests/faults/test_it.py::test_it"
    remember(tmp_path / "cache", [name])
    done = second_try(tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("UNSTABLE" in done.stdout) == (code == 0)
    assert f"run once more, alone:\n  {name}" in done.stdout


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_many_failures_and_ends_without_any_get_no_second_try(tmp_path: Path, count: int) -> None:
    remember(tmp_path / "cache", [f"tests/faults/test_{number}.py::test_it" for number in range(count)])
    assert second_try(tmp_path).returncode == 1


def test_failures_of_one_accident_count_once(tmp_path: Path) -> None:
    (tmp_path / "tests" / "faults").mkdir(parents=True)
    bodies = "".join(f"def test_{number}():\n    pass\n" for number in range(MOST + 1))
    (tmp_path / "tests" / "faults" / "test_it.py").write_text(bodies)
    remember(tmp_path / "cache", [f"tests/faults/test_it.py::test_{number}" for number in range(MOST + 1)])
    assert second_try(tmp_path).returncode == 0


def test_tests_without_a_cluster_get_no_second_try(tmp_path: Path) -> None:
    remember(tmp_path, ["tests/unit/test_crds.py::test_it", "tests/e2e/test_whole.py::test_it"])
    assert failed(tmp_path) == ["tests/e2e/test_whole.py::test_it"]
