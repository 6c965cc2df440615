"""The bet of one look on Exact Match: one stake for all query classes, formula and proof in one place.

The bet. Before a look, fix for each class a pair of rates on the edge of the null hypothesis,
`rate_c = rate_b - margin`, and one stake `u_c` for all classes. Every answer y (1 match, 0 mismatch) multiplies
the capital by `1 + u (y - rate)` of its arm and class. The baseline's stakes are tied to the look's numbers of
answers, class by class: `u_b = -u_c n_c / n_b`.

Why it is valid (source of the construction: Turner, Ly, Gruenwald, "Generic E-variables for exact sequential
k-sample tests", arXiv 2106.02693; here with freely chosen stakes, a margin and classes).
Suppose the candidate truly differs by `d_s` in class s. As log(1 + z) <= z, the logarithm of the expected factor
of the look is at most the sum over classes of `n_c u_c (p_c - rate_c) + n_b u_b (p_b - rate_b)`, which is
`u_c` times the sum of `n_c (d_s + margin)`. That is at most 0 when the mean of `d_s`, weighted by the candidate's
answers, lies inside the null hypothesis: for any rates of the baseline, any guesses, any stake and any split of
the traffic, in every look anew, so baselines may drift and weights may change between looks.
With a stake of its own for each class the sum would not collapse to the weighted mean; adding such bets claims
far more (no class lost more than the margin) and may promote a candidate whose mean loss is too large. The same holds
for looks: over a campaign the logarithm is at most the sum of `u_c n_c (d + margin)`, which is about the mean over
requests only if the stake does not follow the mix of classes of the look that it is bet on (`strata`).

What must hold: within a look the answers are independent given the numbers of answers, and those numbers do
not depend on whether answers are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from math import log1p
from typing import NamedTuple

CAP = 0.9
"""No single answer may cost more than this share of a bet's capital, so log1p never sees -1."""


class Side(IntEnum):
    """Which claim is bet against. The value is the sign of the candidate's stake."""

    PROMOTE = 1
    """Null hypothesis: EM of the candidate is at least `margin` below the baseline's."""
    HARM = -1
    """Null hypothesis: EM of the candidate is at most `margin` below the baseline's."""


class Answers(NamedTuple):
    """Scored answers of one arm in one look: `scored` in all, `match` of them exact matches."""

    scored: int
    match: int


class ClassLook(NamedTuple):
    """One query class in one look; guess: the baseline's rate as guessed before it, any number."""

    baseline: Answers
    candidate: Answers
    guess: float


class Guess(NamedTuple):
    """What past looks say about the baseline's rate, as pseudo counts; `scored` > 0."""

    match: float
    scored: float

    @property
    def rate(self) -> float:
        """The guess for the next look, 0..1 unless pseudo counts say otherwise."""
        return self.match / self.scored

    def learn(self, baseline: Answers, candidate: Answers, margin: float) -> Guess:
        """The guess after one more look: on the edge of the null a candidate's answer is worth `margin` less."""
        return Guess(
            self.match + baseline.match + candidate.match + margin * candidate.scored,
            self.scored + baseline.scored + candidate.scored,
        )


def first_guess(guess: float, strength: float) -> Guess:
    """Pseudo counts of a rate expected from history that is worth `strength` answers.

    A wrong guess costs a little speed, never validity. Raises ValueError unless 0 <= guess <= 1, strength > 0.
    """
    if not 0 <= guess <= 1 or not strength > 0:
        raise ValueError(f"guess {guess}, strength {strength}; write a rate in 0..1 and a strength above 0")
    return Guess(guess * strength, strength)


def check_margin(margin: float) -> None:
    """Raise ValueError unless 0 < margin < 1."""
    if not 0 < margin < 1:
        raise ValueError(f"margin is {margin}; write the tolerated loss as a fraction, as in 0.02")


def check_dispersion(dispersion: float) -> None:
    """Raise ValueError unless dispersion >= 1."""
    if not dispersion >= 1:
        raise ValueError(f"dispersion is {dispersion}; write 1 for independent answers or a larger factor")


def check_answers(baseline: Answers, candidate: Answers) -> None:
    """Raise ValueError, naming the arm, unless 0 <= match <= scored in both."""
    for variant, answers in (("baseline", baseline), ("candidate", candidate)):
        if not 0 <= answers.match <= answers.scored:
            raise ValueError(
                f"{variant}: {answers.match} exact matches among {answers.scored} scored answers; "
                "write increments of one look with 0 <= match <= scored"
            )


def guessed_rates(guess: float, margin: float) -> tuple[float, float]:
    """Rates of the baseline and of the candidate on the edge of the null hypothesis, both inside (0, 1).

    guess: of the baseline's rate, any number.
    """
    edge = min(1e-4, (1 - margin) / 4)
    rate_b = min(max(guess, margin + edge), 1 - edge)
    return rate_b, rate_b - margin


def answer_variance(guess: float, margin: float, ratio: float) -> float:
    """What a candidate's answer adds to the variance of a comparison, with the baseline's answers beside it.

    ratio: answers of the candidate for each of the baseline, > 0.
    """
    rate_b, rate_c = guessed_rates(guess, margin)
    return rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b)


def largest_stake(classes: Sequence[ClassLook], margin: float, side: Side, cap: float = CAP) -> float:
    """The stake with which the dearest answer of a look costs the share `cap` of the capital."""
    dearest = 0.0
    for (n_b, _), (n_c, _), guess in classes:
        rate_b, rate_c = guessed_rates(guess, margin)
        ratio = n_c / n_b
        dearest = max(dearest, *((rate_c, ratio * (1 - rate_b)) if side > 0 else (1 - rate_c, ratio * rate_b)))
    return cap / dearest


def log_e_at_stakes(look: ClassLook, margin: float, side: Side, stakes: Sequence[float]) -> list[float]:
    """log e-value of the answers of one class for each of the candidate's stakes, which were fixed before them.

    stakes: > 0, whichever side is bet on, and small enough for every answer of the class (`largest_stake`).
    """
    sign = float(side)
    return _gains(look, *guessed_rates(look.guess, margin), [sign * stake for stake in stakes])


def _gains(look: ClassLook, rate_b: float, rate_c: float, stakes_c: Sequence[float]) -> list[float]:
    """What the answers of one class add to the logarithm of the capital, for each stake of the candidate's answers."""
    (n_b, match_b), (n_c, match_c), _ = look
    miss_b, miss_c = n_b - match_b, n_c - match_c
    ratio, other_b, other_c = n_c / n_b, 1 - rate_b, 1 - rate_c
    gains = []
    for stake_c in stakes_c:
        stake_b = -ratio * stake_c
        gains.append(
            match_c * log1p(stake_c * other_c)
            + miss_c * log1p(-stake_c * rate_c)
            + match_b * log1p(stake_b * other_b)
            + miss_b * log1p(-stake_b * rate_b)
        )
    return gains


def look_log_e(
    classes: Sequence[ClassLook], margin: float, side: Side, gaps: Sequence[float], cap: float = CAP
) -> list[float]:
    """log e-value of one look for every true gap |d + margin| in `gaps` (fractions > 0), natural log.

    classes: at least one, each with a scored answer in both arms; 0 <= margin < 1. More than one are bet on in this way
    by version 1 of the engine alone, since v then follows the look's own mix of classes.
    The stake `gap / v`, with v the mean of `v_c + v_b n_c / n_b` over the candidate's answers and Bernoulli
    variances v_c, v_b, grows capital fastest when the gap is true. It is capped so that no answer of any class
    can cost more than the share `cap` (below 1) of the capital.
    """
    if len(classes) == 1:
        return _one_class(classes[0], margin, side, gaps, cap)
    total_c = sum(look.candidate.scored for look in classes)
    variance = 0.0
    for (n_b, _), (n_c, _), guess in classes:
        variance += n_c / total_c * answer_variance(guess, margin, n_c / n_b)
    largest = largest_stake(classes, margin, side, cap)
    stakes, gains = [min(gap / variance, largest) for gap in gaps], [0.0] * len(gaps)
    for look in classes:
        gains = [gain + more for gain, more in zip(gains, log_e_at_stakes(look, margin, side, stakes), strict=True)]
    return gains


def _one_class(look: ClassLook, margin: float, side: Side, gaps: Sequence[float], cap: float) -> list[float]:
    """`look_log_e` with one class, the same floats for less time: most looks, and all parts of looks, have one."""
    (n_b, _), (n_c, _), guess = look
    rate_b, rate_c = guessed_rates(guess, margin)
    ratio, other_b, other_c = n_c / n_b, 1 - rate_b, 1 - rate_c
    variance = rate_c * other_c + ratio * rate_b * other_b
    sign, largest = float(side), cap / (max(rate_c, ratio * other_b) if side > 0 else max(other_c, ratio * rate_b))
    return _gains(look, rate_b, rate_c, [sign * min(gap / variance, largest) for gap in gaps])
