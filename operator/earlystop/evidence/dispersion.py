"""How much more answers of the baseline alone scatter than independent ones would: the least factor for sessions.

It is blind to sessions that are longer than a look. Since version 2 of the engine differences between the arms teach
more (`divisors`), and this is a floor for them.

Answers of one session are alike, so the counts of a look vary more than binomial ones and a test that ignores it
promotes too easily. Before a canary starts, looks of the baseline alone show by how much: for neighbouring looks
with rates p and p' from n and n' answers, `(p - p')^2 / (v (1/n + 1/n'))` with the Bernoulli variance v is 1 on
average when answers are independent. Differences of neighbours are blind to slow drift (von Neumann, 1941).
The factor is their mean, at least 1, and divides the log of every e-value of a look (`exact_match.update`,
`strata.update`, `pairs.update`, `rate_ratio.update`): for clusters that is the design effect of survey sampling (Kish).
It is fixed before the canary, so exactness for independent answers is untouched; for clustered ones the promise
holds as far as the factor was learned, i.e. approximately.
"""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.evidence.bets import Answers

LEAST_PAIRS = 20
"""Pairs of neighbouring looks before a factor is more than noise (its standard error is then about 0.4)."""


@dataclass(frozen=True, slots=True)
class DispersionEstimate:
    """What looks of the baseline alone have shown of their dispersion.

    last: the answers of the latest look, None before any. pairs: how many pairs of neighbouring looks were compared.
    total: the sum of their squared, standardised differences (no unit; each is 1 on average for independent answers).
    """

    last: Answers | None = None
    pairs: int = 0
    total: float = 0.0


def observe(scatter: DispersionEstimate, baseline: Answers) -> DispersionEstimate:
    """The estimate after one more look of the baseline alone. A look without answers changes nothing.

    Neighbours that are all right or all wrong show nothing and are left out, which makes the factor larger.
    Raises ValueError unless 0 <= match <= scored.
    """
    if not 0 <= baseline.match <= baseline.scored:
        raise ValueError(
            f"{baseline.match} exact matches among {baseline.scored} scored answers; write 0 <= match <= scored"
        )
    if baseline.scored == 0:
        return scatter
    last = scatter.last
    if last is None:
        return DispersionEstimate(baseline)
    rate = (last.match + baseline.match) / (last.scored + baseline.scored)
    if rate in (0.0, 1.0):
        return DispersionEstimate(baseline, scatter.pairs, scatter.total)
    difference = baseline.match / baseline.scored - last.match / last.scored
    expected = rate * (1 - rate) * (1 / baseline.scored + 1 / last.scored)
    return DispersionEstimate(baseline, scatter.pairs + 1, scatter.total + difference * difference / expected)


def factor(scatter: DispersionEstimate, least_pairs: int = LEAST_PAIRS) -> float | None:
    """The dispersion factor, at least 1; None while fewer than `least_pairs` neighbours were compared."""
    if scatter.pairs < max(1, least_pairs):
        return None
    return max(1.0, scatter.total / scatter.pairs)
