"""Which questions are asked, and what is counted of their answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from earlystop.api.counts import Variant
from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.service import EvaluationPlan
from tests.unit.evaluator.counted import Page, evaluator, run_out

QUESTIONS = tuple(GoldenQuestion(f"question {number}", (f"answer {number}",)) for number in range(20))
Script = Callable[[str, str], Answer]


class Scripted:
    """Answers by a function, and remembers what it was asked."""

    def __init__(self, script: Script, pause: float = 0.0) -> None:
        self._script = script
        self._pause = pause
        self.asked: list[tuple[str, str]] = []
        self.open = self.most_open = 0

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        self.asked.append((question, variant))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(self._pause)
        self.open -= 1
        return self._script(question, variant)


def right(question: str, variant: str, tokens: int | None = 10) -> Answer:
    return Answer(question.replace("question", "answer"), "stop", tokens, Attribution("r1", 0, variant))


def wrong(_: str, variant: str) -> Answer:
    return Answer("something else", "stop", 10, Attribution("r1", 0, variant))


async def count(script: Script, pairs: int = 50, **plan: object) -> Page:
    """A budget for so many pairs of 20 tokens, asked one after the other."""
    page = Page()
    settings = {"token_budget": 20 * pairs, "reserve_tokens": 10, "open_pairs": 1, **plan}
    await run_out(evaluator(page, Scripted(script), QUESTIONS, **settings))
    return page


def spoil(variant: Variant, answer: Answer) -> Script:
    """All right, but for one variant's answer."""
    return lambda question, asked: answer if asked is variant else right(question, asked)


async def test_every_pair_is_counted_once_by_which_variant_was_right() -> None:
    for baseline, candidate, outcome in (
        (right, right, "both"),
        (right, wrong, "baseline_only"),
        (wrong, right, "candidate_only"),
        (wrong, wrong, "neither"),
    ):
        page = await count(lambda q, v, b=baseline, c=candidate: (b if v is Variant.BASELINE else c)(q, v))  # type: ignore[misc]
        assert page.split("earlystop_pairs_total", "outcome") == {outcome: 50}
        assert page.sum("earlystop_answers_total") == 100
        assert page.sum("earlystop_output_tokens_total", variant="candidate") == 500
        assert page.sum("earlystop_output_tokens_squared_total", variant="candidate") == 5000
        assert page.sum("earlystop_requests_total", outcome="completed") == 100
        assert page.sum("earlystop_requests_started_total") == 0, "golden questions are no live traffic"


async def test_a_candidate_with_a_name_is_asked_and_counted_by_its_name() -> None:
    page = Page(candidate="w10")
    settings = {"token_budget": 400, "reserve_tokens": 10, "open_pairs": 1, "candidate": "w10"}
    asker = Scripted(lambda question, variant: (wrong if variant == "w10" else right)(question, variant))
    await run_out(evaluator(page, asker, QUESTIONS, **settings))
    assert {variant for _, variant in asker.asked} == {"baseline", "w10"}
    assert page.split("earlystop_pairs_total", "variant") == {"w10": 20}
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 20}
    assert page.split("earlystop_answers_total", "variant") == {"baseline": 20, "w10": 20}
    assert page.split("earlystop_evaluator_answers_total", "variant") == {"baseline": 20, "w10": 20}


async def test_an_answer_of_another_candidate_is_no_pair() -> None:
    page = Page(candidate="w10")
    settings = {"token_budget": 400, "reserve_tokens": 10, "candidate": "w10"}
    asker = Scripted(lambda question, variant: right(question, "w5" if variant == "w10" else variant))
    await run_out(evaluator(page, asker, QUESTIONS, **settings))
    assert page.sum("earlystop_pairs_total") == 0
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {"other_variant": 20}


async def test_an_empty_answer_is_wrong_and_told_apart() -> None:
    page = await count(spoil(Variant.CANDIDATE, Answer(" \n", "length", 10, Attribution("r1", 0, "candidate"))))
    assert page.split("earlystop_pairs_total", "outcome") == {"baseline_only": 50}
    assert page.split("earlystop_evaluator_answers_total", "fate") == {"complete": 50, "empty": 50}


async def test_a_truncated_answer_is_scored_as_it_reads_and_told_apart() -> None:
    page = await count(spoil(Variant.BASELINE, Answer("answer", "length", 10, Attribution("r1", 0, "baseline"))))
    assert page.split("earlystop_pairs_total", "outcome") == {"candidate_only": 50}
    assert page.sum("earlystop_evaluator_answers_total", fate="truncated", variant="baseline") == 50


async def test_a_failed_answer_makes_no_pair_and_never_an_answer() -> None:
    page = await count(spoil(Variant.CANDIDATE, Answer(None)))
    assert page.sum("earlystop_pairs_total") == 0
    assert page.split("earlystop_answers_total", "variant") == {"baseline": 50}
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {"failed": 50}
    assert page.sum("earlystop_evaluator_answers_total", fate="failed", variant="candidate") == 50


@pytest.mark.parametrize(
    ("attribution", "reason"),
    [
        (None, "unattributed"),
        (Attribution("r1", 0, "baseline"), "other_variant"),
        (Attribution("r1", 1, "candidate"), "different_steps"),
        (Attribution("r2", 0, "candidate"), "different_steps"),
    ],
)
async def test_answers_that_do_not_belong_together_are_no_pair(attribution: Attribution | None, reason: str) -> None:
    page = await count(spoil(Variant.CANDIDATE, Answer("answer", "stop", 10, attribution)))
    assert page.sum("earlystop_pairs_total") == 0
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {reason: 50}


async def test_an_answer_whose_tokens_are_unknown_adds_nothing_to_the_mean_and_is_charged_the_most() -> None:
    page = await count(lambda question, variant: right(question, variant, None))
    assert page.split("earlystop_pairs_total", "outcome") == {"both": 50}
    assert page.sum("earlystop_answers_total", result="match") == 100
    assert page.sum("earlystop_requests_total") == page.sum("earlystop_output_tokens_total") == 0


async def test_where_the_server_counts_golden_requests_only_pairs_are_exported() -> None:
    page = await count(right, pairs_only=True)
    assert page.split("earlystop_pairs_total", "outcome") == {"both": 50}
    assert page.sum("earlystop_answers_total") == page.sum("earlystop_requests_total") == 0


async def test_a_spent_budget_stops_asking_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    page, asker = Page(), Scripted(right)
    asking = evaluator(page, asker, QUESTIONS, token_budget=105, reserve_tokens=10)
    with caplog.at_level(logging.WARNING):
        await run_out(asking)
    assert len(asker.asked) == 10, "a sixth pair could exceed it"
    assert asking.budget.spent == 100
    assert page.sum("earlystop_evaluator_asking") == 0
    assert page.sum("earlystop_evaluator_budget_tokens") == 5
    assert "token budget is spent" in caplog.text


async def test_the_budget_is_never_exceeded_by_questions_that_are_still_open() -> None:
    asker = Scripted(lambda q, v: right(q, v, 7), pause=0.001)
    asking = evaluator(Page(), asker, QUESTIONS, token_budget=1000, reserve_tokens=10, open_pairs=8)
    await run_out(asking)
    assert 1000 - 20 < asking.budget.spent <= 1000
    assert asker.most_open <= 16


@pytest.mark.slow
async def test_what_is_asked_depends_on_the_share_alone_never_on_an_answer_or_a_variant() -> None:
    asked = []
    for script in (
        right,
        wrong,
        spoil(Variant.CANDIDATE, Answer(None, tokens=10)),
        spoil(Variant.BASELINE, Answer("", "stop", 10)),
    ):
        asker = Scripted(script)
        await run_out(
            evaluator(Page(), asker, QUESTIONS, token_budget=4000, reserve_tokens=10, share=0.3, open_pairs=1)
        )
        asked.append(asker.asked[:200])
    assert asked[0] == asked[1] == asked[2] == asked[3]
    assert all(asked[0][n][0] == asked[0][n + 1][0] for n in range(0, 200, 2)), "both variants get each question"


@pytest.mark.slow
async def test_the_share_is_kept_and_repeated_questions_are_drawn_with_replacement() -> None:
    page, asker = Page(), Scripted(right)
    asking = evaluator(page, asker, QUESTIONS, token_budget=40_000, reserve_tokens=10, share=0.25, open_pairs=1)
    await run_out(asking)
    drawn = 2000 + page.sum("earlystop_evaluator_questions_not_sampled_total")
    # Five standard deviations of a binomial draw: sqrt(8000 * 0.25 * 0.75) = 38.7, at 4 draws a question.
    assert abs(drawn - 8000) < 5 * 4 * 38.8
    asked = [question for question, variant in asker.asked if variant == "baseline"]
    assert len(set(asked[:20])) < 20


async def test_pairs_are_asked_at_no_more_than_the_rate() -> None:
    asker, stop = Scripted(right), asyncio.Event()
    asking = evaluator(Page(), asker, QUESTIONS, pairs_per_second=50)
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = asyncio.create_task(asking.run(stop))
    while len(asker.asked) < 40 and loop.time() - began < 30:  # noqa: ASYNC110 - the script sets no event
        await asyncio.sleep(0.005)
    stop.set()
    await running
    assert len(asker.asked) // 2 <= (loop.time() - began) * 50 + 1


@pytest.mark.parametrize(
    "bad", [{"token_budget": 0}, {"pairs_per_second": 0}, {"share": 0}, {"share": 1.1}, {"open_pairs": 0}]
)
def test_a_plan_out_of_range_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"budget|rate|share|open_pairs"):
        EvaluationPlan(**{"policy": "llm/qa", "token_budget": 1, **bad})  # type: ignore[arg-type]
