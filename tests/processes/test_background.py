"""What only computes takes nothing from the tests that run beside it, and hides nothing of what it found."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.background import AUTOGROUP, LOWEST
from tests.cluster.processes import is_running
from tests.processes.environment import ROOT

DEADLINE_SECONDS = 120


def background(*command: str) -> subprocess.Popen[str]:
    module = [sys.executable, "-m", "tests.background", *command]
    return subprocess.Popen(module, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_command_has_the_lowest_priority_within_its_session_and_against_others() -> None:
    shown, _ = background("sh", "-c", f"nice; cat {AUTOGROUP} || true").communicate(timeout=DEADLINE_SECONDS)
    of_session = [f"nice {LOWEST}"] if AUTOGROUP.exists() else []
    assert shown.splitlines()[0] == str(LOWEST)
    assert all(said in shown for said in of_session), shown


@pytest.mark.parametrize("code", [0, 1, 5])
def test_what_it_printed_is_shown_and_its_exit_code_is_that_of_the_command(code: int) -> None:
    process = background("sh", "-c", f"echo found; echo and said >&2; exit {code}")
    shown, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, shown) == (code, "found\nand said\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_all_that_the_command_started(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    # The shell waits for its child; a signal that came to the shell alone would leave the child behind.
    process = background("sh", "-c", f"sleep 600 & echo $! > {started}.new; mv {started}.new {started}; wait")
    end = time.monotonic() + DEADLINE_SECONDS
    while not started.exists() and time.monotonic() < end:
        time.sleep(0.02)
    child = int(started.read_text())
    process.send_signal(number)
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode != 0
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(child)
