"""How evidence is read where events scatter more than independent ones: divided by a factor, all of it at once.

Why that is sound for independent events. A claim is made when the mixture of capitals, each to the power 1/factor,
reaches 1/risk. By Jensen's inequality the mixture of the powers is at most the power of the mixture, so the mixture
itself has then reached at least 1/risk, whatever the factor is, at whichever look it was learned, and from whichever
looks: with a factor of at least 1 no claim is made that would not be made without. So the factor may be learned from
the same looks, and what was gathered before it was known counts by what is known now.

Where events are not independent, a claim is as good as the factor it was read with, and later looks may teach a larger
one, or that none is known. So no claim outlives its factor: one that was learned is read anew after each look.

A factor that was learned is an estimate, from a number of degrees of freedom n (`scatter`), and an estimate is now and
then too small by much. At a risk of `CALIBRATED_RISK` its upper bound allows for that; a claim at a small part of a
risk, as of one of many candidates, lies far out in the tail, where it does not. So evidence L beyond
L0 = log(1 / CALIBRATED_RISK) counts as Student's law has it, since version 5 of the engine:

    L0 + n/2 log((n/2 + L) / (n/2 + L0)),    which is L where n is infinite, and never more than L.

Why. Let the sum that a claim is read from be normal, and let the factor be a mean square of n degrees of freedom that
is independent of it, as the sum and the differences of blocks are (Fisher, 1925). Then L = t^2 / 2, with t of Student's
law. Its tail S(x) = P(t > x) and density f satisfy S(x) < f(x) (n + x^2) / (n x) for x > 0: the right side less S(x)
vanishes far out, and its derivative is -f(x) / x^2. Hence S(x) (1 + x^2 / n)^(n/2) falls, and

    P(L >= l) <= P(L >= L0) ((n + 2 l) / (n + 2 L0))^(-n/2)    for l >= L0.

The reading above reaches log(1 / r) where the last factor is r / CALIBRATED_RISK. So a claim at a risk r below is wrong
at most r / CALIBRATED_RISK times as often as one at CALIBRATED_RISK, at any one look: risks that are shared stay within
the whole wherever the whole is kept. Over all looks together it is measured (`make bench-street`).
"""

from __future__ import annotations

from math import exp, inf, log
from typing import NamedTuple, Protocol

CALIBRATED_RISK = 0.05
"""The risk at which the upper bounds of factors that are learned keep their promise (`scatter.BOUND_QUANTILE`)."""

FULL_LOG_E = -log(CALIBRATED_RISK)
"""Evidence up to here counts in full."""

GUESS_FREEDOM = 16.0
"""Degrees of freedom of a factor that is a guess: with fewer, harm that is plain acts later, and with more, sessions of
the largest likeness roll back too often at small risks (`make bench-street`)."""

LEAST_RISK, LARGEST_EXPONENT = 1e-300, 700.0
"""Beyond these, floats end."""


class Discount(NamedTuple):
    """By how much gathered evidence is divided.

    factor: >= 1, for all looks so far. is_known: False while the factor is a guess, by which nothing is proven.
    is_learned: whether looks or users teach the factor, so that later ones may teach another. freedom: degrees of
    freedom > 0 of the factor, infinite where it is no estimate.
    """

    factor: float = 1.0
    is_known: bool = True
    is_learned: bool = False
    freedom: float = inf

    def largest(self, before: float, log_e: float) -> float:
        """The largest log e-value that is proven, >= 0, after one more; before: the one so far."""
        if not self.is_known:
            return 0.0
        return max(0.0 if self.is_learned else before, log_e)

    def read(self, log_capital: list[float] | tuple[float, ...]) -> list[float] | tuple[float, ...]:
        """The logarithms of capital, divided by the factor."""
        return log_capital if self.factor == 1.0 else [capital / self.factor for capital in log_capital]

    def log_e(self, divided: float) -> float:
        """The log e-value that counts, of one that was read with the factor."""
        if divided <= FULL_LOG_E or self.freedom == inf:
            return divided
        half = self.freedom / 2
        return FULL_LOG_E + half * log((half + divided) / (half + FULL_LOG_E))

    def needed(self, log_e: float) -> float:
        """What must be read with the factor so that so much counts: the inverse of `log_e`."""
        if log_e <= FULL_LOG_E or self.freedom == inf:
            return log_e
        half = self.freedom / 2
        return (half + FULL_LOG_E) * exp(min((log_e - FULL_LOG_E) / half, LARGEST_EXPONENT)) - half

    def risk(self, risk: float) -> float:
        """The risk at which an interval that is read with the factor has the claims of `risk` as its dual."""
        if risk >= CALIBRATED_RISK or self.freedom == inf:
            return risk
        return max(exp(-self.needed(-log(risk))), LEAST_RISK)


UNDIVIDED = Discount()


class EProcess(Protocol):
    """A process of which a claim is read."""

    @property
    def log_e(self) -> float:
        """Natural log of the e-value now."""

    @property
    def log_e_max(self) -> float:
        """The largest log e-value so far that counts as proven, >= 0."""


def said(process: EProcess) -> float:
    """What a harm is read from: the largest that is proven, or what is said now, while the factor is a guess."""
    return max(process.log_e_max, process.log_e)
