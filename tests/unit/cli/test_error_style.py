"""Commands have one style for what went wrong: sentences that begin with a capital letter, in every module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3] / "operator" / "earlystop" / "cli"
RAISED = {"BadParameter", "CommandFailure", "LooksError", "Refused", "fail"}
A_NAME = re.compile(r"(spec|status|metadata)\.|[a-z]+(-[a-z]+)+ ")
"""Fields, and packages with hyphens in their names, are written as they are."""


def beginnings() -> Iterator[tuple[str, str]]:
    """Where each message stands, and how it begins; those that begin with a value are left out."""
    for path in sorted(ROOT.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in RAISED and call.args:
                text = call.args[0].values[0] if isinstance(call.args[0], ast.JoinedStr) else call.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                    yield f"{path.relative_to(ROOT)}:{call.lineno}", text.value


def test_what_a_command_says_of_a_failure_begins_as_a_sentence_does() -> None:
    found = list(beginnings())
    assert len(found) > 50
    assert [each for each in found if each[1][0].islower() and not A_NAME.match(each[1])] == []
