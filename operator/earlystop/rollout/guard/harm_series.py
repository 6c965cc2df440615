"""Counts of one claim over time, and the moment at which a harm that is taken for a sudden one began in them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from earlystop.rollout.guard.culprit import Evidence, error_of_gap, harm_of
from earlystop.rollout.guard.spans import NO_RATES, Rates, Spans, total

TIMES_AS_MUCH = 3
"""So many times as many answers as since the harm began are looked back on: what is older says less of the usual."""
PLAUSIBLE = 2.0
"""Natural log of how much less likely than the likeliest moment one may be at which the harm began (a likelihood set
of 95 %)."""


class Series(NamedTuple):
    """Counts of one claim over time. spans: since the guard began, the oldest first. until: moment of the last look.
    trial: of the whole trial before, without counts where it was of another setting."""

    spans: Spans
    until: int
    trial: Rates


class Split(NamedTuple):
    """A moment at which harm may have begun.

    first: number of the first span after it. before, after: counts to compare. support: natural log of the likelihood
    ratio for it, 0 where nothing speaks for harm.
    """

    first: int
    before: Rates
    after: Rates
    support: float


def with_sudden_begin(evidence: Evidence, series: Series) -> Evidence:
    """The evidence with the moment at which a sudden harm is most likely to have begun, and counts before it and
    since."""
    splits = [_split(evidence, series, index) for index in range(len(series.spans))]
    if not splits:
        return evidence
    best = max(splits, key=lambda each: each.support)
    near = [each.first for each in splits if each.support >= best.support - PLAUSIBLE]
    begins = [*(each.begin for each in series.spans), series.until]
    return replace(
        evidence,
        # Within a trial, or between it and the guard, harm may have begun with anything that changed since.
        earliest=begins[near[0] - 1] if near[0] else 0,
        onset=begins[best.first],
        latest=begins[near[-1] + 1],
        before=best.before,
        after=best.after,
    )


def _split(evidence: Evidence, series: Series, index: int) -> Split:
    after = total([each.rates for each in series.spans[index:]])
    before = counts_before(series, index, after)
    compared = replace(evidence, before=before, after=after)
    if not all((before.baseline, before.candidate, after.baseline, after.candidate)):
        return Split(index, before, after, 0.0)
    harm = harm_of(compared)
    error = error_of_gap(before, after, evidence.factor)
    return Split(index, before, after, (harm / error) ** 2 / 2 if harm > 0 else 0.0)


def counts_before(series: Series, index: int, after: Rates) -> Rates:
    """The guard's own time before a moment, as far back as is worth it; the trial where that holds more."""
    found = NO_RATES
    for each in reversed(series.spans[:index]):
        if found.baseline >= TIMES_AS_MUCH * after.baseline:
            break
        found = found.plus(each.rates)
    return series.trial if found.baseline < min(after.baseline, series.trial.baseline) else found
