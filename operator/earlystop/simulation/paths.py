"""Rollouts under way in a forecast, a number of each in each array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Self

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.effect_bounds import GRID
from earlystop.evidence.tokens import BLOCK_ANSWERS, LEARNING_ANSWERS
from earlystop.simulation.random_walk import Floats

Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(slots=True)
class TokenBlocks:
    """When the test of tokens may bet first: it learns variances before, and gathers looks in blocks (`tokens`).

    open, learned: answers of the variant with fewer, in the open block and in closed ones. bets: how many there
    were, one a block.
    """

    open: Floats
    learned: Floats
    bets: Numbers

    @classmethod
    def begin(cls, runs: int) -> Self:
        """The state of so many rollouts before any look."""
        return cls(np.zeros(runs), np.zeros(runs), np.zeros(runs, np.int64))

    def add(self, answers: Floats) -> None:
        """One more look, with so many answers of the variant with fewer."""
        self.open = self.open + answers
        closes = self.open >= BLOCK_ANSWERS
        self.bets = self.bets + (closes & (self.learned >= LEARNING_ANSWERS))
        self._close(closes)

    def change_weights(self, rows: Truths) -> None:
        """Gives these rollouts other weights from now on; no block of looks spans both."""
        self._close(rows)

    def keep(self, rows: Truths) -> None:
        """Drops all rollouts but these."""
        self.open, self.learned, self.bets = self.open[rows], self.learned[rows], self.bets[rows]

    def _close(self, rows: Truths) -> None:
        self.learned = self.learned + np.where(rows, self.open, 0)
        self.open = np.where(rows, 0, self.open)


@dataclass(slots=True)
class Paths:
    """Rollouts under way. Times are seconds since the campaign began.

    number: which one it is. base: where the columns of what it supposes begin. step: within the stages that are watched
    alike. looks: of evidence so far, which all of them have together. started: when its weights were in force.
    last, first: moments of the latest look and of the first one of evidence. answers, candidate: of evidence so far;
    in_step: answers of the step, of the variant with fewer. capital: log of each bet, one array a claim with a row
    for each bet. most: the largest of each claim, a row for each. reached: whether each claim was made, likewise.
    against: log e-value of each bet against a loss, and what a unit of loss adds, a row for each bet. tokens: what the
    test of tokens has bet on. Rollouts are along the last axis everywhere.
    """

    number: Numbers
    base: Numbers
    step: Numbers
    started: Floats
    last: Floats
    first: Floats
    answers: Floats
    candidate: Floats
    in_step: Floats
    capital: list[Floats]
    most: Floats
    reached: Truths
    against: Floats
    tokens: TokenBlocks
    looks: int = 0

    @classmethod
    def begin(cls, numbers: Numbers, base: Numbers, started: Floats, last: Floats, bets: Sequence[int]) -> Self:
        """Before the first look of evidence. bets: how many each claim has."""
        runs = len(numbers)
        return cls(
            number=numbers,
            base=base,
            step=np.zeros(runs, np.int64),
            started=started,
            last=last,
            first=np.full(runs, inf),
            answers=np.zeros(runs),
            candidate=np.zeros(runs),
            in_step=np.zeros(runs),
            capital=[np.zeros((each, runs)) for each in bets],
            most=np.zeros((len(bets), runs)),
            reached=np.zeros((len(bets), runs), bool),
            against=np.zeros((2, len(GRID), runs)),
            tokens=TokenBlocks.begin(runs),
        )

    @property
    def column(self) -> Numbers:
        """Where in what is watched each rollout is: the place of its step among the stages of what it supposes."""
        return self.base + self.step

    def keep(self, rows: Truths) -> None:
        """Drops all rollouts but these."""
        if rows.all():
            return
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "looks":
                continue
            if each.name == "capital":
                self.capital = [part.compress(rows, axis=-1) for part in value]
            elif each.name == "tokens":
                self.tokens.keep(rows)
            else:
                setattr(self, each.name, value.compress(rows, axis=-1))
