"""JSON that others write is read where an error of any kind is expected: also that of brackets within brackets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.api.json_once import read_any_json, read_json
from earlystop.controller.api_answers import message_in
from earlystop.delivery.probes.engine_check import words_in
from earlystop.rollout.record.statement import statement_differences

PACKAGE = Path(__file__).parents[2] / "operator" / "earlystop"
OF_OUR_OWN = {
    "cli/files/documents.py": "a file, whose errors are caught together",
    "controller/cache/watch_cache.py": "what was packed from an object that was read",
    "evaluator/client.py": "the body of a golden question, which was read when its file was",
    "evaluator/spent_tokens.py": "a file of the evaluator's own, whose errors are caught together",
    "injector/body.py": "a value within a body that was read as a whole",
    "injector/json_object.py": "what was written here just before",
    "rollout/stored/plan_reference.py": "the plan of a state, which was written just before",
}
DEEP = b"[" * 100_000


def unguarded(path: Path) -> Iterator[int]:
    """Lines with a call of `json.loads` outside of each `try` that expects RecursionError."""
    text = path.read_text()
    if "loads" not in text:
        return
    tree = ast.parse(text)
    guarded = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.Try | ast.With) and "RecursionError" in ast.unparse(each)
        for statement in each.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads" and id(node) not in guarded:
            yield node.lineno


def test_json_of_others_is_read_where_too_deep_a_one_is_expected() -> None:
    files = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
    found = {name: lines for name, path in files.items() if (lines := list(unguarded(path)))}
    reported = {name: lines for name, lines in found.items() if name not in OF_OUR_OWN and not name.startswith("demo/")}
    assert reported == {}
    assert files.keys() >= OF_OUR_OWN.keys()


def test_too_deep_a_text_is_no_json_and_no_error_of_its_own() -> None:
    for read in (read_json, read_any_json):
        with pytest.raises(ValueError, match="it is nested too deep"):
            read(DEEP)


def test_a_server_or_a_file_that_nests_without_end_is_answered_as_one_that_sends_no_json() -> None:
    assert words_in(DEEP) == ""
    assert message_in(DEEP) == message_in(b"<html>") == "the answer was not a Kubernetes Status"
    with pytest.raises(ValueError, match="nested too deep"):
        statement_differences(DEEP)
