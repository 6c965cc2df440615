"""An image's file system is read-only, so that a file which was compiled at another level would be compiled at each
start. It runs without docstrings."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlystop.command_line import plain_app
from tests.bench.scale_stage import IN_A_POD

OPERATOR = Path(__file__).parents[3] / "operator"


def test_all_code_of_an_image_is_compiled_at_the_level_at_which_it_runs() -> None:
    made = (OPERATOR / "Containerfile").read_text()
    (level,) = re.findall(r"PYTHONOPTIMIZE=(\d)", made)
    assert re.findall(r"-m compileall -q -o (\d)", made) == [level] * made.count("-m compileall")
    assert f"optimize={level}," in (OPERATOR / "image_build" / "runtime_files.py").read_text()


def test_the_scale_benchmark_runs_the_operator_with_what_image_and_chart_set_for_memory() -> None:
    root = OPERATOR.parent
    image = set(re.findall(r"    (\w+)=(\d+) ", (OPERATOR / "Containerfile").read_text()))
    pod = (root / "charts" / "earlystop" / "templates" / "deployment.yaml").read_text()
    chart = set(re.findall(r"- name: (MALLOC_\w+)\n +value: \"(\d+)\"", pod))
    of_the_log = {("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1")}
    assert set(IN_A_POD.items()) == chart | image - of_the_log


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("injector.main", "run"),
        ("evaluator.__main__", "main"),
        ("evaluator.feedback.__main__", "main"),
        ("demo.load", "main"),
        ("demo.server", "main"),
    ],
)
def test_help_says_what_a_process_does_where_docstrings_were_left_out(
    module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = importlib.import_module(f"earlystop.{module}")
    command = getattr(loaded, name)
    monkeypatch.setattr(command, "__doc__", None)
    result = CliRunner().invoke(plain_app(command, loaded.ABOUT), ["--help"])
    assert result.exit_code == 0 and loaded.ABOUT in " ".join(result.output.split())
