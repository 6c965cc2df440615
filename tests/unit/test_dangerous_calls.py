"""Nothing that comes from the cluster, a source, a file or a client can become code: no module of ours can run any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.cli.files.yaml_values import SAFE_LOADER

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
SAFE = "SAFE_LOADER"


def is_safe(node: ast.AST) -> bool:
    """Whether it is a call of yaml with PyYAML's safe loader, which builds plain values alone."""
    return isinstance(node, ast.Call) and any(isinstance(each, ast.Name) and each.id == SAFE for each in node.args)


def found_in(tree: ast.AST) -> Iterator[str]:
    safe = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and is_safe(node)}
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
            and node not in safe
        ):
            yield f"{node.value.id}.{node.attr}"


def test_the_loader_that_our_code_reads_yaml_by_is_yamls_safe_one() -> None:
    assert {SAFE_LOADER.__name__} <= {"CSafeLoader", "SafeLoader"}
    assert list(found_in(ast.parse(f"yaml.load_all(text, {SAFE})"))) == []


@pytest.mark.parametrize(
    "text", ["import pickle", "from subprocess import run", "eval('1')", "yaml.load(text)", "os.system('x')"]
)
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert list(found_in(ast.parse(text)))


@pytest.mark.slow
def test_no_module_of_ours_can_run_what_it_is_given() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 200
    found = {str(path): list(found_in(ast.parse(path.read_text()))) for path in files}
    assert {path: names for path, names in found.items() if names} == {}
