"""Recorded answers are scored again and again by the scorer in use, and one that scores otherwise shows."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from earlystop.evaluator.frozen import FrozenAnswer, FrozenRounds, load_frozen
from earlystop.evaluator.questions import GoldenError
from earlystop.evaluator.scoring import Scoring, TooSlow
from earlystop.exporter.frozen import FrozenCounter

NUMBER = Scoring.named("number")
ROWS: list[Mapping[str, object]] = [
    {
        "question": f"{number} + 1?",
        "answers": [str(number + 1)],
        "answer": f"It is {number + added}.",
        "right": added == 1,
    }
    for number in range(6)
    for added in (1, 2)
]
JUDGED = {"question": "Why?", "answers": ["So."], "answer": "So it is.", "right": True, "scoring": "judge"}


def written(tmp_path: Path, rows: Sequence[object]) -> Path:
    file = tmp_path / "frozen.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return file


def loaded(tmp_path: Path, *more: object) -> tuple[FrozenAnswer, ...]:
    return load_frozen(written(tmp_path, [*ROWS, *more]), NUMBER)


class Judge:
    """Says the same of everything; None: nothing."""

    def __init__(self, said: bool | None) -> None:
        self.said, self.asked = said, 0

    async def is_right(self, question: str, gold: Sequence[str], answer: str) -> bool | None:
        self.asked += 1
        return self.said


class Counted:
    """The counter of a policy, and what a scrape of it shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counter = FrozenCounter(self.registry, "llm/qa")

    @property
    def scraped(self) -> tuple[float | None, float | None]:
        agree, disagree = (
            self.registry.get_sample_value("earlystop_frozen_answers_total", {"policy": "llm/qa", "result": result})
            for result in ("agree", "disagree")
        )
        return agree, disagree


async def test_a_scorer_that_scores_as_it_did_agrees_with_every_recorded_answer_at_each_round(tmp_path: Path) -> None:
    counts = Counted()
    assert counts.scraped == (0, 0), "a counter that appears late hides its first round"
    rounds = FrozenRounds(loaded(tmp_path), NUMBER, counts.counter, 60)
    for number in (1, 2, 3):
        assert await rounds.round() == [] and counts.scraped == (number * len(ROWS), 0)


@pytest.mark.parametrize("changed", ["raw", "yesno", "regex:equals ([0-9]+)"])
async def test_a_scorer_that_scores_otherwise_disagrees(tmp_path: Path, changed: str) -> None:
    counts = Counted()
    wrong = await FrozenRounds(loaded(tmp_path), Scoring.named(changed), counts.counter, 60).round()
    assert counts.scraped == (len(ROWS) - len(wrong), len(wrong)) and len(wrong) >= 6


async def test_a_scorer_that_fails_disagrees_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise RuntimeError("the scorer is broken")

    monkeypatch.setattr(Scoring, "matches", broken)
    counts = Counted()
    await FrozenRounds(loaded(tmp_path), NUMBER, counts.counter, 60).round()
    assert counts.scraped == (0, len(ROWS))


async def test_a_scorer_that_takes_too_long_has_not_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> bool:
        raise TooSlow("the pattern takes too long")

    monkeypatch.setattr(Scoring, "matches", slow)
    counts = Counted()
    assert await FrozenRounds(loaded(tmp_path), NUMBER, counts.counter, 60).round() == []
    assert counts.scraped == (0, 0)


async def test_a_judge_is_asked_about_one_recorded_answer_a_round_and_one_that_is_away_has_not_moved(
    tmp_path: Path,
) -> None:
    for said, expected in ((True, (len(ROWS) + 1, 0)), (False, (len(ROWS), 1)), (None, (len(ROWS), 0))):
        counts, judge = Counted(), Judge(said)
        answers = loaded(tmp_path, JUDGED, {**JUDGED, "question": "Why not?"})
        await FrozenRounds(answers, NUMBER, counts.counter, 60, judge).round()
        assert counts.scraped == expected and judge.asked == 1


class StopsAfter:
    """Ends the rounds once the scorer has disagreed three times."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.stop, self.disagreed = stop, 0

    def scored(self, *, agrees: bool) -> None:
        self.disagreed += not agrees
        if self.disagreed == 3:
            self.stop.set()


async def test_rounds_go_on_until_they_are_stopped_and_a_file_that_is_wrong_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers, stop = loaded(tmp_path, {**ROWS[0], "right": False}), asyncio.Event()
    with caplog.at_level(logging.WARNING):
        await asyncio.wait_for(FrozenRounds(answers, NUMBER, StopsAfter(stop), 0.001).run(stop), 30)
    assert sum("disagrees with the known score of 1" in each.message for each in caplog.records) == 1


@pytest.mark.parametrize(
    "row",
    [
        {"question": "1?"},
        {**ROWS[0], "right": "yes"},
        {**ROWS[0], "answers": []},
        {**ROWS[0], "answers": "1"},
        {**ROWS[0], "answers": ["no number"]},
        {**ROWS[0], "scoring": "squad"},
        {**ROWS[0], "query_class": "easy"},
        ["a list"],
    ],
)
def test_a_line_that_is_no_recorded_answer_is_named(tmp_path: Path, row: object) -> None:
    with pytest.raises(GoldenError, match=r"frozen\.jsonl, line 13: write an object such as"):
        loaded(tmp_path, row)


@pytest.mark.parametrize("rows", [ROWS[:8], ROWS * 20, [each for each in ROWS if each["right"]] * 2])
def test_too_few_and_too_many_recorded_answers_and_those_of_one_kind_are_refused(
    tmp_path: Path, rows: list[Mapping[str, object]]
) -> None:
    with pytest.raises(GoldenError, match="write 10 to 200, 3 or more right ones and as many wrong ones"):
        load_frozen(written(tmp_path, rows), NUMBER)


def test_a_counter_is_of_a_policy_that_there_can_be() -> None:
    with pytest.raises(ValueError, match="write its namespace and name, such as llm/qa"):
        FrozenCounter(CollectorRegistry(), "qa")
