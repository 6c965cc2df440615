"""How many requests until a verdict on Exact Match at one split, by formula; a whole ramp is played (`forecast`).

Answers carry information `requests / noise`, with noise `p_c (1-p_c) / share + p_b (1-p_b) / (1-share)`. When the true
gap is g, log capital rises by about g^2 / 2 for a unit of information, with variance g^2, and the claim is made at
`nats = log(1/risk) + price`, where the price is what spreading bets over unknown gaps costs (`PRICES`, measured).
The time until a random walk with that drift reaches a level is inverse Gaussian (Wald), which gives mean
and quantiles; for gaps above the margin times scatter less than that, so quantiles lie closer to the mean.
`fixed_sample_size` is what a test without looks would need (Blackwelder, 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, log2, sqrt
from statistics import NormalDist

from earlystop.evidence.bets import Side, check_margin
from earlystop.evidence.normal_mixture import log_cdf

PRICES = (
    (-1.5, 1.05),
    (-1.0, 0.75),
    (-0.5, 0.47),
    (0.0, 0.4),
    (0.5, 0.58),
    (1.0, 0.98),
    (1.5, 1.45),
    (2.0, 2.0),
    (3.0, 3.1),
)
"""(log2 of gap / margin, nats): price of not knowing the gap, for the default grids; between points on a line.

From simulated looks of 200 requests, both sides at an even split; coarser looks add half a look.
"""

NORMAL = NormalDist()
"""Not scipy.special's functions: they give the same, and take twice as long to load as `plan` takes in all."""

SENSIBLE = 2.0
"""A rollout longer than this many times the mean is more likely to be about another gap than about bad luck."""


def ensure_rates(baseline_rate: float, loss: float) -> None:
    """Raise ValueError unless a baseline's rate, and that minus the loss, are rates."""
    if not (0 <= baseline_rate <= 1 and 0 <= baseline_rate - loss <= 1):
        raise ValueError(
            f"A baseline with EM {baseline_rate:g} and a loss of {loss:g} leave {baseline_rate - loss:g} for the "
            "candidate; write an EM and a loss that leave 0 to 1"
        )


def ensure_room_for_pairs(baseline_rate: float, loss: float, discordance: float) -> None:
    """Raise ValueError where the rates of both variants leave no room for as many pairs that differ."""
    most = 2 * min(baseline_rate - loss / 2, 1 - baseline_rate + loss / 2)
    if discordance > most + 2e-9:
        raise ValueError(
            f"A baseline with EM {baseline_rate:g} and a loss of {loss:g} leave {most:g} for pairs that just one "
            f"variant answers right; write a discordance of at most that, not {discordance:g}"
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be shown, and what is supposed to be true.

    baseline_rate: EM of the baseline, 0..1; difference: supposed EM candidate - baseline; margin: tolerated
    loss, 0 < margin < 1; risk: of a false claim, 0 < risk < 1. discordance: where pairs are compared, the share of them
    that just one variant answers right, at least the difference; requests are then pairs, at any split. dispersion:
    how much more answers scatter than independent ones, at least 1. Raises
    ValueError outside these domains, or when the supposed difference is on the wrong side of the claim, where no
    number of requests leads to a verdict.
    """

    baseline_rate: float
    difference: float
    margin: float
    risk: float = 0.05
    side: Side = Side.PROMOTE
    discordance: float | None = None
    dispersion: float = 1.0

    def __post_init__(self) -> None:
        check_margin(self.margin)
        ensure_rates(self.baseline_rate, -self.difference)
        if not 0 < self.risk < 1:
            raise ValueError(f"risk is {self.risk}; write a probability, as in 0.05")
        if self.discordance is not None and not abs(self.difference) <= self.discordance <= 1:
            raise ValueError(f"discordance is {self.discordance}; write at least the difference, and at most 1")
        if not self.gap > 0:
            above = "above" if self.side is Side.PROMOTE else "below"
            raise ValueError(f"difference {self.difference} can never be proven; write one {above} {-self.margin}")

    @property
    def gap(self) -> float:
        """Distance of the supposed difference from the edge of the null hypothesis."""
        return self.side * (self.difference + self.margin)

    @property
    def nats(self) -> float:
        """Level that log capital on the true gap has to reach."""
        return -log(self.risk) + _price(log2(self.gap / self.margin))

    def noise(self, share: float) -> float:
        """Variance of the estimated difference times the number of requests.

        share: the candidate's part of traffic, 0 < share < 1. Raises ValueError outside it.
        """
        if not 0 < share < 1:
            raise ValueError(f"share is {share}; write the candidate's part of traffic, as in 0.25")
        if self.discordance is not None:
            return self.dispersion * (self.discordance - self.difference**2)
        candidate = self.baseline_rate + self.difference
        own, other = candidate * (1 - candidate), self.baseline_rate * (1 - self.baseline_rate)
        return self.dispersion * (own / share + other / (1 - share))


@dataclass(frozen=True, slots=True)
class Forecast:
    """Routed and scored requests of both arms until the verdict: mean, median, 90 % quantile, sensible maximum."""

    mean: float
    median: float
    ninety: float
    longest: float


def fixed_sample_size(question: Question, share: float, power: float = 0.9) -> float:
    """N*: requests of both arms that one look at the end would need for `power`, 0 < power < 1."""
    quantiles = NORMAL.inv_cdf(1 - question.risk) + NORMAL.inv_cdf(power)
    return quantiles**2 * question.noise(share) / question.gap**2


def forecast(question: Question, share: float) -> Forecast:
    """Requests until the verdict at a constant split."""
    mean = _mean_information(question) * question.noise(share)
    return Forecast(mean, mean * _quantile(0.5, question.nats), mean * _quantile(0.9, question.nats), SENSIBLE * mean)


def _mean_information(question: Question) -> float:
    return 2 * question.nats / question.gap**2


def _price(octaves: float) -> float:
    """Price at log2(gap / margin), on the line between measured points and constant beyond the first and last."""
    if octaves <= PRICES[0][0]:
        return PRICES[0][1]
    for (left, low), (right, high) in pairwise(PRICES):
        if octaves <= right:
            return low + (high - low) * (octaves - left) / (right - left)
    return PRICES[-1][1]


def _passed(times_mean: float, nats: float) -> float:
    """Inverse Gaussian distribution function with mean 1 and shape nats / 2."""
    if times_mean <= 0:
        return 0.0
    root = sqrt(nats / 2 / times_mean)
    # The reflected term is e^nats times a far tail: their logarithms are added, since either factor may leave floats.
    reflected = exp(nats + log_cdf(-root * (times_mean + 1)))
    return min(1.0, NORMAL.cdf(root * (times_mean - 1)) + reflected)


def _quantile(probability: float, nats: float) -> float:
    if not 0 < probability < 1:
        raise ValueError(f"quantile is {probability}; write a probability, as in 0.9")
    low, high = 0.0, 1.0
    while _passed(high, nats) < probability:
        high *= 2
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _passed(middle, nats) < probability else (low, middle)
    return high
