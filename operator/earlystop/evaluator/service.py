"""The evaluator's loop: draw a golden question, ask both variants at the same time, score, count the pair."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from earlystop.api.counts import Variant
from earlystop.api.wire import MATCH, MISMATCH, pair_outcome
from earlystop.evaluator.budget import Budget
from earlystop.evaluator.grading import Answer, fate_of, is_match, spoilt
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.telemetry import Telemetry
from earlystop.exporter.assignment import is_variant
from earlystop.exporter.export import Assignment, Exporter

log = logging.getLogger(__name__)


class Asks(Protocol):
    """Asks one question of one variant, such as `Asker`. Never raises for a failed request."""

    async def ask(self, question: str, variant: str) -> Answer:
        """The answer under this label, without text when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to ask.

    policy: namespace/name, under which pairs are counted; pairs_per_second: at most; token_budget: output tokens of
    all answers together; reserve_tokens: the most that one answer may take (the server's limit), set aside while it is
    open, 0 when unknown: then open questions may exceed the budget; share: of the drawn questions that are asked, by
    lot, before anything is known of their answers; open_pairs: at a time; seed: of both draws; pairs_only: the server
    itself counts golden requests and their answers, so only pairs are exported; candidate: the label of the one that is
    asked, of a campaign with several.
    Raises ValueError for a value out of range.
    """

    policy: str
    token_budget: int
    pairs_per_second: float = 1.0
    reserve_tokens: int = 0
    share: float = 1.0
    open_pairs: int = 8
    seed: int | None = None
    pairs_only: bool = False
    candidate: str = Variant.CANDIDATE

    def __post_init__(self) -> None:
        Budget(self.token_budget)
        if not 0 < self.pairs_per_second < float("inf"):
            raise ValueError(f"the rate is {self.pairs_per_second} pairs a second; write a number above 0")
        if not 0 < self.share <= 1:
            raise ValueError(f"the share is {self.share}; write more than 0 and at most 1")
        if not is_variant(self.candidate) or self.candidate == Variant.BASELINE:
            raise ValueError(f"the candidate is {self.candidate!r}; write its name in the policy, or candidate")
        if self.open_pairs < 1 or self.reserve_tokens < 0:
            raise ValueError("open_pairs must be at least 1, and reserve_tokens at least 0")


def drawn(questions: Sequence[GoldenQuestion], share: float, rng: random.Random) -> Iterator[GoldenQuestion | None]:
    """Questions without end, with replacement; None for one that the share leaves out.

    With replacement, so that pairs are independent, as the tests assume.
    """
    while True:
        asked = rng.random() < share
        question = questions[int(rng.random() * len(questions))]
        yield question if asked else None


@dataclass(slots=True)
class Evaluator:
    """Asks until the budget is spent or `run` is stopped. Make one for each start of a process."""

    questions: Sequence[GoldenQuestion]
    scoring: Scoring
    asker: Asks
    exporter: Exporter
    telemetry: Telemetry
    plan: Plan
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        if not self.questions:
            raise ValueError("there are no golden questions to ask; pass at least one")
        self.budget = Budget(self.plan.token_budget)
        self.telemetry.budget(self.budget, asking=True)

    async def run(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set or the budget is spent, and every open question has its end."""
        draws = drawn(self.questions, self.plan.share, random.Random(self.plan.seed))  # noqa: S311 - a fair draw
        loop = asyncio.get_running_loop()
        due = loop.time()
        open_pairs: set[asyncio.Task[None]] = set()
        try:
            while not await _stopped(stop, due - loop.time()) and await self._has_room(open_pairs):
                due = max(due + 1 / self.plan.pairs_per_second, loop.time())
                question = next(draws)
                if question is None:
                    self.telemetry.not_sampled()
                    continue
                self.budget = self.budget.reserve(2 * self.plan.reserve_tokens)
                open_pairs.add(asyncio.create_task(self.ask_pair(question)))
        finally:
            await asyncio.gather(*open_pairs)
        if not stop.is_set():
            self.telemetry.budget(self.budget, asking=False)
            log.warning(
                "the token budget is spent: no more golden questions are asked; raise it and restart to go on",
                extra={"limit": self.budget.limit, "spent": self.budget.spent},
            )

    async def _has_room(self, open_pairs: set[asyncio.Task[None]]) -> bool:
        """Waits until one more pair may be open; False when the budget has none left.

        Nothing is drawn meanwhile, so which question comes next depends on no answer and on no answer's time.
        """
        while True:
            allowed = self.budget.allows(2 * self.plan.reserve_tokens)
            if allowed and len(open_pairs) < self.plan.open_pairs:
                return True
            if not open_pairs:
                return False
            ended, _ = await asyncio.wait(open_pairs, return_when=asyncio.FIRST_COMPLETED)
            open_pairs -= ended
            for task in ended:
                task.result()  # a bug in counting must end the service, not pass in silence

    async def ask_pair(self, question: GoldenQuestion) -> None:
        """Asks both variants at once and counts what came of it, each answer once."""
        arms = (Variant.BASELINE, self.plan.candidate)
        baseline, candidate = await asyncio.gather(*(self.asker.ask(question.question, arm) for arm in arms))
        spent = sum(self._tokens_charged(answer) for answer in (baseline, candidate))
        self.budget = self.budget.settle(2 * self.plan.reserve_tokens, spent)
        self.telemetry.budget(self.budget, asking=True)
        for variant, answer in zip(arms, (baseline, candidate), strict=True):
            self.telemetry.answered(variant, fate_of(answer))
            self._count_answer(question, variant, answer)
        reason = spoilt(baseline, candidate, self.plan.candidate)
        if reason is not None:
            self.telemetry.discarded(reason)
            return
        right = (is_match(baseline, question, self.scoring), is_match(candidate, question, self.scoring))
        self._register(self._assignment(question, candidate))
        self.exporter.pair(self._assignment(question, candidate), pair_outcome(*right))

    def _count_answer(self, question: GoldenQuestion, variant: str, answer: Answer) -> None:
        told = answer.told
        if self.plan.pairs_only or told is None or told.variant != variant:
            return
        result = MATCH if is_match(answer, question, self.scoring) else MISMATCH
        assignment = self._assignment(question, answer)
        self._register(assignment)
        self.exporter.evaluated(assignment, answer.tokens, result)

    def _register(self, seen: Assignment) -> None:
        variants = (Variant.BASELINE, self.plan.candidate)
        self.exporter.register(seen.policy, seen.revision, seen.step, seen.query_class, variants=variants)

    def _assignment(self, question: GoldenQuestion, answer: Answer) -> Assignment:
        assert answer.told is not None  # checked by the callers
        told = answer.told
        return Assignment(self.plan.policy, told.revision, told.step, told.variant, question.query_class)

    def _tokens_charged(self, answer: Answer) -> int:
        """A server that does not say what it took is charged the most that it may have taken."""
        return self.plan.reserve_tokens if answer.tokens is None else answer.tokens


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long, or until `stop` is set; whether it is."""
    if seconds <= 0:
        await asyncio.sleep(0)  # answers arrive meanwhile, however fast questions are asked
        return stop.is_set()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
