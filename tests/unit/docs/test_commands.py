"""Each command that a page shows is one that the program, the Makefile or the module takes, with its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from earlystop.cli.main import COMMANDS, app
from tests.unit.docs.pages import ROOT, all_pages

PLUGIN = "kubectl earlystop "
_CODE = re.compile(r"^ *```\w*\n(?P<block>.*?)^ *```$|`(?P<inline>[^`\n]+)`", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"python -m (earlystop[\w.]*) +(.*)")
LEFT_OUT = (ROOT / "CHANGELOG.md", ROOT / "operator" / "ARCHITECTURE.md")
"""One tells of commands that are no more; the other names several commands at once."""


def commands_in(text: str) -> Iterator[str]:
    """The command lines of a page, of its blocks and of its text, without prompt, comment, pipe and redirection."""
    for found in _CODE.finditer(text):
        lines = (found["block"] or found["inline"]).replace("\\\n", " ").splitlines()
        for line in lines:
            for part in re.split(r" \| | && | > | 2> | &$", line.strip().removeprefix("$ ")):
                command = re.sub(r"\s+#.*| …| \.\.\.", "", part).strip()
                if re.match(r"(kubectl earlystop|make|python -m) ", command):
                    yield command


SHOWN = sorted(
    {
        (str(page.relative_to(ROOT)), command)
        for page in all_pages()
        if page not in LEFT_OUT and page.suffix == ".md"
        for command in commands_in(page.read_text())
    }
)


def fault(command: str) -> str | None:
    """Why a command cannot be given as it stands, None where it can. One that is only named, without any argument, need
    not be whole."""
    if command.startswith("make "):
        return _fault_of_target(command.split()[1:])
    module = _MODULE.match(command)
    if module is not None:
        return _fault_of_module(module[1], shlex.split(module[2]))
    if not command.startswith(PLUGIN):
        return None
    name, *words = shlex.split(command.removeprefix(PLUGIN))
    if name == "COMMAND":  # stands for any
        return None
    if name not in COMMANDS:
        return f"there is no command {name}"
    if all(word.startswith("--") for word in words):
        return _unknown_option(f"{PLUGIN}{name}", _command(name), words)
    return _refusal(_command(name), [word.strip("[]") for word in words])


def _refusal(command: TyperCommand, words: list[str]) -> str | None:
    try:
        command.make_context("shown", words)
    except Exception as error:  # whatever the parser raises is its refusal
        return str(error)
    return None


def _unknown_option(name: str, command: TyperCommand, words: list[str]) -> str | None:
    known = {"--help", *(option for each in command.params for option in each.opts)}
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    unknown = [option for option in given if option not in known]
    return f"{name} has no option {unknown[0]}" if unknown else None


@cache
def _command(name: str) -> TyperCommand:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.get_command(typer.Context(group), name)
    assert isinstance(command, TyperCommand)
    return command


@cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _fault_of_target(words: list[str]) -> str | None:
    missing = [word for word in words if "=" not in word and word not in _targets() and not _is_bench(word)]
    return f"the Makefile has no target {missing[0]}" if missing else None


def _is_bench(target: str) -> bool:
    """Whether it is one of `bench-NAME`, whose module says whether there is such a bench."""
    name = target.removeprefix("bench-").replace("-", "_")
    folder = ROOT / "tests" / "bench" / name
    return name != target and (folder.is_dir() or folder.with_suffix(".py").is_file())


def _fault_of_module(name: str, words: list[str]) -> str | None:
    """A module of this project, whose options must be there; which of them are needed the page's text says."""
    path = ROOT / "operator" / Path(*name.split("."))
    if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
        return f"there is no module {name}"
    source = import_module(name if path.with_suffix(".py").is_file() else f"{name}.__main__")
    alone = typer.Typer(add_completion=False)
    alone.command()(source.main)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return _unknown_option(name, command, words)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_every_command_of_a_page_is_one_that_is_taken(page: str, command: str) -> None:
    assert fault(command) is None, f"{page}: {command}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("kubectl earlystop stauts", "there is no command stauts"),
        ("kubectl earlystop status qa --namespaces llm", "No such option: --namespaces"),
        ("kubectl earlystop counts POLICY -n NS", "Missing parameter: prometheus"),
        ("make demo-all", "the Makefile has no target demo-all"),
        ("python -m earlystop.evaluators --url x", "there is no module earlystop.evaluators"),
        ("python -m earlystop.evaluator --golden-file x", "has no option --golden-file"),
    ],
)
def test_a_command_that_cannot_be_given_is_told(command: str, said: str) -> None:
    assert said in str(fault(command))
