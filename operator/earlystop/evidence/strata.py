"""Exact Match with query classes as strata: the mean loss over classes, and every class on its own.

`StrataProcess` bets against the mean difference, weighted by the candidate's traffic, with one stake for all
classes of a look (`bets.look_log_e`, where the proof stands). Comparing inside classes removes the noise of
their mix, so a verdict needs fewer answers than on pooled counts. With one class it equals `exact_match` bit
for bit.

A mean can hide a class that broke. `em_claims` therefore keeps an `exact_match` process for each class besides: on the
harm side a class that is shown to be harmed takes the candidate back, on the promote side each class can be certified.

The mean is weighted by the candidate's answers, so a class in which the candidate has none in a look takes no part
in it. A class with answers of the candidate alone cannot be compared yet: the whole look is then carried over to the
next, all classes together, because leaving one out would turn the weighted mean into another. That rule looks at
numbers of answers only, never at whether they are right, so it is a valid stopping rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from earlystop.evidence import bets
from earlystop.evidence.bets import Answers, ClassLook, Guess, Side
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.mixture import BetGrid, log_mixture


class Arms(NamedTuple):
    """Scored answers of one query class in one look."""

    baseline: Answers = Answers(0, 0)
    candidate: Answers = Answers(0, 0)

    @property
    def comparable(self) -> bool:
        """Whether the candidate's answers, if there are any, have answers of the baseline beside them."""
        return self.baseline.scored > 0 or self.candidate.scored == 0


Classes = Mapping[str, Arms]
"""Query class -> its answers in a look. Classes may appear at any look; the empty name is a class like others."""


@dataclass(frozen=True, slots=True)
class StrataProcess:
    """One e-process on the mean difference, promote or harm, after some looks.

    margin, side, grid, log_capital, log_e, log_e_max: as in `ExactMatchProcess`. first: the guess for a class
    never seen; guesses: class -> what its past looks say, sorted by name.
    """

    margin: float
    side: Side
    grid: BetGrid
    log_capital: tuple[float, ...]
    first: Guess
    guesses: tuple[tuple[str, Guess], ...] = ()
    log_e: float = 0.0
    log_e_max: float = 0.0


def start(
    margin: float, side: Side, grid: BetGrid | None = None, guess: float = 0.8, strength: float = 20.0
) -> StrataProcess:
    """The process before any look; parameters and errors as in `exact_match.start`, for every class alike."""
    bets.check_margin(margin)
    grid = grid or default_grid(side)
    return StrataProcess(
        margin=margin, side=side, grid=grid, log_capital=(0.0,) * len(grid), first=bets.first_guess(guess, strength)
    )


def update(process: StrataProcess, classes: Classes, dispersion: float = 1.0) -> StrataProcess:
    """The process after one more look. One that is not `usable` changes nothing.

    Classes without answers of the candidate take no part. The order of `classes` does not matter. dispersion: as in
    `exact_match.update`. Raises ValueError, naming the class, for counts that cannot be.
    """
    bets.check_dispersion(dispersion)
    return advance(process, classes, dispersion) if usable(classes) else process


def advance(process: StrataProcess, classes: Classes, dispersion: float = 1.0) -> StrataProcess:
    """As `update`, after a look that is known to be `usable`."""
    names = sorted(name for name, arms in classes.items() if arms.candidate.scored)
    known = dict(process.guesses)
    rows = [ClassLook(*classes[name], known.get(name, process.first).rate) for name in names]
    gains = bets.look_log_e(rows, process.margin, process.side, [process.margin * s for s in process.grid.sizes])
    log_capital = tuple([capital + gain / dispersion for capital, gain in zip(process.log_capital, gains, strict=True)])
    for name in names:
        known[name] = known.get(name, process.first).learn(*classes[name], process.margin)
    log_e = log_mixture(log_capital, process.grid.log_weights)
    return StrataProcess(
        margin=process.margin,
        side=process.side,
        grid=process.grid,
        log_capital=log_capital,
        first=process.first,
        guesses=tuple(sorted(known.items())),
        log_e=log_e,
        log_e_max=max(process.log_e_max, log_e),
    )


def usable(classes: Classes) -> bool:
    """Whether a look can be bet on: the candidate has answers, and the baseline has some wherever it does.

    Raises ValueError, naming the class, for counts that cannot be.
    """
    for name, arms in classes.items():
        try:
            bets.check_answers(*arms)
        except ValueError as error:
            raise ValueError(f"query class {name!r}: {error}") from None
    some = any(arms.candidate.scored for arms in classes.values())
    return some and all(arms.comparable for arms in classes.values())
