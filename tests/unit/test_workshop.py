"""The workshop itself: what a run of tests and a first build promise to a person."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.cluster.binaries import PACKAGES
from tests.cluster.engine_build import build_progress
from tests.cluster.go_build import executable_name, progress_line
from tests.run_order import SECONDS, WITH_A_CLUSTER, rank

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 60


def test_files_without_a_cluster_come_first_and_then_the_longest() -> None:
    longest = max(SECONDS, key=lambda file: (file.startswith(WITH_A_CLUSTER), SECONDS[file]))
    without = ["tests/bench/test_quick_statistics.py", "tests/unit/api/test_values.py"]
    below = "tests/cluster/approvals/test_attacks.py"
    files = [below, "tests/cluster/test_kit.py", longest, *reversed(without), "tests/e2e/test_whole.py"]
    assert sorted(files, key=rank)[:3] == [*without, longest]


def test_every_file_whose_duration_is_stated_exists() -> None:
    assert [file for file in SECONDS if not (ROOT / file).is_file()] == []


def test_no_test_module_imports_from_another_and_fixtures_come_from_conftest_files() -> None:
    texts = {file: file.read_text() for file in sorted((ROOT / "tests").rglob("*.py"))}
    between = re.compile(r"^from tests[\w.]*\.test_\w+ import|^import tests[\w.]*\.test_", re.MULTILINE)
    assert [file.name for file, text in texts.items() if between.search(text)] == []
    named = [file for file, text in texts.items() if re.search(r"^pytest_plugins\b", text, re.MULTILINE)]
    assert named == [ROOT / "tests" / "conftest.py"]


def test_the_first_build_says_how_far_it_is_and_about_how_long_it_will_take() -> None:
    assert progress_line(500, 2000, 60).endswith("500 of 2000 packages, 1:00 min, about 3:00 min left")
    assert progress_line(3, 2000, 1).endswith("3 of 2000 packages, 0:01 min")
    assert progress_line(2000, 2000, 245).endswith("4:05 min, linking")


def test_the_build_of_the_real_engine_says_how_far_it_is_and_about_how_long_it_will_take() -> None:
    printed = "[1/200] Building C object a.o\nnote: [99/100]\n[50/200] Linking CXX static library b.a\n"
    assert build_progress(printed, 60) == "building the real engine: 50 of 200 steps, 1:00 min, about 3:00 min left"
    assert build_progress("", 1) == "building the real engine, 0:01 min"
    assert build_progress("[200/200] Linking", 61).endswith("200 of 200 steps, 1:01 min")


def test_executables_are_found_under_the_names_that_go_gives_them() -> None:
    names = {name: executable_name(package) for name, package in PACKAGES.items()}
    assert names.pop("etcd") == "server"
    assert all(name == found for name, found in names.items())


@pytest.mark.parametrize("name", ["statistics", "preset", "controller"])
def test_the_page_shows_the_examples_as_they_are_run(name: str) -> None:
    page = (ROOT / "tests" / "README.md").read_text()
    example = (ROOT / "tests" / "unit" / "examples" / f"test_{name}.py").read_text()
    assert f"```python\n{example}```" in page, f"paste tests/unit/examples/test_{name}.py into tests/README.md"


@pytest.mark.parametrize("folder", ["operator", "tests"])
def test_no_file_is_longer_than_one_idea_takes(folder: str) -> None:
    lengths = {file: file.read_bytes().count(b"\n") for file in (ROOT / folder).rglob("*.py")}
    too_long = {file.name: lines for file, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE}
    assert too_long == {}, "split these by idea"


@pytest.mark.slow
def test_each_function_of_the_product_fits_a_screen() -> None:
    too_long = {
        f"{file.name}:{node.name}": node.end_lineno - node.lineno + 1
        for file in (ROOT / "operator").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    }
    assert too_long == {}, "name the parts of these"
