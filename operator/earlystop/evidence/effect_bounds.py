"""The interval for Exact Match: which differences the tests that decide leave open, class by class as they compare.

For a bet with stake u on the candidate's answers and `u r` against the baseline's (r = n_c / n_b of a class in a look),

    u (X_c - r X_b - n_c d) - psi(u) S_c - psi(u r) S_b,   psi(u) = -log(1 - u) - u,

summed over classes and looks, is never above the logarithm of an e-value if the true difference is d: X are matches, S
sums of squared distances of answers from centres that were fixed before the look. That is because
`exp(u y - psi(u) y^2) <= 1 + u y` for y >= -1 (Fan, Grama, Liu, 2015; as in `empirical_bernstein`), and it is linear in
d. So sums hold the evidence against every d at once, of the same kind as the tests': with a stake that does not follow
the look's own mix of classes, divided by the same dispersion, at the risk of the claim on each side. It is exact for
any rates, and the difference is the mean over requests.

The bound of a side then meets the claim of the deciding process: it excludes -margin exactly when the claim is made
(`meet`). Intersecting with a claim that is proven, or widening up to one that is not, costs no coverage.

The same sums say how strong the evidence against any one loss is (`log_e_against_loss`), which lets a ramp go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, inf, log, log1p, nextafter
from typing import NamedTuple

from earlystop.evidence.bets import Answers
from earlystop.evidence.exact_match import PROMOTE_GRID
from earlystop.evidence.intervals import Interval
from earlystop.evidence.mixture import BetGrid, weighted_grid
from earlystop.evidence.strata import VARIANCE_ANSWERS

GRID: BetGrid = weighted_grid(PROMOTE_GRID.sizes[1::2], [exp(share) for share in PROMOTE_GRID.log_weights[1::2]])
"""Every second bet of the deciding test: gaps of half a margin to 16 margins."""

LARGEST_STAKE = 0.5
"""No answer is bet on with more, so psi stays close to half the square."""

FIRST_RATE, FIRST_ANSWERS = 0.8, 20.0
"""The guess of a rate before any answer, and how many answers it is worth."""

STEPS = 40
"""Steps of Newton's method at most; some six are enough."""


class ClassTotals(NamedTuple):
    """All answers of one query class so far."""

    name: str
    baseline: Answers
    candidate: Answers


@dataclass(frozen=True, slots=True)
class DifferenceSums:
    """What the interval needs from past looks.

    margin: the difference at which it is to be narrow soonest. classes: totals, sorted by name. difference, answers,
    spread: sums of `u (X_c - r X_b)`, `u n_c` and the psi terms, one a bet of `GRID`.
    """

    margin: float
    classes: tuple[ClassTotals, ...] = ()
    difference: tuple[float, ...] = (0.0,) * len(GRID)
    answers: tuple[float, ...] = (0.0,) * len(GRID)
    spread: tuple[float, ...] = (0.0,) * len(GRID)

    @property
    def scored(self) -> tuple[int, int]:
        """Scored answers so far, of the baseline and of the candidate."""
        return sum(each.baseline.scored for each in self.classes), sum(each.candidate.scored for each in self.classes)

    @property
    def estimate(self) -> float | None:
        """EM candidate minus EM baseline over all requests, -1..1; None before the first look."""
        if not self.answers[0]:
            return None
        return min(max(self.difference[0] / self.answers[0], -1.0), 1.0)  # the smallest bet is never capped


def add_look(
    sums: DifferenceSums, classes: Mapping[str, tuple[Answers, Answers]], share: float | None
) -> DifferenceSums:
    """The sums after a look that is usable (`strata.usable`).

    classes: answers of both arms by query class. share: percent of both variants' requests that the candidate shall
    have, None where nobody knows.
    """
    known = {each.name: each for each in sums.classes}
    rows = [(name, *arms) for name, arms in sorted(classes.items()) if arms[0].scored and arms[1].scored]
    if not rows:
        return sums
    ratios = [candidate.scored / baseline.scored for _, baseline, candidate in rows]
    variance, largest = _variance(sums, share), LARGEST_STAKE / max(1.0, *ratios)
    stakes = [min(sums.margin * size / variance, largest) for size in GRID.sizes]
    difference, spread, total = 0.0, [0.0] * len(stakes), 0
    for (name, baseline, candidate), ratio in zip(rows, ratios, strict=True):
        before = known.get(name, ClassTotals(name, Answers(0, 0), Answers(0, 0)))
        difference += candidate.match - ratio * baseline.match
        total += candidate.scored
        squares_b, squares_c = _squares(baseline, _rate(before.baseline)), _squares(candidate, _rate(before.candidate))
        spread = [
            known_spread + _psi(stake) * squares_c + _psi(stake * ratio) * squares_b
            for known_spread, stake in zip(spread, stakes, strict=True)
        ]
        known[name] = ClassTotals(name, _added(before.baseline, baseline), _added(before.candidate, candidate))
    return DifferenceSums(
        sums.margin,
        tuple(known[name] for name in sorted(known)),
        tuple([old + stake * difference for old, stake in zip(sums.difference, stakes, strict=True)]),
        tuple([old + stake * total for old, stake in zip(sums.answers, stakes, strict=True)]),
        tuple([old + new for old, new in zip(sums.spread, spread, strict=True)]),
    )


def bounds(sums: DifferenceSums, risk_low: float, risk_high: float, dispersion: float = 1.0) -> Interval:
    """EM candidate minus EM baseline, in -1..1: the truth is below with probability at most risk_low and above with at
    most risk_high, at all looks together. dispersion: as in `exact_match.update`."""
    estimate = sums.estimate
    if estimate is None:
        return Interval(None, -1.0, 1.0)
    low = _bound(sums.difference, sums, -log(risk_low), dispersion)
    high = -_bound([-each for each in sums.difference], sums, -log(risk_high), dispersion)
    return Interval(estimate, low, high)


def log_e_against_loss(sums: DifferenceSums, loss: float, dispersion: float = 1.0) -> float:
    """Natural log of the e-value now against "the candidate loses at least `loss` of EM"; 0 before any look.

    loss: above 0, fixed beforehand. Raises ValueError as `loss_weights`.
    """
    rows = zip(loss_weights(sums.margin, loss), sums.difference, sums.answers, sums.spread, strict=True)
    terms = [weight + (gain + answers * loss - cost) / dispersion for weight, gain, answers, cost in rows]
    largest = max(terms)
    return largest + log(fsum([exp(term - largest) for term in terms]))


def loss_weights(margin: float, loss: float) -> list[float]:
    """Logarithms of the shares of capital on each bet against a loss. They are the interval's bets, and most is on the
    one for a gap of `loss`, where a candidate that loses nothing is: the interval's own shares are for smaller gaps.

    Raises ValueError unless `loss` is above 0.
    """
    if not loss > 0:
        raise ValueError(f"loss is {loss}; write the loss that is to be refuted as a fraction, as in 0.08")
    weights = [-2 * log(size * margin / loss) ** 2 for size in GRID.sizes]
    largest = max(weights)
    total = largest + log(fsum([exp(each - largest) for each in weights]))
    return [each - total for each in weights]


def meet(interval: Interval, claim: float, is_above: bool, is_below: bool) -> Interval:
    """The interval with bounds that agree with the claims: it lies above `claim` exactly if that was claimed, and below
    it exactly if that was.

    The estimate stays inside the interval: of evidence that has turned since the claim was made, the nearest value.
    """
    if interval.estimate is None:
        return interval
    low = -inf if interval.low is None else interval.low
    high = inf if interval.high is None else interval.high
    low = max(low, nextafter(claim, inf)) if is_above else min(low, claim)
    high = min(high, nextafter(claim, -inf)) if is_below else max(high, claim)
    if low > high:  # what was claimed stays, however far evidence has turned; of two claims at once one is an error
        low = high = claim if is_above and is_below else low if is_above else high
    estimate = min(max(interval.estimate, low), high)
    return Interval(estimate, None if low == -inf else low, None if high == inf else high)


def _bound(difference: Sequence[float], sums: DifferenceSums, threshold: float, dispersion: float) -> float:
    """The smallest difference, -1..1, that is not refuted from below: where the mixture falls to the threshold.

    The logarithm of the mixture is convex and falls, so Newton's steps from below never pass the root.
    """
    weights = GRID.log_weights
    offsets = [
        weight + (gain - cost) / dispersion for weight, gain, cost in zip(weights, difference, sums.spread, strict=True)
    ]
    slopes = [each / dispersion for each in sums.answers]
    value = -1.0
    for _ in range(STEPS):
        terms = [offset - slope * value for offset, slope in zip(offsets, slopes, strict=True)]
        largest = max(terms)
        chances = [exp(term - largest) for term in terms]
        mass = fsum(chances)
        excess = largest + log(mass) - threshold
        step = excess * mass / fsum([chance * slope for chance, slope in zip(chances, slopes, strict=True)])
        if excess <= 0 or value + step >= 1:
            return value if excess <= 0 else 1.0
        if step < 1e-7:
            return value
        value += step
    return value


def _variance(sums: DifferenceSums, share: float | None) -> float:
    """What an answer of the candidate adds to the variance of the difference, on average over all looks so far."""
    scored_b, scored_c = sums.scored
    ratio = (scored_c + FIRST_ANSWERS) / (scored_b + FIRST_ANSWERS) if share is None else share / (100 - share)
    total, weight = VARIANCE_ANSWERS * 0.25 * (1 + ratio), float(VARIANCE_ANSWERS)
    for _, baseline, candidate in sums.classes:
        rate_b, rate_c = _rate(baseline), _rate(candidate)
        answers = baseline.scored + candidate.scored
        total += answers * (rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b))
        weight += answers
    return total / weight


def _rate(answers: Answers) -> float:
    return (answers.match + FIRST_RATE * FIRST_ANSWERS) / (answers.scored + FIRST_ANSWERS)


def _squares(answers: Answers, centre: float) -> float:
    """Sum of squared distances of the answers, 1 or 0 each, from the centre."""
    return answers.match * (1 - centre) ** 2 + (answers.scored - answers.match) * centre * centre


def _psi(stake: float) -> float:
    return -log1p(-stake) - stake


def _added(one: Answers, other: Answers) -> Answers:
    return Answers(one.scored + other.scored, one.match + other.match)
