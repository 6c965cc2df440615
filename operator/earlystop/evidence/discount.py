"""How evidence is read where events scatter more than independent ones: divided by a factor, all of it at once.

Why that is sound for independent events. A claim is made when the mixture of capitals, each to the power 1/factor,
reaches 1/risk. By Jensen's inequality the mixture of the powers is at most the power of the mixture, so the mixture
itself has then reached at least 1/risk, whatever the factor is, at whichever look it was learned, and from whichever
looks: with a factor of at least 1 no claim is made that would not be made without. So the factor may be learned from
the same looks, and what was gathered before it was known counts by what is known now.

Where events are not independent, a claim is as good as the factor it was read with, and later looks may teach a larger
one, or that none is known. So no claim outlives its factor: one that was learned is read anew after each look.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Discount(NamedTuple):
    """By how much gathered evidence is divided.

    factor: >= 1, for all looks so far. is_known: False while the factor is a guess, by which nothing is proven.
    is_learned: whether looks or users teach the factor, so that later ones may teach another.
    """

    factor: float = 1.0
    is_known: bool = True
    is_learned: bool = False

    def largest(self, before: float, log_e: float) -> float:
        """The largest log e-value that is proven, >= 0, after one more; before: the one so far."""
        if not self.is_known:
            return 0.0
        return max(0.0 if self.is_learned else before, log_e)

    def read(self, log_capital: list[float] | tuple[float, ...]) -> list[float] | tuple[float, ...]:
        """The logarithms of capital, as they count."""
        return log_capital if self.factor == 1.0 else [capital / self.factor for capital in log_capital]


UNDIVIDED = Discount()


class EProcess(Protocol):
    """A process of which a claim is read."""

    @property
    def log_e(self) -> float:
        """Natural log of the e-value now."""

    @property
    def log_e_max(self) -> float:
        """The largest that is proven, >= 0."""


def said(process: EProcess) -> float:
    """What a harm is read from: the largest that is proven, or what is said now, while the factor is a guess."""
    return max(process.log_e_max, process.log_e)
