"""Answers of candidates that go missing on purpose, so that people can watch how a rollout deals with silence."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from earlystop.api.wire import BASELINE, MISMATCH, UNSCORED
from earlystop.demo.replay import Reply


class Outcome(NamedTuple):
    """What is sent and counted of one reply. result: as in `Exporter.completed`."""

    text: str
    tokens: int
    result: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Spoiling:
    """Which fractions of answers are spoilt, each 0 to 1. Of several, an answer has the first that is drawn.

    unscored_wrong: of wrong answers, that are counted as unscored. cut: of all, whose last half is cut off, as at a
    limit of tokens; these cannot be scored. empty: of all, without a word; these are wrong.
    every_variant: whether the baseline's are spoilt, too.
    Raises ValueError for a fraction out of range, naming it.
    """

    unscored_wrong: float = 0.0
    cut: float = 0.0
    empty: float = 0.0
    every_variant: bool = False

    def __post_init__(self) -> None:
        for name in ("unscored_wrong", "cut", "empty"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"the fraction {name} is {getattr(self, name)}; write 0 to 1, as in 0.25")

    def outcome(self, variant: str, reply: Reply, rng: random.Random) -> Outcome:
        """What a client gets in place of a variant's reply: the reply itself, nothing, or a part of it."""
        whole = Outcome(reply.text, reply.vote.words, reply.result, cut=False)
        if variant == BASELINE and not self.every_variant:
            return whole
        if rng.random() < self.empty:
            return Outcome("", 0, MISMATCH, cut=False)
        if rng.random() < self.cut:
            return Outcome(whole.text[: len(whole.text) // 2], whole.tokens // 2, UNSCORED, cut=True)
        if whole.result == MISMATCH and rng.random() < self.unscored_wrong:
            return whole._replace(result=UNSCORED)
        return whole
