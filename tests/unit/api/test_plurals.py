"""A number of one has its noun in the singular, and no sentence of ours puts a plural behind a number by itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from earlystop.api.plurals import counted

SOURCES = Path(__file__).parents[3] / "operator" / "earlystop"
PLURAL = re.compile(
    r"^ (points|looks|requests|answers|trials|verdicts|settings|campaigns|Pods|questions|users|candidates|tokens)\b"
)
NEVER_ONE = re.compile(r"^(MOST|SCORED|LEAST|LONGEST)_[A-Z_]+|effect|seen|_points\(|_in_points")
"""Bounds that are more than one, and estimates with decimals or an interval behind them."""
OF_PROGRAMS = ("ValueError", "AssertionError")
"""Messages that tell a programmer of a wrong call."""


@pytest.mark.parametrize(
    ("number", "one", "many", "said"),
    [
        (1, "look", None, "1 look"),
        (0, "look", None, "0 looks"),
        (2000, "look", None, "2,000 looks"),
        ("1", "point of EM", None, "1 point of EM"),
        ("0.5", "point of EM", None, "0.5 points of EM"),
        ("no", "answer", None, "no answers"),
        (1, "query class", "query classes", "1 query class"),
        (3, "query class", "query classes", "3 query classes"),
        (1, "request was", "requests were", "1 request was"),
    ],
)
def test_a_number_of_one_has_its_noun_in_the_singular(number: int | str, one: str, many: str | None, said: str) -> None:
    assert counted(number, one, many) == said


def plurals_by_themselves(source: str) -> list[str]:
    """Each number of an f-string with a plural right behind it."""
    found = []
    tree = ast.parse(source)
    programs = {
        inner
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in OF_PROGRAMS
        for inner in ast.walk(call)
    }
    for each in ast.walk(tree):
        if not isinstance(each, ast.JoinedStr) or each in programs:
            continue
        for number, text in zip(each.values, each.values[1:], strict=False):
            if not isinstance(number, ast.FormattedValue) or not isinstance(text, ast.Constant):
                continue
            said = ast.unparse(number.value)
            if isinstance(text.value, str) and PLURAL.match(text.value) and not NEVER_ONE.search(said):
                found.append(said + text.value)
    return found


def test_a_plural_by_itself_is_found() -> None:
    assert plurals_by_themselves("f'after {looks} looks'") == ["looks looks"]
    assert plurals_by_themselves("f'at most {MOST_LOOKS} looks'") == []
    assert plurals_by_themselves("f'{counted(looks, NOUN)} so far'") == []


@pytest.mark.slow
def test_no_sentence_puts_a_plural_behind_a_number_by_itself() -> None:
    found = {
        str(path.relative_to(SOURCES)): here
        for path in sorted(SOURCES.rglob("*.py"))
        if (here := plurals_by_themselves(path.read_text()))
    }
    assert found == {}, "write counted(number, noun), from earlystop.api.plurals"
