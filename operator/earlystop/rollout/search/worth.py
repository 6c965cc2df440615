"""What a trial is worth: saving that it may bring over the horizon, minus requests that it takes.

Answers carry information `requests / noise`, and a claim needs `log(1 / risk)` and a price for not knowing the gap, so
a trial of a setting whose loss is `gap` below the margin takes `2 noise (log(1 / risk) + PRICE) / gap^2` requests of
both variants (`simulation.planning` has the same formula in detail). What is close to the margin is expensive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, pi, sqrt

from earlystop.api.percent import rounded_percent
from earlystop.rollout.search.trial import Estimate, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome

PRICE = 0.75
"""Nats that it costs to spread bets over gaps that are not known."""

NOISE = 0.64
"""Variance of the estimated loss times requests, before any trial: two variants of an Exact Match of 0.8, half each."""

NEAR_MARGIN = 0.25
"""A setting this close to the margin, as a part of it, is not worth distinguishing from one beyond."""

LEAST_COST = 0.01
"""What a request in a trial costs at least, as a part of the baseline's tokens."""

LEAST_LOOKS = 20
"""No trial ends as inconclusive before so many looks."""

GIVES_UP_BELOW, GIVEN_UP_SCORE = 0.02, 2.0537
"""A trial ends where its probability to end in a certificate is smaller; a standard normal variable exceeds this score
with that probability."""

LEAST_PART = 0.1
"""No trial is given up before this part of its requests: estimates are too wild before, and little is spent."""

MOST_TIMES = 2
"""A trial that has come far goes on to so many times the requests that it was proposed for."""

GOES_ON_ABOVE = 1 / 3
"""A trial that has had its requests goes on where its probability to end in a certificate is at least this."""

PART_OF_HORIZON, NEAREST_TO_MARGIN = 1 / 20, 0.125
"""A trial of a setting close to the margin may take this part of the horizon, unless it is closer than this part of the
margin, which no horizon is long enough for."""

DELAYS_SINCE = 3
"""Version of the arithmetic that reckons with what a trial puts off, with trials that are given up, and with the part
of the horizon that a trial may take in any case."""

LIKELIEST_SINCE = 4
"""Version of the arithmetic that spends the last failure, while nothing is certified, on the setting that is likeliest
to hold."""

FORESIGHT_SINCE = 6
"""Version of the arithmetic that spends it on the one likeliest to keep the margin, that reckons, before the last
failure of a search with an incumbent, with what may follow a success, and that counts what a setting may save beyond
its mean where it is as good as sure to hold and trials go on finding more."""

AS_GOOD_AS_SURE = 0.97
"""Probability to hold from which a trial can hardly fail, so that it is worth what it may find."""

FOUND_NO_MORE = 2
"""After so many certificates that save no more than an earlier one, settings count with what they are expected to save
alone: where all save alike, each of 200 would be tried otherwise, since over a long horizon the least chance to find
more is worth a trial."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What to expect of a trial.

    holds: probability that the setting keeps both the margin and the saving asked for. keeps: that it keeps the margin.
    saving: share of tokens that it is supposed to save. requests: after which it ends as inconclusive. gain: in answers
    of the baseline, whose tokens are saved over the horizon beyond what is saved already, minus those that the trial
    costs. value: the gain less what other settings would bring that a failure keeps from being tried.
    """

    holds: float
    keeps: float
    saving: float
    requests: int
    gain: float
    value: float


def certified_saving(outcomes: Sequence[TrialOutcome]) -> float:
    """Share of tokens that the best certified setting saves, 0 before the first."""
    return max((_mean(each.saving) for each in outcomes if each.end is TrialEnd.CERTIFIED), default=0.0)


def noise(outcomes: Sequence[TrialOutcome]) -> float:
    """Variance of the estimated loss times requests, as the longest trial has it."""
    known = [(each.requests, each.loss.error) for each in outcomes if each.loss is not None and each.requests > 0]
    if not known:
        return NOISE
    requests, error = max(known)
    return requests * error * error


def worths(
    losses: Sequence[Estimate],
    savings: Sequence[Estimate],
    outcomes: Sequence[TrialOutcome],
    terms: SearchTerms,
    risk: float,
    among: Collection[int] | None = None,
) -> tuple[Worth, ...]:
    """What a trial of each setting is worth at this risk. among: settings whose trials it puts off or keeps from being
    made; None: all.

    A request in a trial costs what users lose by it: some of them are the baseline's, which save nothing, and the
    others save what the setting does, where the best certified one would have saved its part with each. It also puts
    off what the best of the other settings is expected to bring. A trial that fails uses up one of those that may fail,
    and with it that part of what the best of the others can bring.

    A trial goes on for as long as what it may bring is worth its requests, but not to tell a setting from the margin
    that lies within `NEAR_MARGIN` of it, unless `PART_OF_HORIZON` suffices; one of a setting that fails ends once that
    is likely enough (`_until_given_up`). No certificate comes before looks have taught how much answers scatter, so a
    trial of a setting that holds takes as many requests, and none ends before.
    """
    keeping = [chance_below(loss, terms.margin) for loss in losses]
    holding = [
        keeps * chance_below(Estimate(-saving.mean, saving.error), -terms.minimum_saving)
        for keeps, saving in zip(keeping, savings, strict=True)
    ]
    now, spread, nats = certified_saving(outcomes), noise(outcomes), log(1 / risk) + PRICE
    tried = {each.setting for each in outcomes}
    may_find_more = terms.version >= FORESIGHT_SINCE and _may_find_more(outcomes)
    gains = [
        chance
        * (_improvement(now, saving) if may_find_more and chance >= AS_GOOD_AS_SURE else saving.mean - now)
        * terms.horizon
        for chance, saving in zip(holding, savings, strict=True)
    ]
    others = (index for index in range(len(gains)) if index not in tried and (among is None or index in among))
    untried = sorted((max(0.0, gains[index]) for index in others), reverse=True)
    hopes = [*untried, 0.0, 0.0]
    may_fail = max(1, terms.failure_budget - sum(each.end is not TrialEnd.CERTIFIED for each in outcomes))
    longest = _longest(terms, 2 * spread * nats / terms.margin**2)
    found = []
    for keeps, chance, loss, saving, gain in zip(keeping, holding, losses, savings, gains, strict=True):
        other = hopes[1] if gain >= hopes[0] else hopes[0]
        cost = max(_lost_by_a_request(terms, now, saving.mean, hopes[0], other), LEAST_COST)
        most = max(round(float(f"{min(longest, max(gain, 0.0) / cost):.2g}")), least_requests(terms))
        most = most if terms.requests is None else min(most, terms.requests)
        needed = max(2 * spread * nats / _gap(loss, terms.margin) ** 2, terms.requests_awaited)
        until_harm = 2 * spread * nats / _gap(_mirrored(loss, terms.margin), terms.margin) ** 2
        until_end = min(most, _until_given_up(most, nats) if terms.version >= DELAYS_SINCE else most)
        taken = chance * min(needed, most) + (1 - chance) * min(until_harm, until_end)
        forgone = (1 - chance) * other / may_fail
        expected = min(1.0, most / needed) * gain
        brings = expected - cost * taken
        found.append(Worth(chance, keeps, saving.mean, most, brings, brings - forgone))
    return tuple(found)


def _may_find_more(outcomes: Sequence[TrialOutcome]) -> bool:
    """Whether something is certified, and fewer than `FOUND_NO_MORE` certificates followed the one that saves most."""
    savings = [_mean(each.saving) for each in outcomes if each.end is TrialEnd.CERTIFIED]
    most = max(savings, default=0.0)
    return most > 0 and len(savings) - 1 - savings.index(most) < FOUND_NO_MORE


def _improvement(now: float, saving: Estimate) -> float:
    """What a setting that holds is expected to save beyond what is saved now, as a part of the tokens.

    One that saves less than the incumbent takes nothing away, as the incumbent goes on. That counts where the trial can
    hardly fail (expected improvement: Jones, Schonlau, Welch, Journal of Global Optimization 13, 1998); elsewhere bold
    settings, of whose savings little is known, would be tried at the price of failures.
    """
    beyond = saving.mean - now
    score = beyond / saving.error
    return beyond * _probability(score) + saving.error * _density(score)


def _longest(terms: SearchTerms, at_margin: float) -> float:
    """How many requests a trial may take at most. at_margin: requests that it takes to tell a setting that lies a whole
    margin from it."""
    longest = at_margin / NEAR_MARGIN**2
    if terms.version < DELAYS_SINCE:
        return longest
    return min(max(longest, PART_OF_HORIZON * terms.horizon), at_margin / NEAREST_TO_MARGIN**2)


def _lost_by_a_request(terms: SearchTerms, now: float, saving: float, best: float, other: float) -> float:
    """What users lose by a request in a trial, as a part of the baseline's tokens.

    now: share that is saved already. saving: of the setting. best, other: what the best trial, and the best one of
    another setting, are expected to bring over the horizon. Each version of the arithmetic stays as it was, since
    verdicts of its trials are recomputed.
    """
    if terms.version == 1:
        return (now + best / terms.horizon) / 2
    if terms.version < DELAYS_SINCE:
        return now - saving / 2
    return now + other / terms.horizon - saving * terms.candidate_part


def least_requests(terms: SearchTerms) -> int:
    """Requests of both variants before which no trial ends as inconclusive."""
    return max(LEAST_LOOKS * terms.per_look, terms.requests_awaited)


def proposal(
    settings: Sequence[Setting],
    worths: Sequence[Worth],
    open_ones: Sequence[int],
    risk: float,
    outcomes: Sequence[TrialOutcome],
    terms: SearchTerms,
) -> Proposal | None:
    """The trial that is worth most, None where none is worth its requests. open_ones: settings that may be tried now;
    of equals the first is chosen.

    Values are compared in whole answers, probabilities in hundredths, and requests have two digits: a verdict is
    recomputed on other machines, whose last digits differ.
    """
    best = _chosen(worths, open_ones, outcomes, terms)
    if best is None:
        return None
    expected, now = worths[best], certified_saving(outcomes)
    reason = (
        f"{settings[best].name} holds with a probability of {rounded_percent(expected.holds)} and may save "
        f"{rounded_percent(expected.saving)} of the tokens, where {rounded_percent(now)} are saved now"
    )
    return Proposal(best, risk, expected.requests, reason)


def _chosen(
    worths: Sequence[Worth], open_ones: Sequence[int], outcomes: Sequence[TrialOutcome], terms: SearchTerms
) -> int | None:
    """The setting to try.

    While nothing is certified, the last trial that may fail is of the setting that is likeliest to keep the margin,
    among those that are expected to bring more than they cost: a certificate spends nothing, so what is bolder can be
    tried after it, and after a failure nothing can. Beside an incumbent it is worth what may follow its success too,
    which puts a careful setting before a bold one.
    """
    ends = [each.end for each in outcomes]
    failures = sum(end is not TrialEnd.CERTIFIED for end in ends)
    is_last = terms.version >= LIKELIEST_SINCE and 0 < failures == terms.failure_budget - 1
    has_foresight = terms.version >= FORESIGHT_SINCE
    if is_last and failures == len(ends):
        gaining = [index for index in open_ones if round(worths[index].gain) > 0]
        likely = {index: worths[index].keeps if has_foresight else worths[index].holds for index in gaining}
        return max(gaining, key=lambda index: round(likely[index], 2), default=None)
    valuable = [index for index in open_ones if round(worths[index].value) > 0]
    if is_last and has_foresight:
        return max(valuable, key=lambda index: round(_with_the_next(worths, valuable, index, terms)), default=None)
    return max(valuable, key=lambda index: round(worths[index].value), default=None)


def _with_the_next(worths: Sequence[Worth], valuable: Sequence[int], index: int, terms: SearchTerms) -> float:
    """What a trial brings with the best one that can follow its success, in answers of the baseline."""
    first = worths[index]
    following = (worths[each].holds * (worths[each].saving - first.saving) for each in valuable if each != index)
    return first.gain + first.holds * max(0.0, max(following, default=0.0)) * terms.horizon


def is_used_up(terms: SearchTerms) -> bool:
    """Whether the requests that are left are fewer than a look has."""
    return terms.requests is not None and terms.requests < terms.per_look


def check_outcomes(settings: Sequence[Setting], outcomes: Sequence[TrialOutcome]) -> None:
    """Raise ValueError where an outcome is of a setting that is not among those searched."""
    unknown = [each.setting for each in outcomes if not 0 <= each.setting < len(settings)]
    if unknown:
        raise ValueError(f"outcomes are of settings {unknown}, and {len(settings)} may be tried; pass all settings")


def chance_to_prove(gap: Estimate, used: int, most: int, nats: float) -> float:
    """Probability that a claim whose estimate is `gap` after `used` requests has so many nats of evidence after `most`.

    gap: how far the estimate is on the right side, with its standard error. used: > 0. The variance of the estimate
    times requests stays the same, `noise`; with what is seen and no prior, the estimate at the end is normal around
    `gap` with the variance `noise (1 / used - 1 / most)`, and it must be `sqrt(2 noise nats / most)` (predictive power:
    Spiegelhalter, Freedman, Blackburn, Controlled Clinical Trials 7, 1986).
    """
    if used >= most:
        return 0.0
    noise_here = used * gap.error**2
    needed = sqrt(2 * noise_here * nats / most)
    return _probability((gap.mean - needed) / sqrt(noise_here * (1 / used - 1 / most)))


def _until_given_up(requests: int, nats: float) -> float:
    """Requests after which a trial of a setting at the margin itself is given up, if its estimate is right: where
    `chance_to_prove` with a gap of 0 falls to `GIVES_UP_BELOW`."""
    return max(LEAST_PART, MOST_TIMES / (1 + 2 * nats / GIVEN_UP_SCORE**2)) * requests


def _gap(loss: Estimate, margin: float) -> float:
    """Mean distance of a loss from the margin, should it lie below."""
    distance = margin - loss.mean
    score = distance / loss.error
    # The mean of a normal variable above 0; far below it that is nearly error / -score.
    chance = _probability(score)
    return distance + loss.error * _density(score) / chance if chance > 1e-12 else loss.error / max(-score, 1.0)


def _mirrored(loss: Estimate, margin: float) -> Estimate:
    """The loss on the other side of the margin."""
    return Estimate(2 * margin - loss.mean, loss.error)


def chance_below(estimate: Estimate, bound: float) -> float:
    """Probability that what is estimated lies below a bound."""
    return _probability((bound - estimate.mean) / estimate.error)


def _probability(score: float) -> float:
    """Standard normal distribution function; `statistics.NormalDist` gives the same and takes twice as long."""
    return erfc(-score / sqrt(2)) / 2


def _density(score: float) -> float:
    """Standard normal density."""
    return exp(-score * score / 2) / sqrt(2 * pi)


def _mean(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.mean
