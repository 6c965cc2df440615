"""Digests of what an evaluator asks and how it scores: another one for another measurement, and for no other cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from typer.testing import CliRunner

from earlystop.command_line import plain_app
from earlystop.evaluator.__main__ import ABOUT, main
from earlystop.evaluator.identity import (
    SCORER_VERSION,
    export_identity,
    identity_of,
    questions_digest,
    scorer_digest,
)
from earlystop.evaluator.judge import Example, JudgeSettings
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.run import Evaluation
from earlystop.evaluator.scoring import Scoring

FILE = tuple(GoldenQuestion(f"What is {n} + 1?", (str(n + 1), f"{n + 1}.0")) for n in range(40))
PLAIN = Scoring()
EXAMPLES = tuple(Example(f"q{n}", ("yes",), "no" if n % 2 else "yes", n % 2 == 0) for n in range(20))
JUDGE = JudgeSettings("http://judge/v1", "judge-1", "key", EXAMPLES, 0.9)

Change = Callable[[GoldenQuestion], GoldenQuestion]


@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, question="What is 0 + 2?"),
        lambda each: replace(each, answers=("1",)),
        lambda each: replace(each, query_class="sums"),
        lambda each: replace(each, body='{"temperature": 0}'),
        lambda each: replace(each, scoring=Scoring.named("number")),
        lambda each: replace(each, group="sums"),
    ],
)
def test_a_question_that_is_asked_or_scored_otherwise_makes_another_set(change: Change) -> None:
    assert questions_digest((change(FILE[0]), *FILE[1:])) != questions_digest(FILE)
    assert questions_digest(FILE[1:]) != questions_digest(FILE)


def test_the_order_of_questions_and_of_their_answers_makes_no_other_set() -> None:
    turned = [replace(each, answers=tuple(reversed(each.answers))) for each in reversed(FILE)]
    assert identity_of(turned, PLAIN, None) == identity_of(FILE, PLAIN, None)


@pytest.mark.parametrize(
    "mode", ["raw", "number", "number:unit", "regex:is (.*)", "regex:was (.*)", "json:a", "json:b"]
)
def test_another_way_to_score_is_another_scorer_of_the_same_questions(mode: str) -> None:
    before, after = identity_of(FILE, PLAIN, None), identity_of(FILE, Scoring.named(mode), None)
    assert before.scorer != after.scorer and before.questions == after.questions


@pytest.mark.parametrize(
    "changed",
    [{"model": "judge-2"}, {"examples": EXAMPLES[1:]}, {"least_agreement": 0.8}, {"least_visible": 0.6}],
)
def test_another_judge_is_another_scorer_and_its_address_is_not(changed: dict[str, object]) -> None:
    known = scorer_digest(FILE, PLAIN, JUDGE)
    assert scorer_digest(FILE, PLAIN, replace(JUDGE, **changed)) != known  # type: ignore[arg-type]
    assert scorer_digest(FILE, PLAIN, None) != known
    assert scorer_digest(FILE, PLAIN, replace(JUDGE, base_url="http://other/v1", api_key="new")) == known


def test_evaluators_that_each_ask_a_part_of_a_file_are_one_by_the_whole_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, begun = tmp_path / "golden.jsonl", list[Evaluation]()
    file.write_text("\n".join(json.dumps({"question": each.question, "answers": each.answers}) for each in FILE))

    async def evaluate(evaluation: Evaluation, *_: object) -> None:
        begun.append(evaluation)

    monkeypatch.setattr("earlystop.evaluator.__main__.evaluate", evaluate)
    needed = ["--url=http://gateway/v1", "--policy=llm/qa", "--token-budget=9", f"--golden={file}"]
    for part in ("1/2", "2/2"):
        assert CliRunner().invoke(plain_app(main, ABOUT), [*needed, f"--part={part}"]).exit_code == 0
    first, second = begun
    assert first.questions != second.questions
    assert first.identity == second.identity == identity_of(FILE, PLAIN, None)


def test_an_evaluator_exposes_one_series_with_both_digests() -> None:
    registry, identity = CollectorRegistry(), identity_of(FILE, PLAIN, None)
    export_identity(registry, "llm/qa", identity)
    (row,) = [each for each in generate_latest(registry).decode().splitlines() if not each.startswith("#")]
    assert row.startswith("earlystop_evaluator_info{") and row.endswith("} 1.0")
    for label in ('policy="llm/qa"', f'scorer_digest="{identity.scorer}"', f'questions_digest="{identity.questions}"'):
        assert label in row


SCORED_BY_VERSION_2 = [
    ("exact", "the Levi's Stadium", "Levi’s Stadium", True),
    ("exact", "Paris", "Paris, France", False),
    ("number", "1,000", "It is 1000.", True),
    ("number", "12 km", "12", True),
    ("number:unit", "12 km", "12", False),
    ("choice", "B", "The answer is (B).", True),
    ("choice", "B", "A or B", False),
    ("yesno", "yes", "Yes, it is.", True),
    ("yesno", "no", "That isn't true.", True),
    ("choice", "B", "答案是B", True),
    ("boxed", r"\frac{1}{2}", r"so \boxed{\frac12}", True),
    ("json:city", "Rome", '{"city": "Rome"}', True),
    (r"regex:is (\w+)", "Rome", "It is Rome", True),
    ("raw", "Rome", "rome", False),
]


def test_scorers_of_one_version_score_alike_in_every_release() -> None:
    """A row that is scored otherwise now needs another SCORER_VERSION, so that certificates by the former lapse."""
    assert SCORER_VERSION == 9
    for name, gold, answer, is_right in SCORED_BY_VERSION_2:
        assert Scoring.named(name).matches(answer, [gold]) is is_right, (name, gold, answer)
