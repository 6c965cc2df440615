"""Recorded answers with known scores, which the scorer scores again and again: whether it scores as it did.

JSON Lines with `question`, `answers` (every accepted text), `answer` (the recorded one), `right` (its known score), and
maybe `scoring`, as in golden questions. No engine is asked, so only the scorer can change what comes of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

from earlystop.api.json_once import read_json
from earlystop.evaluator.grading import Answer, asks_judge, is_match
from earlystop.evaluator.judging import Judges, NotJudgedError
from earlystop.evaluator.questions import GoldenError, GoldenQuestion
from earlystop.evaluator.scoring import Scoring, TooSlow

log = logging.getLogger(__name__)

LEAST, LEAST_OF_A_KIND, MOST = 10, 3, 200
_KEYS = ("question", "answers", "answer", "right", "scoring")


class Counts(Protocol):
    """Counts what came of a recorded answer, such as `FrozenCounter`."""

    def scored(self, *, agrees: bool) -> None:
        """Counts that one recorded answer was scored again."""
        ...


@dataclass(frozen=True, slots=True)
class FrozenAnswer:
    """A recorded answer to a question, and whether it is right."""

    question: GoldenQuestion
    answer: str
    right: bool


def load_frozen(path: Path, scoring: Scoring) -> tuple[FrozenAnswer, ...]:
    """The recorded answers of a file. scoring: where a line names none. Raises OSError, and GoldenError that names the
    line, or says how many are missing."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise GoldenError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_parsed(read_json(line), scoring))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                said = f" ({error})" if isinstance(error, GoldenError) else ""
                raise GoldenError(
                    f'{path}, line {number}: write an object such as {{"question": "1 + 1?", "answers": ["2"], '
                    f'"answer": "It is 2.", "right": true, "scoring": "number"}}{said}'
                ) from None
    right = sum(each.right for each in found)
    wrong = len(found) - right
    if not LEAST <= len(found) <= MOST or min(right, wrong) < LEAST_OF_A_KIND:
        raise GoldenError(
            f"{path}: {len(found)} recorded answers; write {LEAST} to {MOST}, {LEAST_OF_A_KIND} or more right ones and "
            f"as many wrong ones among them (there are {right} and {wrong})"
        )
    return tuple(found)


def _parsed(row: Any, otherwise: Scoring) -> FrozenAnswer:
    if not isinstance(row, dict) or row.keys() - set(_KEYS):
        raise GoldenError(f"its keys are {', '.join(_KEYS)}")
    question, answers, answer, right = (row[name] for name in _KEYS[:4])
    texts_only = isinstance(answers, list) and all(isinstance(text, str) for text in [question, answer, *answers])
    if not texts_only or not question.strip() or not answers or not isinstance(right, bool):
        raise TypeError
    own = Scoring.named(row["scoring"]) if "scoring" in row else None
    for text in answers:
        if not (own or otherwise).accepts(text):
            raise GoldenError(f"no answer can match {text[:80]!r} when scored by {(own or otherwise).mode}")
    return FrozenAnswer(GoldenQuestion(question.strip(), tuple(answers), scoring=own), answer, right)


@dataclass(slots=True)
class FrozenRounds:
    """Scores recorded answers again until it is stopped.

    scoring: where an answer's question names none; seconds: from one round to the next; judge: for those that one
    scores, of which it is asked one a round, in turn, as each costs tokens.
    """

    answers: Sequence[FrozenAnswer]
    scoring: Scoring
    counts: Counts
    seconds: float
    judge: Judges | None = None
    _judged: Any = field(init=False)
    _compared: tuple[FrozenAnswer, ...] = field(init=False)

    def __post_init__(self) -> None:
        judged = [each for each in self.answers if asks_judge(each.question, self.scoring)]
        self._judged = cycle(judged)
        self._compared = tuple(each for each in self.answers if each not in judged)

    async def run(self, stop: asyncio.Event) -> None:
        """A round at once, and then one after the other until `stop` is set."""
        is_first = True
        while self.answers and not stop.is_set():
            wrong = await self.round()
            if wrong and is_first:
                log.warning(
                    "the scorer disagrees with the known score of %d recorded answers, the first of them to %r; put "
                    "the file right, or find out what has changed in the scorer",
                    len(wrong),
                    wrong[0].question.question[:80],
                )
            is_first = False
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.seconds)

    async def round(self) -> list[FrozenAnswer]:
        """Scores all that are compared once more, and the next one that a judge scores. Returns those on which the
        scorer disagrees."""
        wrong = []
        for each in self._compared:
            agrees = self._agrees(each)
            if agrees is None:
                continue
            self.counts.scored(agrees=agrees)
            wrong += [] if agrees else [each]
        one = next(self._judged, None)
        if one is None or self.judge is None:
            return wrong
        said = None
        with suppress(NotJudgedError):  # a judge that cannot be reached scores nothing otherwise
            said = await self.judge.is_right(one.question.question, one.question.answers, one.answer)
        if said is not None:
            self.counts.scored(agrees=said is one.right)
            wrong += [] if said is one.right else [one]
        return wrong

    def _agrees(self, frozen: FrozenAnswer) -> bool | None:
        """Whether the scorer says what is known; None where it says nothing, as it is too slow on this processor."""
        try:
            return is_match(Answer(frozen.answer), frozen.question, self.scoring) is frozen.right
        except TooSlow as error:
            log.warning("the recorded answer to %r is left out: %s", frozen.question.question[:80], error)
            return None
        except Exception:  # scorers are total; one that fails now has changed
            log.exception("the recorded answer to %r cannot be scored", frozen.question.question[:80])
            return False
