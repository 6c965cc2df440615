"""Answers, failures and requests that come in sessions, at the border.

Sessions may be longer than a look: each arm has a number of them open at once; one that ends makes room for another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import Side
from earlystop.evidence.longest_session import block_for
from earlystop.evidence.multiple_testing import campaign_risk, closed_mean, harm_risks
from tests.bench.dispersion_paths import Counts, Flags, claims, divided, log_e
from tests.bench.statistics_paths import Array

MARGIN, RISK, RATE, ANSWERS, LOOKS = 0.02, 0.05, 0.85, 100, 300

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of so many looks with as many answers in each, alike with an intraclass correlation (0: not at all).

    counted: whether requests are counted as they are split: each session, or each independent request, draws its
    variant by a coin. Else nobody knows how they were split, as in a file of answers alone, and both arms have as many
    in each look. gap: a session asks in one of so many looks, by chance, and there are as many times more of them.
    declared: whether the policy declares how long sessions last at most, so that fewer looks are waited for, or more.
    """

    looks: int
    each: int
    likeness: float
    counted: bool = False
    gap: int = 1
    declared: bool = False

    def __str__(self) -> str:
        how = "requests are counted" if self.counted else "requests are not counted"
        how += ", their length is declared" if self.declared else ""
        if not self.likeness:
            return f"independent answers, {how}"
        answers = f"{self.looks * self.each // self.gap} answers over {self.looks} look{'s' if self.looks > 1 else ''}"
        return f"sessions of {answers}, likeness {self.likeness}, {how}"


KINDS = (
    *(
        Sessions(*kind, counted=counted)
        for kind in (
            (1, 1, 0.0),
            (1, 2, 0.5),
            (1, 5, 0.3),
            (2, 1, 0.5),
            (2, 5, 0.3),
            (5, 1, 0.3),
            (10, 1, 0.3),
            (20, 1, 0.1),
            (20, 1, 0.5),
            (40, 1, 0.05),
        )
        for counted in (False, True)
    ),
    Sessions(20, 1, 0.5, counted=True, gap=4),
)
DECLARED = tuple(
    Sessions(*kind, counted=counted, declared=True)
    for kind in (
        (1, 1, 0.0),
        (1, 5, 0.3),
        (1, 5, 0.5),
        (2, 1, 0.5),
        (2, 5, 0.3),
        (3, 1, 0.5),
        (5, 1, 0.05),
        (5, 1, 0.3),
        (5, 1, 0.5),
        (10, 1, 0.1),
        (10, 1, 0.3),
        (10, 1, 0.5),
        (20, 1, 0.3),
        (40, 1, 0.05),
        (40, 1, 0.3),
    )
    for counted in (False, True)
)
"""Sessions that are just as long as the policy declares that they last at most."""

BEYOND = (
    *(Sessions(40, 1, likeness, counted) for likeness in (0.3, 0.5) for counted in (False, True)),
    Sessions(80, 1, 0.3, counted=True, gap=4),
    Sessions(240, 1, 0.5, counted=True, gap=6),
    Sessions(1000, 1, 0.3, counted=True, gap=8),
)
"""What is learned too late: too long, and too much alike. operator/docs/verdicts.md says how often that errs."""

QUICK = (
    Sessions(1, 1, 0.0, counted=True),
    Sessions(5, 1, 0.3, counted=True),
    Sessions(10, 1, 0.3),
    Sessions(20, 1, 0.5, counted=True, gap=4),
)
QUICK_DECLARED = (Sessions(5, 1, 0.3, declared=True), Sessions(10, 1, 0.5, counted=True, declared=True))
STICKY = Sessions(240, 1, 0.5, counted=True, gap=6)
"""Users who keep a variant and ask seldom: their split looks like one of single requests."""


def known_looks(kind: Sessions) -> int:
    """Looks in the blocks that must be learned."""
    return block_for(kind.looks - 1 if kind.declared else None, 1)


def streams(rng: np.random.Generator, kind: Sessions, runs: int, loss: float = MARGIN) -> Counts:
    """The counts of so many campaigns."""
    if not kind.likeness:
        return _independent(rng, kind, runs, loss)
    number = 2 * ANSWERS * kind.gap // kind.each
    begun = rng.integers(0, kind.looks, (runs, number))
    arm = np.broadcast_to(np.arange(number) % 2, (runs, number))
    rates, strength = np.array([RATE, RATE - loss]), 1 / kind.likeness - 1
    rate, columns = np.zeros((runs, number)), []
    for look in range(LOOKS):
        new = (begun + look) % kind.looks == 0 if look else np.ones((runs, number), dtype=bool)
        if kind.counted:
            arm = np.where(new, rng.integers(0, 2, (runs, number)), arm)
        mean = rates[arm[new]]
        rate[new] = rng.beta(mean * strength, (1 - mean) * strength)
        right = rng.binomial(kind.each, rate)
        asks = rng.random((runs, number)) < 1 / kind.gap if kind.gap > 1 else np.ones((runs, number), dtype=bool)
        right, asked = right * asks, asks.sum(axis=1) * kind.each
        n_c = (arm * asks).sum(axis=1) * kind.each
        x_c = (right * arm).sum(axis=1)
        columns.append((asked - n_c, right.sum(axis=1) - x_c, n_c, x_c))
    return _counts(kind, *(np.array(each, dtype=float).T for each in zip(*columns, strict=True)))


def _independent(rng: np.random.Generator, kind: Sessions, runs: int, loss: float) -> Counts:
    shape = (runs, LOOKS)
    n_c = rng.binomial(2 * ANSWERS, 0.5, shape) if kind.counted else np.full(shape, ANSWERS)
    n_b = 2 * ANSWERS - n_c
    arms = n_b, rng.binomial(n_b, RATE), n_c, rng.binomial(n_c, RATE - loss)
    return _counts(kind, *(np.asarray(each, dtype=float) for each in arms))


def _counts(kind: Sessions, n_b: Array, x_b: Array, n_c: Array, x_c: Array) -> Counts:
    return Counts(n_b, x_b, n_c, x_c, n_b * kind.counted, n_c * kind.counted)


def decided(kind: Sessions, runs: int, seed: int, loss: float = MARGIN) -> dict[Side, Whole]:
    """For each campaign the look, from 1, at which it promotes and rolls back for Exact Match; 0 for never."""
    counts = streams(np.random.default_rng(seed), kind, runs, loss)
    return claims(counts, divided(counts, known_looks(kind), declared=kind.declared), MARGIN, RISK)


def session_errors(kind: Sessions, runs: int, seed: int) -> tuple[float, float]:
    """Shares of campaigns that promote and that roll back a candidate which loses just the margin."""
    found = decided(kind, runs, seed)
    return float((found[Side.PROMOTE] > 0).mean()), float((found[Side.HARM] > 0).mean())


LONGEST = tuple(Sessions(20, 1, likeness, counted=True) for likeness in (0.1, 0.3, 0.5))
"""The longest sessions of the promise, whose factor is learned from the fewest blocks."""

FAMILIES_AT_ONCE = 50


def together_errors(kind: Sessions, candidates: int, runs: int, seed: int) -> tuple[float, float]:
    """Share of families of so many candidates, each of which loses just the margin, in which any is promoted; none is
    about a rollback. Each candidate has a baseline of its own, and savings are taken as proven."""
    wrong = 0
    for first in range(0, runs, FAMILIES_AT_ONCE):
        families = min(FAMILIES_AT_ONCE, runs - first)
        counts = streams(np.random.default_rng([seed, first]), kind, families * candidates)
        by = divided(counts, known_looks(kind), declared=kind.declared)
        shape = families, candidates, -1
        found = log_e(counts, by, MARGIN, Side.PROMOTE).reshape(shape)
        is_known = by.is_known.reshape(shape)
        wrong += sum(_is_any_promoted(*each) for each in zip(found, is_known, strict=True))
    return wrong / runs, 0.0


def _is_any_promoted(found: Array, is_known: Flags) -> bool:
    """Whether a candidate of a family, of shape (candidates, looks), is ever certified while its factor is known."""
    certified = np.zeros(len(found), dtype=bool)
    for look in np.flatnonzero((found >= -np.log(RISK)).any(axis=0)):
        certified |= closed_mean(found[:, look].tolist(), RISK)
        if (certified & is_known[:, look] & (found[:, look] >= -np.log(RISK))).any():
            return True
    return False


def retry_errors(kind: Sessions, campaigns: int, runs: int, seed: int) -> tuple[float, float]:
    """Shares of candidates that are promoted, and rolled back, in any of so many campaigns that share the risks."""
    promoted, rolled_back = np.zeros(runs, dtype=bool), np.zeros(runs, dtype=bool)
    for number in range(1, campaigns + 1):
        counts, risk = (
            streams(np.random.default_rng([seed, number]), kind, runs),
            campaign_risk(RISK, number, campaigns),
        )
        found = claims(counts, divided(counts, known_looks(kind), declared=kind.declared), MARGIN, risk)
        promoted |= found[Side.PROMOTE] > 0
        rolled_back |= found[Side.HARM] > 0
    return float(promoted.mean()), float(rolled_back.mean())


def shared_harm_error(kind: Sessions, classes: int, runs: int, seed: int) -> tuple[float, float]:
    """Share of campaigns that roll back for Exact Match or for any of so many query classes of a sample of their own,
    each of which keeps just the margin; Exact Match has half of the risk, and they share the rest."""
    rolled_back = np.zeros(runs, dtype=bool)
    risks = harm_risks(RISK, range(classes))
    for number, risk in enumerate((risks.exact_match, *risks.guardrails.values())):
        counts = streams(np.random.default_rng([seed, number]), kind, runs)
        by = divided(counts, known_looks(kind), declared=kind.declared)
        rolled_back |= (log_e(counts, by, MARGIN, Side.HARM) >= -np.log(risk)).any(axis=1)
    return 0.0, float(rolled_back.mean())
