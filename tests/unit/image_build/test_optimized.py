"""An image's file system is read-only, so that a file which was compiled at another level would be compiled at each
start."""

from __future__ import annotations

import re
from pathlib import Path

OPERATOR = Path(__file__).parents[3] / "operator"


def test_all_code_of_an_image_is_compiled_at_the_level_at_which_it_runs() -> None:
    made = (OPERATOR / "Containerfile").read_text()
    (level,) = re.findall(r"PYTHONOPTIMIZE=(\d)", made)
    assert re.findall(r"-m compileall -q -o (\d)", made) == [level] * made.count("-m compileall")
    assert f"optimize={level}," in (OPERATOR / "image_build" / "runtime_files.py").read_text()
