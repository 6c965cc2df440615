"""Exact Match with query classes as strata: the mean loss over requests, compared class by class.

`StrataProcess` bets against the mean difference over the candidate's requests. Comparing inside classes removes the
noise of their mix, so a verdict needs fewer answers than on pooled counts.

One stake for all classes and all looks makes the claim one about requests: with the candidate's stake u the logarithm
of the expected capital is at most the sum of `u n_c (d + margin)` over classes and looks (`bets`, where the proof
stands), whatever the mix of classes does. So the stake `gap / v` has a v that is known before the look and
hardly moves: the running mean, over all answers so far, of what an answer adds to the variance at the split of
requests that was asked for. A v of the look's own mix would give a look of easy questions several times the stake of a
look of hard ones, and a loss that hides in the hard ones would be promoted (version 1 of the engine did so). As the
stake follows no mix, a look may also be taken in parts, in which classes are mixed as chance has it.

A mean can hide a class that broke. `em_claims` therefore keeps an `exact_match` process for each class besides: on the
harm side a class that is shown to be harmed takes the candidate back, on the promote side each class can be certified.

The mean is weighted by the candidate's answers, so a class in which the candidate has none in a look takes no part
in it. A class with answers of the candidate alone cannot be compared yet. A few of them are carried over to a later
look by themselves (`rollout.unmatched_answers`); with more of them the whole look is, all classes together, because
leaving one out would turn the weighted mean into another. That rule looks at numbers of answers only, never at whether
they are right, so it is a valid stopping rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import NamedTuple

from earlystop.evidence import bets
from earlystop.evidence.bets import Answers, ClassLook, Guess, Side
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.exact_match import NEAR, YOUNG_ANSWERS, default_grid
from earlystop.evidence.mixture import BetGrid, log_mixture
from earlystop.evidence.split_look import ClassesInParts, ClassPart

VARIANCE_ANSWERS = 200
"""How many answers of the largest possible variance the first guess of the running mean is worth: the mix of the first
looks alone would set the stake of the next ones."""

RATIO_ANSWERS = 20
"""How many answers an even split is worth where nobody knows how requests are split."""


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
    never seen; guesses: class -> what its past looks say, sorted by name. answered: answers bet on so far, of the
    baseline and of the candidate.
    """

    margin: float
    side: Side
    grid: BetGrid
    log_capital: tuple[float, ...]
    first: Guess
    guesses: tuple[tuple[str, Guess], ...] = ()
    answered: tuple[int, int] = (0, 0)
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


def update(
    process: StrataProcess, classes: Classes, dispersion: float = 1.0, share: float | None = None
) -> StrataProcess:
    """The process after one more look, bet on as a whole. One that is not `usable` changes nothing.

    Classes without answers of the candidate take no part. The order of `classes` does not matter. dispersion: as in
    `exact_match.update`. share: percent of both variants' requests that the candidate shall have, None where nobody
    knows. Raises ValueError, naming the class, for counts that cannot be.
    """
    bets.check_dispersion(dispersion)
    if not usable(classes):
        return process
    return _bet(process, ClassesInParts(classes, 0).whole, dispersion, share)


def advance(
    process: StrataProcess,
    look: ClassesInParts,
    risk: float,
    dispersion: float,
    share: float | None,
    discount: Discount = UNDIVIDED,
) -> StrataProcess:
    """As `update`, after a look that is known to be `usable`: in parts where that can matter, as `exact_match.advance`
    takes them. discount: as there."""
    fine = sum(process.answered) < YOUNG_ANSWERS or process.log_e >= -log(risk) - NEAR
    return _bet(process, look.rounds if fine else look.whole, dispersion, share, discount)


def running_variance(process: StrataProcess, share: float | None) -> float:
    """What an answer of the candidate adds to the variance, as all looks so far have it on average.

    share: as in `update`; the answers so far stand for it where nobody knows.
    """
    if share is None:
        scored_b, scored_c = process.answered
        ratio = (scored_c + RATIO_ANSWERS) / (scored_b + RATIO_ANSWERS)
    else:
        ratio = share / (100 - share)
    total, weight = VARIANCE_ANSWERS * 0.25 * (1 + ratio), float(VARIANCE_ANSWERS)
    for _, guess in process.guesses:
        answers = guess.scored - process.first.scored
        total += answers * bets.answer_variance(guess.rate, process.margin, ratio)
        weight += answers
    return total / weight


def _bet(
    process: StrataProcess,
    rounds: Sequence[Sequence[ClassPart]],
    dispersion: float,
    share: float | None,
    discount: Discount = UNDIVIDED,
) -> StrataProcess:
    """The process after a look in rounds. The capital is compared with the line after each round, not after each class
    of it, so that no class comes first."""
    margin, side = process.margin, process.side
    variance, known = running_variance(process, share), dict(process.guesses)
    scored_b, scored_c = process.answered
    log_capital: tuple[float, ...] | list[float] = process.log_capital
    log_e, log_e_max = process.log_e, process.log_e_max
    for parts in rounds:
        rows = [ClassLook(*part[1:], known.get(part.name, process.first).rate) for part in parts]
        largest = bets.largest_stake(rows, margin, side)
        stakes = [min(margin * size / variance, largest) for size in process.grid.sizes]
        for part, row in zip(parts, rows, strict=True):
            gains = bets.log_e_at_stakes(row, margin, side, stakes)
            log_capital = [capital + gain / dispersion for capital, gain in zip(log_capital, gains, strict=True)]
            known[part.name] = known.get(part.name, process.first).learn(part.baseline, part.candidate, margin)
            scored_b, scored_c = scored_b + part.baseline.scored, scored_c + part.candidate.scored
        log_e = discount.log_e(log_mixture(discount.read(log_capital), process.grid.log_weights))
        log_e_max = discount.largest(log_e_max, log_e)
    return StrataProcess(
        margin=margin,
        side=side,
        grid=process.grid,
        log_capital=tuple(log_capital),
        first=process.first,
        guesses=tuple(sorted(known.items())),
        answered=(scored_b, scored_c),
        log_e=log_e,
        log_e_max=log_e_max,
    )


def advance_by_own_mix(process: StrataProcess, classes: Classes, dispersion: float = 1.0) -> StrataProcess:
    """As `advance` did in version 1 of the engine, which the records of that version are recomputed with: a look is bet
    on as a whole, with a stake that follows its own mix of classes."""
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
