"""Made-up traffic: requests, their answers and pairs, as a random stream with a known truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from earlystop.api.counts import ClassAnswers, Pairs, Tally, UserScatter
from earlystop.rollout.state import Totals
from earlystop.simulation.planning import ensure_rates, ensure_room_for_pairs

Lengths = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SyntheticTraffic:
    """The traffic that a policy meets, and the truth about its candidate.

    rate: requests a second, > 0. baseline_em: 0..1. em_loss: baseline's EM minus the candidate's, so that both lie in
    0..1. mean_tokens: of the baseline, > 0; spread: standard deviation over mean of both, >= 0. saving: share of
    tokens that the candidate saves, < 1. Query classes share the requests evenly, each with this EM and loss.
    discordance: share of the questions that just one variant answers right, at least the loss, where EM is read from
    pairs: then one pair comes with each request, as an evaluator asks at a rate of its own. baseline_missing,
    candidate_missing: share of the answers to such questions that fail or cannot be scored, whatever the other variant
    answers, >= 0 and below 1; a question that neither answers is asked again.
    dispersion: how much more live answers scatter than independent ones, >= 1: they come in groups that resemble each
    other, each of which stays with one variant. answer_seconds: how long an answer takes, >= 0. Raises ValueError
    outside these domains.
    """

    rate: float = 10.0
    baseline_em: float = 0.80
    em_loss: float = 0.0
    mean_tokens: float = 600.0
    spread: float = 0.8
    saving: float = 0.3
    discordance: float = 0.06
    dispersion: float = 1.0
    answer_seconds: float = 0.0
    baseline_missing: float = 0.0
    candidate_missing: float = 0.0

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.mean_tokens <= 0 or self.spread < 0 or self.saving >= 1:
            raise ValueError("rate and mean tokens must be above 0, the spread at least 0, the saving below 1")
        ensure_rates(self.baseline_em, self.em_loss)
        if not abs(self.em_loss) <= self.discordance <= 1:
            raise ValueError(f"the discordance is {self.discordance}; write at least the loss, and at most 1")
        if not (0 <= self.baseline_missing < 1 and 0 <= self.candidate_missing < 1):
            raise ValueError("the share of answers that are missing must be at least 0 and below 1")
        if not self.dispersion >= 1 or not self.answer_seconds >= 0:
            raise ValueError("the dispersion must be at least 1, and an answer cannot take less than 0 s")

    def seconds_of_answers(self, begun: int, since: int, until: int) -> float:
        """Seconds of a step's requests whose answers come in between two moments. begun: when the step did."""
        first = begun + self.answer_seconds
        return max(0.0, until - first) - max(0.0, since - first)

    @property
    def group_size(self) -> int:
        """Requests that are answered alike and stay with one variant."""
        return 1 if self.dispersion == 1 else ceil(2 * self.dispersion)

    @property
    def pair_shares(self) -> tuple[float, float, float, float]:
        """Probabilities of a pair's outcomes, in the order of `Pairs`. Raises ValueError where EM leaves no room."""
        worse, better = (self.discordance + self.em_loss) / 2, (self.discordance - self.em_loss) / 2
        both, neither = self.baseline_em - worse, 1 - self.baseline_em - better
        ensure_room_for_pairs(self.baseline_em, self.em_loss, self.discordance)
        return (max(0.0, both), worse, better, max(0.0, neither))


def alike(traffic: SyntheticTraffic) -> SyntheticTraffic:
    """The same traffic where the candidate has the baseline's setting."""
    return replace(traffic, em_loss=0.0, saving=0.0)


def more_split(
    totals: Sequence[Totals], traffic: SyntheticTraffic, random: Generator, seconds: float, weights: Sequence[int]
) -> tuple[Totals, ...]:
    """The totals of each candidate after more requests: Poisson arrivals of single requests, or of the groups that
    answers scatter by, each to a variant with its weight's probability. weights: percent of the baseline and of each
    candidate."""
    size = traffic.group_size
    arrivals = [size * random.poisson(traffic.rate * seconds * weight / 100 / size) for weight in weights]
    baseline = _requests(random, arrivals[0], traffic.baseline_em, traffic.mean_tokens, traffic)
    em, mean = traffic.baseline_em - traffic.em_loss, traffic.mean_tokens * (1 - traffic.saving)
    candidates = [_requests(random, count, em, mean, traffic) for count in arrivals[1:]]
    named = len(totals[0].classes)
    columns = _by_class(random, baseline, named)
    return tuple(
        _plus(known, baseline, candidate, zip(*columns, *_by_class(random, candidate, named), strict=True))
        for known, candidate in zip(totals, candidates, strict=True)
    )


def more_in_shadow(
    totals: Sequence[Totals], traffic: SyntheticTraffic, random: Generator, seconds: float
) -> tuple[Totals, ...]:
    """The totals of each candidate after more requests, all of which the baseline answers and each is judged on.

    A candidate would have made the very same answer shorter, and whether it is right is drawn given the baseline's.
    """
    lengths = lengths_of(random, int(random.poisson(traffic.rate * seconds)), traffic.mean_tokens, traffic.spread)
    baseline = tally_of(lengths, int(random.binomial(len(lengths), traffic.baseline_em)))
    shorter = (lengths * (1 - traffic.saving)).round().clip(1)
    return tuple(_plus(known, baseline, _shadow(baseline, shorter, traffic, random), ()) for known in totals)


def paired(totals: Totals, traffic: SyntheticTraffic, random: Generator) -> Totals:
    """The totals with one pair for each request that the baseline or the candidate has had."""
    known = totals.candidate.pairs
    asked = totals.baseline.completed + totals.candidate.completed
    new = Pairs(*random.multinomial(asked - known.total, traffic.pair_shares).tolist())
    return replace(totals, candidate=totals.candidate + _counted(new, traffic, random))


def by_single_users(totals: Totals) -> Totals:
    """The totals, each request of which is another user's."""
    ended = (each.completed + each.failed for each in (totals.baseline, totals.candidate))
    return replace(totals, users=UserScatter(1000, 1000, 1000, 1000, *ended))


def _shadow(baseline: Tally, lengths: Lengths, traffic: SyntheticTraffic, random: Generator) -> Tally:
    both, baseline_only, candidate_only, neither = traffic.pair_shares
    worse = int(random.binomial(baseline.match, baseline_only / ((both + baseline_only) or 1.0)))
    better = int(random.binomial(baseline.mismatch, candidate_only / ((candidate_only + neither) or 1.0)))
    pairs = Pairs(baseline.match - worse, worse, better, baseline.mismatch - better)
    return _with_pairs(tally_of(lengths, pairs.both + better), pairs)


def _with_pairs(tally: Tally, pairs: Pairs) -> Tally:
    """The tally with these pairs, all of which are whole."""
    return replace(
        tally, **{f"pairs_{name}": count for name, count in pairs._asdict().items()}, pairs_whole=pairs.total
    )


def _counted(pairs: Pairs, traffic: SyntheticTraffic, random: Generator) -> Tally:
    """What an evaluator counts of questions that both variants were asked, some answers to which are missing. pairs: as
    the variants would answer."""
    lost, gone = traffic.baseline_missing, traffic.candidate_missing
    if not lost and not gone:
        return _with_pairs(Tally(), pairs)
    shares = ((1 - lost) * (1 - gone), lost * (1 - gone), (1 - lost) * gone, lost * gone)
    # Of each outcome: how many lack none, the baseline's answer, the candidate's, and both.
    (both, both_b, both_c, _), (worse, worse_b, worse_c, _), (better, better_b, better_c, _), last = (
        random.multinomial(count, shares).tolist() for count in pairs
    )
    neither, neither_b, neither_c, _ = last
    return Tally(
        pairs_both=both,
        pairs_baseline_only=worse + both_c + worse_c,
        pairs_candidate_only=better + both_b + better_b,
        pairs_neither=neither + neither_b + neither_c + worse_b + better_c,
        pairs_whole=both + worse + better + neither,
        pairs_without_baseline_right=both_b + better_b,
        pairs_without_baseline_wrong=worse_b + neither_b,
        pairs_without_candidate_right=both_c + worse_c,
        pairs_without_candidate_wrong=better_c + neither_c,
    )


def _plus(known: Totals, baseline: Tally, candidate: Tally, classes: Iterable[tuple[int, ...]]) -> Totals:
    more = zip(known.classes, classes, strict=True)
    return Totals(
        known.baseline + baseline,
        known.candidate + candidate,
        tuple(ClassAnswers(*(mine + new for mine, new in zip(own, row, strict=True))) for own, row in more),
    )


def _by_class(random: Generator, tally: Tally, named: int) -> list[list[int]]:
    """Matches and mismatches of each named class; those of the other requests, as many as of one class, are left."""
    shares = [1 / (named + 1)] * (named + 1)
    return [random.multinomial(count, shares)[:named].tolist() for count in (tally.match, tally.mismatch)]


def _requests(random: Generator, count: int, em: float, mean: float, traffic: SyntheticTraffic) -> Tally:
    lengths = lengths_of(random, count, mean, traffic.spread)
    return tally_of(lengths, _matches(random, count, em, traffic))


def _matches(random: Generator, count: int, em: float, traffic: SyntheticTraffic) -> int:
    """Right ones of so many answers. Where they scatter, they come in groups of one size with a rate of their own, from
    a beta distribution: groups of m whose answers correlate by r scatter `1 + (m - 1) r` times as much."""
    size = traffic.group_size
    if size == 1 or not 0 < em < 1:
        return int(random.binomial(count, em))
    alike = (traffic.dispersion - 1) / (size - 1)
    groups = [size] * (count // size) + [count % size]
    rates = random.beta(em * (1 - alike) / alike, (1 - em) * (1 - alike) / alike, len(groups))
    return int(random.binomial(groups, rates).sum())


def lengths_of(random: Generator, count: int, mean: float, spread: float) -> Lengths:
    """Output tokens of each of `count` requests: log-normal, at least one. mean: tokens; spread: standard deviation
    over the mean."""
    variance = log(1 + spread**2)
    return random.lognormal(log(mean) - variance / 2, sqrt(variance), count).round().clip(1)


def tally_of(lengths: Lengths, match: int) -> Tally:
    """Requests that all complete, each with a score. lengths: output tokens of each; match: how many are right."""
    count = len(lengths)
    return Tally(
        started=count,
        completed=count,
        match=match,
        mismatch=count - match,
        tokens=int(lengths.sum()),
        tokens_squared=int((lengths**2).sum()),
    )
