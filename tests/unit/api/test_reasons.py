"""Every reason that the operator gives has a sentence for people, and every sentence a reason that is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from earlystop.api.reasons.every import REASONS, page
from earlystop.delivery.proof import Proof
from earlystop.metrics.source.failures import FailureKind
from earlystop.rollout.certificate.words import REASONS as OF_LAPSES
from earlystop.rollout.guard.busy import Hindrance
from earlystop.rollout.search.offers import FateReason
from earlystop.rollout.state import Phase
from earlystop.rollout.waiting.approval import Fate
from tests.unit.every_row import every_row

ROOT = Path(__file__).parents[3] / "operator"
PLACE_OF_REASON = {
    "Refusal": 0,
    "EventNote": 0,
    "Decision": 1,
    "Dropped": 0,
    "Observation": 1,
    "Condition": 2,
    "last_decision": 1,
    "traffic_condition": 1,
    "Metrics": 0,
    "Unready": 0,
    "HookProblem": 0,
}
"""Constructors, and functions that pass a reason on to one: which positional argument is the reason."""

CONSTANT_NAMES = re.compile(
    "^(REASON|EDIT_WAITS|[A-Z_]*(MISROUTES|LEFT|IN_TARGET|NEVER_READY|NOT_BUILT|PACING|ABORTED|TARGET_TAKEN|BY_PERSON|ANSWERING"
    "|EVERY_CANDIDATE_DROPPED|BY_CLASS|CERTIFICATE_LAPSED|HARMFUL_IN_EVERY_CLASS|BUDGET_USED|RISK_USED"
    "|GATE_CLOSED|GATE_TIMED_OUT|CLOCK_BEHIND|EDIT_WAITS|EVALUATORS_DIFFER|VERDICT_MISSING|JOB_NOT_MADE|TEMPLATE_REFUSED|TARGET_NOT_FOUND|TARGET_FORBIDDEN|TARGET_UNUSABLE|NOT_DELIVERED|GIVEN_UP))$"
)
CAMEL_CASE = re.compile(r"^([A-Z][a-z0-9]*)+$")


def trees() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "earlystop").rglob("*.py")):
        if path.relative_to(ROOT).as_posix() != "earlystop/api/reasons/every.py":
            yield ast.parse(path.read_text())


def words_in(node: ast.expr | None, constants: dict[str, str]) -> Iterator[str]:
    """The words that an expression for a reason may become: constants, names of constants, both ways of a choice."""
    match node:
        case ast.Constant(value=str(word)) if word:
            yield word
        case ast.Name(id=name) if name in constants:
            yield constants[name]
        case ast.IfExp(body=one, orelse=other):
            yield from words_in(one, constants)
            yield from words_in(other, constants)
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value="Recovered")]):
            yield from ("MetricsRecovered", "TrafficRecovered")


def given() -> set[str]:
    """All reasons that the code can give."""
    found = {each.value for enum in (FailureKind, Phase, FateReason, Fate, Hindrance) for each in enum} | {
        *OF_LAPSES.values()
    }
    # Of what probes show, these are never said under their own name: `put_in_force` waits, or quarantines the gateway.
    found |= {each.value for each in Proof} - {Proof.NOT_YET.value, Proof.STALE.value, Proof.WRONG.value}
    for tree in trees():
        constants = dict(_constants_of(tree))
        found |= {word for name, word in constants.items() if CONSTANT_NAMES.match(name)}
        for node in ast.walk(tree):
            found |= set(_reasons_of(node, constants))
    return found


def _constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of a module that stand for a word, also those that are written several in a line."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=words)):
                pairs = list(zip(names, words, strict=True))
            case ast.Assign(targets=names, value=word):
                pairs = [(name, word) for name in names]
            case _:
                continue
        for name, word in pairs:
            match name, word:
                case ast.Name(id=written), ast.Constant(value=str() as said):
                    yield written, said


def _reasons_of(node: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
            named = [each.value for each in keywords if each.arg == "reason"]
            place = PLACE_OF_REASON.get(name)
            if place is not None:
                yield from words_in(named[0] if named else args[place] if len(args) > place else None, constants)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "reason":
                    yield from words_in(value, constants)
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield from filter(CAMEL_CASE.match, words_in(value, constants))  # elsewhere it may be a sentence
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="reason"), *_])], value=ast.Tuple(elts=[word, *_])):
            yield from words_in(word, constants)
        case ast.FunctionDef(name=name) if name.endswith("reason"):
            for each in ast.walk(node):
                if isinstance(each, ast.Return):
                    yield from filter(CAMEL_CASE.match, words_in(each.value, constants))  # or a sentence of an answer


@pytest.mark.slow
def test_every_reason_that_the_code_gives_has_a_sentence() -> None:
    assert given() - REASONS.keys() == set()


@pytest.mark.slow
def test_every_sentence_is_about_a_reason_that_the_code_gives() -> None:
    assert REASONS.keys() - given() == set()


@every_row("name", sorted(REASONS))
def test_a_reason_is_a_word_with_a_place_and_a_whole_sentence(name: str) -> None:
    reason = REASONS[name]
    assert CAMEL_CASE.match(name) and reason.appears and len(set(reason.appears)) == len(reason.appears)
    assert reason.sentence[0].isupper() and reason.sentence.endswith(".") and "|" not in reason.sentence


@pytest.mark.slow
def test_no_reason_stands_in_two_families() -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "earlystop" / "api" / "reasons").glob("*.py")))
    assert [name for name in REASONS if len(re.findall(rf'^ +\{{?"{name}": "', text, re.MULTILINE)) > 1] == []


def test_the_page_for_users_is_the_one_that_the_table_generates() -> None:
    assert (ROOT / "docs" / "reasons.md").read_text() == page()
