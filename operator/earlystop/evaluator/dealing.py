"""Which golden question comes next: each once for a campaign, in an order by chance, or drawn anew each time.

A verdict about the population that questions were drawn from needs pairs of different questions: each is one draw, and
so is a group of questions that depend on each other, of which one is asked. A question that is asked again tells more
about itself alone. So by default each is asked until an answer to it was counted for a campaign, which is known by its
revision, and then no more; what was counted is stored, so that a restart goes on. With `repeat`, questions are drawn
with replacement: such pairs are independent draws of the file.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from earlystop.evaluator.questions import GoldenQuestion

MOST_CAMPAIGNS = 4
"""Campaigns whose questions are remembered, the latest ones: answers may arrive for one that has just ended."""


class Deals(Protocol):
    """Says which question is asked next, and which answers may be counted."""

    @property
    def rests(self) -> bool:
        """Whether there is no reason to hurry: no question is left, or none of a whole round could be counted."""
        ...

    def draw(self) -> GoldenQuestion:
        """The next question, one that is left if there is any. What is drawn is open until `close`."""
        ...

    def take(self, question: GoldenQuestion, revision: str) -> bool:
        """Uses a question up for a campaign; False where it was, so that nothing of it may be counted again.

        Raises OSError where that cannot be stored; the question is not used up then.
        """
        ...

    def close(self, question: GoldenQuestion) -> None:
        """Both answers have come, or will not; `take` follows for those that may be counted."""
        ...

    @property
    def left(self) -> int:
        """How many questions no answer was counted of, for the campaign that was seen last."""
        ...


class RemembersQuestions(Protocol):
    """Keeps which questions were counted beyond the process, such as `AskedQuestions`. asked: campaigns' revisions,
    the latest last, and names of their questions."""

    asked: dict[str, set[str]]

    def add(self, revision: str, name: str) -> None:
        """Keeps the name of one more question. Raises OSError where it cannot."""
        ...


@dataclass(slots=True)
class ForgottenQuestions:
    """Keeps them in the process alone: each start asks all questions."""

    asked: dict[str, set[str]] = field(default_factory=dict)

    def add(self, revision: str, name: str) -> None:
        """Keeps the name of one more question until the process ends."""
        remember(self.asked, revision, name)


def remember(asked: dict[str, set[str]], revision: str, name: str) -> None:
    """Adds a question to those of a campaign; the oldest campaign is forgotten for one too many."""
    asked.setdefault(revision, set()).add(name)
    while len(asked) > MOST_CAMPAIGNS:
        del asked[next(iter(asked))]


def name_of(question: GoldenQuestion) -> str:
    """What tells a question apart in stores, whatever file it stands in: questions of one group have one name, so one
    of them alone is counted for a campaign, and all are in one part."""
    # No question holds a NUL at its end: it was stripped, and a group's name is never taken for a question's.
    identity = f"{question.group}\0" if question.group else question.question
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def part_of(questions: Sequence[GoldenQuestion], part: int, parts: int) -> tuple[GoldenQuestion, ...]:
    """The questions of one of several evaluators of the same campaign: no question is in two parts.

    Raises ValueError unless 1 <= part <= parts.
    """
    if not 1 <= part <= parts:
        raise ValueError(f"the part is {part} of {parts}; write one from 1 of 1 on, as in 2/3")
    return tuple(each for each in questions if int(name_of(each), 16) % parts == part - 1)


class EachOnce:
    """A permutation of the questions, each used up once for a campaign. Raises ValueError without questions."""

    def __init__(
        self, questions: Sequence[GoldenQuestion], rng: random.Random, memory: RemembersQuestions | None = None
    ) -> None:
        if not questions:
            raise ValueError("there are no golden questions to ask; pass at least one")
        self._order = list(questions)
        rng.shuffle(self._order)
        self._names = {each.question: name_of(each) for each in questions}
        self._own = frozenset(self._names.values())
        self._memory = memory or ForgottenQuestions()
        self._open: set[str] = set()
        self._next = self._uncounted = 0

    @property
    def _used(self) -> set[str]:
        """Names of the questions that the campaign seen last has used up."""
        return next(reversed(self._memory.asked.values()), set())

    @property
    def left(self) -> int:
        """See `Deals`."""
        return len(self._own - self._used)

    @property
    def rests(self) -> bool:
        """See `Deals`."""
        return self._uncounted >= len(self._order) or not (self._own - self._used - self._open)

    def draw(self) -> GoldenQuestion:
        """See `Deals`. Where none is left it is any: its answer says whether another campaign has begun."""
        used = self._used
        chosen = self._order[self._next]
        for turn in range(len(self._order)):
            place = (self._next + turn) % len(self._order)
            name = self._names[self._order[place].question]
            if name not in used and name not in self._open:
                chosen, self._next = self._order[place], place
                break
        self._next = (self._next + 1) % len(self._order)
        self._open.add(self._names[chosen.question])
        return chosen

    def take(self, question: GoldenQuestion, revision: str) -> bool:
        """See `Deals`."""
        name = self._names.get(question.question) or name_of(question)
        if name in self._memory.asked.get(revision, ()):
            return False
        self._memory.add(revision, name)
        self._uncounted = 0
        return True

    def close(self, question: GoldenQuestion) -> None:
        """See `Deals`."""
        self._open.discard(self._names.get(question.question, ""))
        self._uncounted += 1  # until `take` says otherwise


class WithReplacement:
    """Questions without end, each drawn from all. Raises ValueError without questions."""

    rests = False

    def __init__(self, questions: Sequence[GoldenQuestion], rng: random.Random) -> None:
        if not questions:
            raise ValueError("there are no golden questions to ask; pass at least one")
        self._questions, self._random = questions, rng
        self.left = len(questions)

    def draw(self) -> GoldenQuestion:
        """See `Deals`."""
        return self._questions[int(self._random.random() * len(self._questions))]

    def take(self, question: GoldenQuestion, revision: str) -> bool:
        """See `Deals`: nothing is used up."""
        return True

    def close(self, question: GoldenQuestion) -> None:
        """See `Deals`."""
