"""What the image leaves out is nothing that the code imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_build.prune import LEXERS, MODELS, NAMED_LEXERS, NAMED_MODELS, OF_PEOPLE, UNUSED, prune

CODE = Path(__file__).parents[3] / "operator" / "earlystop"


def imported() -> Iterator[str]:
    """Every module, and every name that may be one, that a file of the code imports."""
    for path in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield from (f"{node.module}.{each.name}" for each in node.names)


@pytest.mark.slow
def test_the_code_imports_nothing_that_the_image_leaves_out() -> None:
    left_out = tuple(f"{module}." for module in (*UNUSED, *OF_PEOPLE))
    names = {f"{name}." for name in imported()}
    assert "kubernetes.aio.client." in names
    assert not [name for name in names if name.startswith(left_out)]


def test_tests_stubs_and_unused_modules_are_removed_and_the_rest_is_kept(tmp_path: Path) -> None:
    for module in (*UNUSED, *OF_PEOPLE, *MODELS, LEXERS):
        tmp_path.joinpath(*module.split(".")).mkdir(parents=True, exist_ok=True)
    kept = tmp_path / "scipy" / "special" / "__init__.py"
    records = [tmp_path / f"{name}-1.2.3.dist-info/METADATA" for name in OF_PEOPLE.values()]
    model = "kubernetes/client/models/v1_pod.py"
    named = [tmp_path.joinpath(*MODELS[0].split("."), name) for name in NAMED_MODELS]
    named += [tmp_path.joinpath(*LEXERS.split("."), name) for name in NAMED_LEXERS]
    removed = [
        tmp_path / model,
        tmp_path / "pygments/lexers/ada.py",
        tmp_path / "scipy/special/tests/tests/test_x.py",
        tmp_path / "scipy/special/x.pyi",
        *records,
    ]
    for path in (kept, *named, *removed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    prune(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([kept, *named])
    assert not (tmp_path / "scipy/stats").exists()


def test_a_module_that_is_not_there_any_more_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        prune(tmp_path)
