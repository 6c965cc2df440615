"""What is supposed of settings before a trial: means, how sure they are, and how alike settings near each other are.

Every number here orders trials and enters no certificate. Losses and savings are Gaussian processes over places: a
setting is supposed to lose and save more the bolder it is, by a guess wide enough that a few outcomes overrule it, so
that a curve that turns round is followed. Where history knows a setting, its mean and error take the guess's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, prod, sqrt

from earlystop.rollout.search.trial import Belief, Estimate, SearchTerms, Setting, TrialOutcome

LENGTHS = (0.2, 0.7)
"""Distances between places over which settings are alike, the whole range being 1; both alike probable."""

SPREADS = (0.6, 1.5)
"""What the guess's error may have to be multiplied by, alike probable."""

LEAST_NOISE = 1e-3
"""No estimate is taken to be surer than this part of the guess's error, so that two of one place may disagree."""

LOSS_MARGINS = 2.5
"""Margins that the boldest setting is supposed to lose: who writes what may be tried goes on to where it harms."""

SUPPOSED_SAVING = 0.5
"""Share of tokens that the boldest setting is supposed to save."""

A_STEP_SINCE = 4
"""Version of the arithmetic that supposes the most careful of one parameter's values to save a step's part of that, as
the baseline lies a step before it; earlier ones supposed nothing, and hardly ever tried it."""

SAVING_ERROR = 0.15
"""Standard error of that guess, at every place."""


@dataclass(frozen=True, slots=True)
class Prior:
    """One figure of all settings before any trial: means, and standard errors above 0."""

    mean: tuple[float, ...]
    error: tuple[float, ...]


def loss_prior(settings: Sequence[Setting], terms: SearchTerms, belief: Belief | None) -> Prior:
    """The prior of the Exact Match lost: none at the careful end, more with the square of boldness, up to
    `LOSS_MARGINS` margins at the bold one, give or take half of that."""
    boldness = [_boldness(each) for each in settings]
    guess = [
        Estimate(LOSS_MARGINS * terms.margin * bold**2, terms.margin * (0.5 + (LOSS_MARGINS / 2 - 0.5) * bold))
        for bold in boldness
    ]
    return _with_history(guess, None if belief is None else belief.loss)


def saving_prior(settings: Sequence[Setting], terms: SearchTerms, belief: Belief | None) -> Prior:
    """The prior of the fraction of tokens saved: it grows with boldness, in even steps from the baseline on."""
    parts = [_boldness(each) for each in settings]
    if terms.version >= A_STEP_SINCE and all(len(each.place) == 1 for each in settings):
        parts = [(each * (len(settings) - 1) + 1) / len(settings) for each in parts]
    guess = [Estimate(SUPPOSED_SAVING * each, SAVING_ERROR) for each in parts]
    return _with_history(guess, None if belief is None else belief.saving)


def likeness(a: Setting, b: Setting, lengths: Sequence[float]) -> float:
    """Correlation of two settings, 0..1: a Matérn kernel of order 3/2 for each parameter, multiplied.

    lengths: of each parameter, > 0. Rasmussen, Williams, "Gaussian processes for machine learning" (2006), 4.17.
    """
    scaled = [sqrt(3) * abs(x - y) / length for x, y, length in zip(a.place, b.place, lengths, strict=True)]
    return prod(1 + each for each in scaled) * exp(-sum(scaled))


def noise(seen: Estimate, supposed_error: float) -> float:
    """The variance of an estimate's error, which is supposed to be at least LEAST_NOISE of `supposed_error`."""
    return max(seen.error, LEAST_NOISE * supposed_error) ** 2


def losses(outcomes: Sequence[TrialOutcome]) -> list[tuple[int, Estimate]]:
    """What trials have shown of Exact Match: setting and estimate, where there is one."""
    return [(each.setting, each.loss) for each in outcomes if each.loss is not None]


def savings(outcomes: Sequence[TrialOutcome]) -> list[tuple[int, Estimate]]:
    """What trials have shown of tokens: setting and estimate, where there is one."""
    return [(each.setting, each.saving) for each in outcomes if each.saving is not None]


def _boldness(setting: Setting) -> float:
    return sum(setting.place) / len(setting.place)


def _with_history(guess: Sequence[Estimate], known: Sequence[Estimate | None] | None) -> Prior:
    """The guess, with what history knows in its place. Raises ValueError where history is of other settings."""
    if known is not None and len(known) != len(guess):
        raise ValueError(f"history knows {len(known)} settings and {len(guess)} may be tried; pass one entry for each")
    chosen = [mine or each for each, mine in zip(guess, known or (None,) * len(guess), strict=True)]
    return Prior(tuple(each.mean for each in chosen), tuple(each.error for each in chosen))
