"""The evaluator keeps its token budget over stops, starts and disks that fail."""

from __future__ import annotations

import asyncio

import pytest

from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import Asks, EvaluationPlan, Evaluator
from tests.turns import Turns
from tests.unit.evaluator.counted import ChosenAnswers, Page, evaluator, run_out

QUESTIONS = (GoldenQuestion("q", ("42",)),)


class StoredTokens:
    """Keeps every count it is given; can be made to fail."""

    def __init__(self, tokens: int = 0) -> None:
        self.tokens, self.counts, self.broken = tokens, [tokens], False

    def store(self, tokens: int) -> None:
        if self.broken:
            raise OSError("disk full")
        self.tokens = tokens
        self.counts.append(tokens)


class Silent:
    """Never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


LIMITED = {"token_budget": 1000, "reserve_tokens": 100}


def kept(page: Page, asker: Asks, plan: EvaluationPlan, stored: StoredTokens) -> Evaluator:
    """An evaluator that keeps its count in `stored`."""
    return Evaluator(QUESTIONS, Scoring(), asker, page.exporter, page.telemetry, plan, stored)


async def test_what_a_pair_may_take_is_stored_before_it_is_asked_and_stays_charged_when_a_stop_gives_it_up() -> None:
    page, asker, stop, stored = Page(), Silent(), asyncio.Event(), StoredTokens(50)
    plan = evaluator(page, asker, QUESTIONS, **LIMITED, grace_seconds=0.05, open_pairs=1).plan
    asking = kept(page, asker, plan, stored)
    running = asyncio.create_task(asking.run(stop))
    await asyncio.wait_for(asker.asked.wait(), 10)
    assert stored.tokens == 250
    stop.set()
    await asyncio.wait_for(running, 10)
    assert stored.tokens == 250
    assert page.sum("earlystop_evaluator_answers_total") == 0


async def test_a_budget_that_was_spent_before_the_start_asks_nothing() -> None:
    page, asker = Page(), ChosenAnswers()
    plan = evaluator(page, asker, QUESTIONS, **LIMITED).plan
    asking = kept(page, asker, plan, StoredTokens(900))
    await run_out(asking)
    assert page.sum("earlystop_evaluator_answers_total") == page.sum("earlystop_evaluator_asking") == 0


async def test_no_question_is_asked_while_the_count_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    page, asker, stop, stored = Page(), Silent(), asyncio.Event(), StoredTokens()
    stored.broken = True
    plan = evaluator(page, asker, QUESTIONS).plan
    asking = kept(page, asker, plan, stored)
    running = asyncio.create_task(asking.run(stop))
    async with asyncio.timeout(10):
        turns = Turns()
        while "cannot be stored" not in caplog.text and turns.another():  # noqa: ASYNC110 - read from the log
            await asyncio.sleep(0.01)
    assert not asker.asked.is_set()
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_tokens_that_nobody_reports_are_charged_by_the_length_of_the_answer() -> None:
    answers = [Answer("é" * 50, "stop", None, Attribution("r1", 0, variant)) for variant in ("baseline", "candidate")]
    asking = evaluator(Page(), ChosenAnswers(*answers), QUESTIONS)
    await asking.ask_pair(QUESTIONS[0])
    assert asking.budget.spent == 200
