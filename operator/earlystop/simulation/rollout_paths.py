"""Rollouts that a plan follows, many at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from earlystop.simulation.random_walk import Floats

Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(slots=True)
class Paths:
    """Rollouts under way, one a row. Times are seconds since the campaign began.

    number: which one it is. step: within the stages that are watched alike. started: when its weights were in force.
    last, first: moments of the latest look and of the first one of evidence. looks, answers, candidate: of evidence so
    far; in_step: answers of the step, of the variant with fewer. capital: log of each bet, one array a claim. reached:
    whether each claim was made. against: log e-value of each bet against a loss, and what a unit of loss adds.
    """

    number: Numbers
    step: Numbers
    started: Floats
    last: Floats
    first: Floats
    looks: Numbers
    answers: Floats
    candidate: Floats
    in_step: Floats
    capital: list[Floats]
    reached: Truths
    against: Floats

    def keep(self, rows: Truths) -> None:
        """Go on with these alone."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "capital":
                self.capital = [part[rows] for part in value]
            else:
                setattr(self, each.name, value[:, rows] if each.name == "against" else value[rows])
