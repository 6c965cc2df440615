"""Nothing that comes from the cluster, a source, a file or a client can become code: no module of ours can run any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "operator" / "earlystop"
MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "cloudpickle", "subprocess", "pty", "code", "codeop"})
CALLS = frozenset({"eval", "exec", "compile", "__import__"})
ATTRIBUTES = frozenset(
    {
        ("os", "system"),
        ("os", "popen"),
        ("yaml", "load"),
        ("yaml", "load_all"),
        ("yaml", "unsafe_load"),
        ("yaml", "full_load"),
        ("asyncio", "create_subprocess_shell"),
        ("asyncio", "create_subprocess_exec"),
    }
)


def found_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield node.func.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in ATTRIBUTES
        ):
            yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize(
    "text", ["import pickle", "from subprocess import run", "eval('1')", "yaml.load(text)", "os.system('x')"]
)
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert list(found_in(ast.parse(text)))


def test_no_module_of_ours_can_run_what_it_is_given() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 200
    found = {str(path): list(found_in(ast.parse(path.read_text()))) for path in files}
    assert {path: names for path, names in found.items() if names} == {}
