"""The evaluator's loop: take a golden question, ask both variants at the same time, score, count the pair."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from earlystop.api.counts import Variant
from earlystop.api.wire import INCUMBENT, pair_completeness, pair_outcome
from earlystop.evaluator.dealing import Deals, EachOnce, ForgottenQuestions, RemembersQuestions, WithReplacement
from earlystop.evaluator.failed_answers import LatestAnswers
from earlystop.evaluator.graded import NOT_SCORED, Graded, graded, result_of
from earlystop.evaluator.grading import Answer, Spoilt, fate_of, spoilt
from earlystop.evaluator.judging import Judges
from earlystop.evaluator.notices import UNCOUNTED, Notices
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.telemetry import Telemetry
from earlystop.evaluator.token_budget import Budget
from earlystop.exporter.assignment import is_policy, is_variant
from earlystop.exporter.export import Assignment, Exporter

log = logging.getLogger(__name__)

SECONDS_UNTIL_STORED_AGAIN = 10.0
SECONDS_BETWEEN_TRIES = 10.0
"""Between questions that only ask whether another campaign has begun."""
GRACE_SECONDS = 20.0
"""For open questions after a stop: less than the 30 s after which the kubelet kills a Pod."""


class StoresTokens(Protocol):
    """Keeps the spent tokens beyond the process, such as `SpentTokens`. tokens: spent before this start."""

    tokens: int

    def store(self, tokens: int) -> None:
        """Keeps how many tokens were spent. Raises OSError where it cannot."""
        ...


@dataclass(slots=True)
class InMemory:
    """Keeps the spent tokens in the process alone: each start has the whole budget."""

    tokens: int = 0

    def store(self, tokens: int) -> None:
        """Keeps how many tokens were spent until the process ends."""
        self.tokens = tokens


class Asks(Protocol):
    """Asks one question of one variant, such as `Asker`. Never raises for a failed request."""

    async def ask(self, question: str, variant: str, body: str) -> Answer:
        """The answer under this label, without text when there is none. body: as in `GoldenQuestion`."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How much to ask.

    policy: namespace/name, under which pairs are counted; pairs_per_second: at most; token_budget: output tokens of
    all answers together; reserve_tokens: the most that one answer may take (the server's limit), set aside while it is
    open, 0 when unknown: then open questions may exceed the budget; share: of the drawn questions that are asked, by
    lot, before anything is known of their answers; open_pairs: at a time; seed: of the lot and of the order;
    pairs_only: the server itself counts golden requests and their answers, so only pairs are exported; candidate: the
    label of the one that is asked, of a campaign with several; grace_seconds: for open questions after a stop; repeat:
    whether questions are drawn with replacement, for a verdict about their file, else each is counted once for a
    campaign.
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
    grace_seconds: float = GRACE_SECONDS
    repeat: bool = False

    def __post_init__(self) -> None:
        Budget(self.token_budget)
        if not is_policy(self.policy):
            raise ValueError(f"the policy is {self.policy!r}; write its namespace and name, such as llm/qa")
        if not 0 < self.pairs_per_second < float("inf"):
            raise ValueError(f"the rate is {self.pairs_per_second} pairs a second; write a number above 0")
        if not 0 < self.share <= 1:
            raise ValueError(f"the share is {self.share}; write more than 0 and at most 1")
        if not is_variant(self.candidate) or self.candidate in (Variant.BASELINE, INCUMBENT):
            raise ValueError(f"the candidate is {self.candidate!r}; write its name in the policy, or candidate")
        if self.open_pairs < 1 or self.reserve_tokens < 0:
            raise ValueError("open_pairs must be at least 1, and reserve_tokens at least 0")


def deals_of(
    plan: EvaluationPlan,
    questions: Sequence[GoldenQuestion],
    rng: random.Random,
    memory: RemembersQuestions | None = None,
) -> Deals:
    """How questions are dealt under a plan. memory: of those that were counted before this start."""
    return WithReplacement(questions, rng) if plan.repeat else EachOnce(questions, rng, memory)


@dataclass(slots=True)
class Evaluator:
    """Asks until the budget is spent or `run` is stopped. Make one for each start of a process.

    scoring: for questions that name none of their own; stored, asked: the tokens that were spent and the questions that
    were counted, also by earlier starts; judge: for questions that one scores, None without these.
    """

    questions: Sequence[GoldenQuestion]
    scoring: Scoring
    asker: Asks
    exporter: Exporter
    telemetry: Telemetry
    plan: EvaluationPlan
    stored: StoresTokens = field(default_factory=InMemory)
    asked: RemembersQuestions = field(default_factory=ForgottenQuestions)
    judge: Judges | None = None
    budget: Budget = field(init=False)
    _notices: Notices = field(init=False, default_factory=Notices)
    _deals: Deals = field(init=False)
    _random: random.Random = field(init=False)
    _warned_of_unstored: bool = field(init=False, default=False)
    _warned_of_exhausted: bool = field(init=False, default=False)
    _latest: LatestAnswers = field(init=False, default_factory=LatestAnswers)
    _baseline_first: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self._random = random.Random(self.plan.seed)  # noqa: S311 - a fair draw
        self._deals = deals_of(self.plan, self.questions, self._random, self.asked)
        self.budget = Budget(self.plan.token_budget, spent=self.stored.tokens)
        self.telemetry.questions_left(self._deals.left)
        self.telemetry.budget(self.budget, asking=True)

    async def run(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set or the budget is spent, and every open question has its end.

        After a stop, questions that are open longer than the grace are given up: they stay charged with what was set
        aside for them, and are counted nowhere.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        open_pairs: set[asyncio.Task[None]] = set()
        try:
            while not await _stopped(stop, due - loop.time()) and await self._has_room(open_pairs, stop):
                due = max(due + self._pause(), loop.time())
                if self._random.random() >= self.plan.share:
                    self.telemetry.not_sampled()
                    continue
                if not self._reserve():
                    due = loop.time() + SECONDS_UNTIL_STORED_AGAIN
                    continue
                open_pairs.add(asyncio.create_task(self.ask_pair(self._deals.draw())))
        finally:
            await self._end(open_pairs, stop)
        if not stop.is_set():
            self.telemetry.budget(self.budget, asking=False)
            log.warning(
                "the token budget is spent: no more golden questions are asked; raise it and restart to go on",
                extra={"limit": self.budget.limit, "spent": self.budget.spent},
            )

    def _pause(self) -> float:
        """Seconds from one pair to the next: longer where asking leads to nothing that could be counted."""
        pause = 1 / self.plan.pairs_per_second
        exhausted = self._deals.left == 0
        if exhausted and not self._warned_of_exhausted:
            log.warning(
                "all %d golden questions are counted for this campaign, each is evidence once. Until another begins, "
                "one is asked every %g s, uncounted; add questions, or write --repeat for a verdict about their file",
                len(self.questions),
                SECONDS_BETWEEN_TRIES,
            )
        self._warned_of_exhausted = exhausted
        return max(pause, SECONDS_BETWEEN_TRIES) if self._deals.rests else pause

    async def _end(self, open_pairs: set[asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Waits for open questions, after a stop for the grace only, and stores what was spent."""
        stopping = asyncio.create_task(stop.wait())
        try:
            waiting: set[asyncio.Task[Any]] = {stopping, *open_pairs}
            while not stop.is_set() and (waiting - {stopping}):
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if open_pairs:
                await asyncio.wait(open_pairs, timeout=self.plan.grace_seconds)
        finally:
            for task in (stopping, *open_pairs):
                task.cancel()
            ended = await asyncio.gather(*open_pairs, return_exceptions=True)
            self._store()
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome  # a bug in counting must end the service, not pass in silence

    def _reserve(self) -> bool:
        """Sets aside what one pair may take, first on the disk. False where that cannot be stored: no pair is asked."""
        before = self.budget
        self.budget = before.reserve(2 * self.plan.reserve_tokens)
        stored = self._store()
        if not stored:
            self.budget = before
        self.telemetry.budget(self.budget, asking=stored)
        return stored

    def _store(self) -> bool:
        try:
            self.stored.store(self.budget.spent + self.budget.reserved)
        except OSError as error:
            if not self._warned_of_unstored:
                log.error("the spent tokens cannot be stored (%s): no question is asked until they can be", error)
            self._warned_of_unstored = True
            return False
        self._warned_of_unstored = False
        return True

    async def _has_room(self, open_pairs: set[asyncio.Task[None]], stop: asyncio.Event) -> bool:
        """Waits until one more pair may be open; False when the budget has none left, or at a stop.

        Nothing is drawn meanwhile, so which question comes next depends on no answer and on no answer's time.
        """
        while True:
            allowed = self.budget.allows(2 * self.plan.reserve_tokens)
            if allowed and len(open_pairs) < self.plan.open_pairs:
                return True
            if not open_pairs:
                return False
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({stopping, *open_pairs}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
            if stop.is_set():
                return False
            for task in [task for task in open_pairs if task.done()]:
                open_pairs.remove(task)
                task.result()  # a bug in counting must end the service, not pass in silence

    async def ask_pair(self, question: GoldenQuestion) -> None:
        """Asks both variants at once and counts what came of it, each answer once."""
        arms = (Variant.BASELINE, self.plan.candidate)
        baseline, candidate = self._latest.attributed(arms, await self._ask_both(question, arms))
        spent = sum(self._tokens_charged(answer) for answer in (baseline, candidate))
        self.budget = self.budget.settle(2 * self.plan.reserve_tokens, spent)
        self._store()
        self.telemetry.budget(self.budget, asking=True)
        self._deals.close(question)
        for variant, answer in zip(arms, (baseline, candidate), strict=True):
            self.telemetry.answered(variant, fate_of(answer))
        if not self._take(question, baseline, candidate):
            self._discard(Spoilt.REPEATED)
            return
        right = await graded(question, baseline, candidate, self.scoring, self.judge)
        for index, (variant, answer) in enumerate(zip(arms, (baseline, candidate), strict=True)):
            self._count_answer(question, variant, answer, result_of(right[index]))
        reason, is_scored = spoilt(baseline, candidate, self.plan.candidate), right != NOT_SCORED
        if reason is None and is_scored and self._count_pair(question, candidate, right):
            return
        self._discard(reason or (Spoilt.UNATTRIBUTED if is_scored else Spoilt.UNSCORED))

    async def _ask_both(self, question: GoldenQuestion, arms: tuple[str, str]) -> tuple[Answer, Answer]:
        """Each variant is the first in every other pair: where the second has to wait, neither fails more often."""
        order = arms if self._baseline_first else arms[::-1]
        self._baseline_first = not self._baseline_first
        answers = await asyncio.gather(*(self.asker.ask(question.question, arm, question.body) for arm in order))
        found = dict(zip(order, answers, strict=True))
        return found[arms[0]], found[arms[1]]

    def _discard(self, reason: Spoilt) -> None:
        self.telemetry.discarded(reason)
        if reason in UNCOUNTED:
            self._notices.warn(reason, UNCOUNTED[reason])

    def _take(self, question: GoldenQuestion, *answers: Answer) -> bool:
        """Whether these answers may be counted: their question is then used up for the campaigns that gave them."""
        revisions = {each.attribution.revision for each in answers if each.text is not None and each.attribution}
        try:
            # Every one is marked, also after one that was before.
            taken = [self._deals.take(question, revision) for revision in sorted(filter(None, revisions))]
        except OSError as error:
            log.error("the questions that were asked cannot be stored (%s): a pair is not counted", error)
            return False
        self.telemetry.questions_left(self._deals.left)
        return all(taken)

    def _count_pair(self, question: GoldenQuestion, candidate: Answer, right: Graded) -> bool:
        """An answer that failed or cannot be scored, beside one that is scored, is a wrong one. False when the revision
        cannot be exposed: then the pair is counted nowhere."""
        assignment = self._assignment(question, candidate)
        self._register(assignment)
        return self.exporter.pair(assignment, pair_outcome(*map(bool, right)), pair_completeness(*right))

    def _count_answer(self, question: GoldenQuestion, variant: str, answer: Answer, result: str) -> None:
        attribution = answer.attribution
        if self.plan.pairs_only or answer.text is None or attribution is None or attribution.variant != variant:
            return
        assignment = self._assignment(question, answer)
        self._register(assignment)
        self.exporter.evaluated(assignment, answer.tokens, result)

    def _register(self, seen: Assignment) -> None:
        variants = (Variant.BASELINE, self.plan.candidate)
        self.exporter.register(seen.policy, seen.revision, seen.step, seen.query_class, variants=variants)

    def _assignment(self, question: GoldenQuestion, answer: Answer) -> Assignment:
        assert answer.attribution is not None  # checked by the callers
        attribution = answer.attribution
        return Assignment(
            self.plan.policy, attribution.revision, attribution.step, attribution.variant, question.query_class
        )

    def _tokens_charged(self, answer: Answer) -> int:
        """A server that does not say what it took is charged the most that it may have taken.

        Where that is unknown as well, it is a token for each byte of the answer, as no token holds less.
        """
        if answer.tokens is not None:
            return answer.tokens
        return self.plan.reserve_tokens or max(1, len((answer.text or "").encode("utf-8", "replace")))


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long, or until `stop` is set; whether it is."""
    if seconds <= 0:
        await asyncio.sleep(0)  # answers arrive meanwhile, however fast questions are asked
        return stop.is_set()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
