"""Each golden question is counted once for a campaign, whatever fails or restarts; or it is drawn anew each time."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Variant
from earlystop.evaluator.asked_questions import open_asked_questions
from earlystop.evaluator.dealing import (
    MOST_CAMPAIGNS,
    EachOnce,
    ForgottenQuestions,
    WithReplacement,
    name_of,
    part_of,
)
from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import EvaluationPlan, Evaluator
from earlystop.evaluator.spent_tokens import SpentTokensError
from tests.turns import Turns
from tests.unit.evaluator.counted import Page
from tests.unit.evaluator.serving import POLICY
from tests.unit.rollout.policies import examples

QUESTIONS = tuple(GoldenQuestion(f"question {number}", ("yes",)) for number in range(20))


def dealt(memory: ForgottenQuestions | None = None, seed: int = 1) -> EachOnce:
    return EachOnce(QUESTIONS, random.Random(seed), memory)


def asked(deals: EachOnce, revision: str) -> GoldenQuestion | None:
    """The next question, answered under a revision; None when it was counted before."""
    question = deals.draw()
    deals.close(question)
    return question if deals.take(question, revision) else None


def test_every_question_is_counted_once_and_then_none_more() -> None:
    deals = dealt()
    counted = [asked(deals, "r1") for _ in range(60)]
    assert sorted(each.question for each in counted[:20] if each) == sorted(each.question for each in QUESTIONS)
    assert counted[20:] == [None] * 40 and deals.left == 0 and deals.rests


def test_the_order_is_by_chance_and_another_one_each_time() -> None:
    orders = {tuple(str(asked(dealt(seed=seed), "r1")) for _ in range(1)) for seed in range(30)}
    assert len(orders) > 8


def test_another_campaign_asks_all_questions_again_as_soon_as_one_answer_is_from_it() -> None:
    deals = dealt()
    for _ in range(25):
        asked(deals, "r1")
    assert deals.rests
    assert asked(deals, "r2") is not None
    assert deals.left == 19 and not deals.rests
    assert [asked(deals, "r2") for _ in range(20)].count(None) == 1


def test_a_late_answer_of_the_campaign_before_uses_nothing_up_in_this_one() -> None:
    deals = dealt()
    asked(deals, "r1")
    asked(deals, "r2")
    late = deals.draw()
    deals.take(late, "r1")
    deals.close(late)
    assert deals.left == 19 and asked(deals, "r2") is not None and deals.left == 18


def test_what_is_open_is_not_drawn_again_while_another_question_is_left() -> None:
    deals = dealt()
    assert len({deals.draw() for _ in QUESTIONS}) == 20
    assert deals.rests


def test_what_gets_no_answer_is_asked_again_and_after_a_round_at_leisure() -> None:
    deals = dealt()
    seen: list[GoldenQuestion] = []
    for _ in range(40):
        assert deals.rests == (len(seen) >= 20)
        seen.append(deals.draw())
        deals.close(seen[-1])
    assert all(seen.count(each) == 2 for each in QUESTIONS) and deals.left == 20
    asked(deals, "r1")
    assert not deals.rests


@examples
@given(st.lists(st.tuples(st.sampled_from(("draw", "answer", "lose", "restart")), st.integers(0, 3)), max_size=120))
def test_no_order_of_answers_losses_and_restarts_counts_a_question_twice(steps: list[tuple[str, int]]) -> None:
    memory, counted = ForgottenQuestions(), set()
    deals, open_ones = dealt(memory), []
    for number, (step, which) in enumerate(steps):
        match step:
            case "draw":
                open_ones.append(deals.draw())
            case "restart":
                deals, open_ones = dealt(memory, seed=number), []
            case _ if open_ones:
                question = open_ones.pop(which % len(open_ones))
                deals.close(question)
                revision = f"r{which % 2}"
                if step == "answer" and deals.take(question, revision):
                    assert (revision, question) not in counted
                    counted.add((revision, question))


def test_parts_share_no_question_and_leave_none_out() -> None:
    parts = [part_of(QUESTIONS, part, 3) for part in (1, 2, 3)]
    assert sorted(each.question for part in parts for each in part) == sorted(each.question for each in QUESTIONS)
    for part in (0, 4):
        with pytest.raises(ValueError, match="part"):
            part_of(QUESTIONS, part, 3)


def test_a_restart_goes_on_with_the_questions_that_are_left_also_after_a_cut_off_line(tmp_path: Path) -> None:
    file = tmp_path / "spent.json.asked"
    with open_asked_questions(file) as memory:
        deals = EachOnce(QUESTIONS, random.Random(1), memory)
        first = {asked(deals, "r1") for _ in range(12)}
    with file.open("a") as end:
        end.write("r1 0123456")
    with open_asked_questions(file) as memory:
        deals = EachOnce(QUESTIONS, random.Random(2), memory)
        assert deals.left == 8
        second = {asked(deals, "r1") for _ in range(8)}
    assert first | second == set(QUESTIONS)


def test_only_the_latest_campaigns_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "asked"
    with open_asked_questions(file) as memory:
        for number in range(MOST_CAMPAIGNS + 3):
            memory.add(f"r{number}", name_of(QUESTIONS[0]))
    with open_asked_questions(file) as memory:
        assert list(memory.asked) == [f"r{number}" for number in range(3, MOST_CAMPAIGNS + 3)]
    assert file.read_text().count("\n") == MOST_CAMPAIGNS


@pytest.mark.parametrize("content", [b"nonsense\n", b"r1 zz\n", b"\xff\xfe\n", b"r1 0123456789abcdef\n\n"])
def test_a_file_that_is_no_list_of_questions_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "asked"
    file.write_bytes(content)
    with pytest.raises(SpentTokensError, match="would count twice"):
        open_asked_questions(file).__enter__()
    assert file.read_bytes() == content


def test_with_replacement_every_answer_is_counted() -> None:
    deals = WithReplacement(QUESTIONS, random.Random(1))
    drawn = [deals.draw() for _ in range(100)]
    assert len(set(drawn)) <= 20 and all(deals.take(each, "r1") for each in drawn) and not deals.rests


class Answering:
    """Answers each question under a revision, and counts the questions."""

    def __init__(self, revision: str = "r1") -> None:
        self.revision, self.asked = revision, 0

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        self.asked += variant == Variant.BASELINE
        return Answer("yes", "stop", 10, Attribution(self.revision, 0, variant))


class Unstorable(ForgottenQuestions):
    """A store on a full disk."""

    def add(self, revision: str, name: str) -> None:
        raise OSError(28, "No space left on device")


def asking(page: Page, asker: Answering, memory: ForgottenQuestions) -> Evaluator:
    plan = EvaluationPlan(policy=POLICY, token_budget=10**6, pairs_per_second=1e6, open_pairs=1, seed=1)
    return Evaluator(QUESTIONS, Scoring(), asker, page.exporter, page.telemetry, plan, asked=memory)


async def test_an_evaluator_counts_each_question_once_and_asks_for_another_campaign_at_leisure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page, asker, stop = Page(), Answering(), asyncio.Event()
    running = asyncio.create_task(asking(page, asker, ForgottenQuestions()).run(stop))
    async with asyncio.timeout(10):
        turns = Turns()
        while "golden questions are counted" not in caplog.text and turns.another():  # noqa: ASYNC110 - a log sets no event
            await asyncio.sleep(0.001)
    stop.set()
    await running
    assert page.sum("earlystop_pairs_total") == 20 and asker.asked <= 21
    assert page.sum("earlystop_answers_total") == 40
    assert page.sum("earlystop_evaluator_questions_left") == 0


async def test_what_was_counted_before_is_no_evidence_and_neither_are_its_tokens() -> None:
    page, memory = Page(), ForgottenQuestions()
    evaluator = asking(page, Answering(), memory)
    for _ in range(3):
        await evaluator.ask_pair(QUESTIONS[0])
    assert page.sum("earlystop_pairs_total") == 1 and page.sum("earlystop_answers_total") == 2
    assert page.split("earlystop_evaluator_pairs_discarded_total", "reason") == {"repeated": 2}


async def test_nothing_is_counted_while_the_questions_cannot_be_stored(caplog: pytest.LogCaptureFixture) -> None:
    page = Page()
    await asking(page, Answering(), Unstorable()).ask_pair(QUESTIONS[0])
    assert page.sum("earlystop_pairs_total") == 0 and page.sum("earlystop_answers_total") == 0
    assert "No space left" in caplog.text


def in_groups(number: int, wordings: int) -> tuple[GoldenQuestion, ...]:
    return tuple(
        GoldenQuestion(f"question {of}, wording {wording}", ("yes",), group=f"group {of}")
        for of in range(number)
        for wording in range(wordings)
    )


@given(st.integers(0, 2**32), st.integers(1, 8), st.integers(1, 4))
def test_one_question_of_each_group_is_counted_for_a_campaign_whatever_their_number(
    seed: int, number: int, wordings: int
) -> None:
    deals = EachOnce(in_groups(number, wordings), random.Random(seed))
    counted = [each for each in (asked(deals, "r1") for _ in range(3 * number * wordings)) if each is not None]
    assert sorted(each.group for each in counted) == [f"group {of}" for of in range(number)]
    assert deals.left == 0 and deals.rests


def test_each_wording_of_a_group_is_the_one_that_is_asked_as_often_as_the_others() -> None:
    chosen = [asked(EachOnce(in_groups(1, 4), random.Random(seed)), "r1") for seed in range(400)]
    for question in in_groups(1, 4):
        assert abs(chosen.count(question) - 100) <= 35  # four standard errors of 400 draws


def test_all_questions_of_a_group_are_asked_by_one_replica() -> None:
    parts = [part_of(in_groups(20, 3), number, 4) for number in range(1, 5)]
    groups = [{each.group for each in part} for part in parts]
    assert sum(map(len, groups)) == 20 and sum(map(len, parts)) == 60


def test_a_group_named_as_a_question_is_none_of_it() -> None:
    assert name_of(GoldenQuestion("a", ("yes",))) != name_of(GoldenQuestion("b", ("yes",), group="a"))
