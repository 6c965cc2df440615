"""A command's process searches neither for cycles, while it starts and ends, nor for plugins of a library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.environment import environment

POLICY = str(Path(__file__).parents[3] / "manifests" / "examples" / "policy.yaml")
SEARCHES = """
import atexit, gc, importlib.metadata, sys
searched, asked = [], []
importlib.metadata.distributions = lambda **of: asked.append(of) or []
gc.callbacks.append(lambda phase, info: searched.append(info["generation"]) if phase == "start" else None)
from earlystop.cli.main import run
before = len(searched)
atexit.register(lambda: print("searched", len(searched) - before, gc.get_freeze_count() > 50_000,
                              "asked", len(asked), file=sys.stderr))
sys.argv = ["kubectl-earlystop", *sys.argv[1:]]
run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_command_searches_for_no_cycles_and_no_plugins(command: str) -> None:
    called = [sys.executable, "-c", SEARCHES, command, POLICY]
    done = subprocess.run(called, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "searched 0 True asked 0"


CYCLES = """
import gc
from earlystop.cli.short_process import NET_OBJECTS, short_process
with short_process():
    for _ in range(3 * NET_OBJECTS):
        cycle = []
        cycle.append(cycle)
    print(len(gc.get_objects()) < 2 * NET_OBJECTS)
"""


def test_cycles_of_a_command_that_lasts_are_found() -> None:
    command = [sys.executable, "-c", CYCLES]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
