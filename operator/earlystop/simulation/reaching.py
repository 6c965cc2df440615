"""Whether one more look reaches the line of a claim in rollouts of a forecast: at its end, or on the way where the look
is bet on in parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import NEAR, YOUNG_ANSWERS
from earlystop.simulation.paths import Paths, Truths
from earlystop.simulation.random_walk import Floats, log_mixture
from earlystop.simulation.supposed_dispersion import SupposedDispersion
from earlystop.simulation.watched_stages import Claim

DISCRETE = 0.5826
"""How far a walk that is looked at in steps overshoots a line, in standard deviations of a step (Siegmund, 1985)."""

SLACK = 1e-9
"""More than what rounding does to a mixture, in nats."""


class DrawnLook(NamedTuple):
    """What a look brought, one number for each rollout.

    seconds: how long answers have come since the look before. surplus: by how many right answers, weighed as the walk
    of a claim takes them, each query class has moved, a column each; together: the sum of these. class_variance,
    variance: of one class's surplus and of the sum. parts: in how many the look is bet on. least: by which evidence is
    divided at least. is_known: whether a promotion may rest on what is known of how answers scatter.
    """

    seconds: Floats
    surplus: Floats
    together: Floats
    class_variance: Floats
    variance: Floats
    parts: Floats
    least: Floats
    is_known: Truths

    def of(self, stratum: int | None) -> tuple[Floats, Floats]:
        """The surplus and its variance, of one query class or, for None, of all requests."""
        if stratum is None:
            return self.together, self.variance
        return self.surplus[:, stratum], self.class_variance


def reaching(
    claim: Claim, paths: Paths, index: int, drawn: DrawnLook, dispersion: SupposedDispersion, random: Generator
) -> Truths:
    """Move the simulated bets of a claim, whose number is `index`, and say in which rollouts its line was reached. A
    promotion's counts only where it is known how answers scatter.

    A mixture is never more than its largest bet, so most rollouts are known to be far from the line without it.
    """
    capital, walk = paths.capital[index], claim.walk
    # Where all rollouts are in one step, its column is enough for them.
    columns = paths.step[:1] if (paths.step == paths.step[:1]).all() else paths.step
    drift, stake = (np.take(each, columns, axis=1) for each in (walk.drift, walk.stake))
    surplus, variance = drawn.of(claim.stratum)
    moved = capital + drift * drawn.seconds
    moved += stake * surplus
    paths.capital[index] = moved
    chance, needed = random.random(len(drawn.seconds)), dispersion.needed(claim.line, paths.looks)
    is_young = paths.answers < YOUNG_ANSWERS
    was_near, is_there = (
        np.maximum(each.max(axis=0), 0) / drawn.least >= needed - room
        for each, room in ((capital, NEAR + SLACK), (moved, SLACK))
    )
    counts = drawn.is_known if claim.side is Side.PROMOTE else np.ones(len(chance), bool)
    rows = np.flatnonzero(counts & ~paths.reached[index] & (is_young | was_near | is_there))
    reached = np.zeros(len(chance), bool)
    if not len(rows):
        return reached
    needed, parts = needed[rows], drawn.parts[rows]
    factor, _ = dispersion.after(paths.looks[rows], paths.number[rows])
    before, _ = log_mixture(capital[:, rows] / factor, walk.log_weights)
    after, chances = log_mixture(moved[:, rows] / factor, walk.log_weights)
    spread = (
        np.abs((chances * (stake if len(columns) == 1 else stake[:, rows])).sum(axis=0))
        * np.sqrt(variance[rows])
        / factor
    )
    is_fine = is_young[rows] | (before >= needed - NEAR)
    line = needed + DISCRETE * spread / np.sqrt(np.maximum(parts, 1))
    below = np.maximum(line - before, 0) * np.maximum(line - after, 0)
    passing = np.exp(-2 * below / np.maximum(spread, 1e-12) ** 2)
    reached[rows] = (after >= needed) | (is_fine & (parts >= 2) & (chance[rows] < passing))
    return reached
