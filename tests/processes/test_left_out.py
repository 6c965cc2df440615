"""Runs of tests of their own, on machines without a real engine and with one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.processes.environment import ROOT

FILE = "tests/e2e/test_real_engine.py"
TESTS = 2
OTHERS = ("unit", "simulations", "processes", "cluster", "faults", "e2e", "bench")


def collected(cache: Path, *arguments: str) -> str:
    """What a run prints that collects the tests of these arguments and runs none, with its caches in `cache`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "EARLYSTOP_CACHE": str(cache)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout


def empty_files(cache: Path) -> None:
    """Puts a file there for all that the tests of the real engine need, none of which says anything."""
    ask = "from tests.cluster import engine_build as b, engine_model as m; print(b.engine_path(), m.MODEL_PATH)"
    environment = {**os.environ, "EARLYSTOP_CACHE": str(cache)}
    printed = subprocess.check_output([sys.executable, "-c", ask], cwd=ROOT, env=environment, text=True)
    for each in map(Path, printed.split()):
        assert each.is_relative_to(cache)
        each.parent.mkdir(parents=True)
        each.touch()


def test_real_pods_are_left_out_of_a_run_of_other_tests_and_the_run_says_so(tmp_path: Path) -> None:
    said = collected(tmp_path, "tests", *(f"--ignore=tests/{each}" for each in OTHERS), "--collect-only")
    assert "tests/pods was not run" in said and "make e2e" in said and "tests/pods/test" not in said


def test_without_a_real_engine_its_tests_are_left_out_and_the_run_says_so(tmp_path: Path) -> None:
    only_it = "injector_and_engine_count"  # a name among its tests
    said = collected(tmp_path, "tests/e2e", "-k", only_it, "-n", "1")
    assert f"{FILE} was not run" in said and "make real-engine" in said and "passed" not in said and "error" not in said


def test_with_a_real_engine_nothing_is_left_out(tmp_path: Path) -> None:
    empty_files(tmp_path)
    said = collected(tmp_path, "tests/e2e", "--collect-only")
    assert said.count(f"{FILE}::") == TESTS and "was not run" not in said


def test_who_names_its_file_gets_its_tests(tmp_path: Path) -> None:
    said = collected(tmp_path, FILE, "--collect-only")
    assert said.count(f"{FILE}::") == TESTS and "was not run" not in said
