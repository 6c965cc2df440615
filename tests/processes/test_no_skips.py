"""A run of tests of its own, in which one skips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.environment import ROOT

SKIPPED = "import pytest\n\n\ndef test_it():\n    pytest.skip('no tool')\n\n\ndef test_well():\n    pass\n"


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_a_run_in_which_a_test_was_skipped_fails_and_says_why(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.no_skips",
        "-p",
        "no:cacheprovider",
        *workers,
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 10, done.stdout
    assert "1 passed, 1 skipped" in done.stdout and "no test here may skip" in done.stdout
