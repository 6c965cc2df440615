"""Every case of abuse that was thought of is held by a test that exists, or told of in a document that people read."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER
from tests.unit.every_row import every_row

ROOT = Path(__file__).parents[2]
AREAS: dict[str, dict[str, list[Any]]] = yaml.load(
    (Path(__file__).parent / "abuse_cases.yaml").read_text(encoding="utf-8"), Loader=SAFE_LOADER
)
CASES = {case: entries for cases in AREAS.values() for case, entries in cases.items()}
FEWEST = 130
"""Cases that were there when the table was made; none goes without another in its place."""


@cache
def names_of_tests(name: str) -> tuple[str, ...]:
    """Names of the tests of a file, without `test_`. name: the file below tests/, without `test_` and `.py`."""
    folder, _, file = name.rpartition("/")
    tree = ast.parse((ROOT / "tests" / folder / f"test_{file}.py").read_text(encoding="utf-8"))
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return tuple(each.name.removeprefix("test_") for each in functions if each.name.startswith("test_"))


def missing_in(entry: str | dict[str, dict[str, str]]) -> str | None:
    """What is wrong with an entry of a case, None when nothing is."""
    if isinstance(entry, dict):
        ((file, words),) = entry["said"].items()
        text = " ".join((ROOT / file).read_text(encoding="utf-8").split())
        return None if words in text else f"{file} does not say {words!r} any more"
    file, _, begins = entry.partition("::")
    found = [name for name in names_of_tests(file) if name.startswith(begins)]
    return None if len(found) == 1 and begins else f"{len(found)} tests of {file} begin with {begins!r}"


@every_row("case", CASES)
def test_each_case_is_held_by_tests_that_exist_or_told_in_a_document(case: str) -> None:
    assert CASES[case] and not [what for entry in CASES[case] if (what := missing_in(entry))]


def test_no_case_was_dropped_and_most_are_held_by_tests() -> None:
    assert len(CASES) == sum(map(len, AREAS.values())) >= FEWEST
    told_only = [case for case, entries in CASES.items() if all(isinstance(entry, dict) for entry in entries)]
    assert len(told_only) < 10


def test_a_test_that_is_gone_or_a_sentence_that_was_taken_out_is_noticed() -> None:
    assert missing_in("unit/abuse_cases::no_such_test") and missing_in("unit/abuse_cases::")
    assert missing_in({"said": {"SECURITY.md": "nobody ever wrote this"}})
    assert missing_in("unit/abuse_cases::a_test_that_is_gone") is None
