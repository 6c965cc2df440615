"""How many times as many requests, or golden questions, a proof takes because answers are missing on both sides alike.

What is to be proven is about the answers that came and are right, so an answer that counts as a wrong one makes Exact
Match vary more, and any test needs requests in proportion to the variance over the square of the gap to the margin
(`planning`). Of n answers of which m are missing by themselves and p of the others are right, p (1 - m) are right. Of
pairs of which d differ where both answer, d (1 - m)^2 + 2 m (1 - m) p differ: each answer that is missing beside a
right one makes a pair that speaks for the other variant.

Where the policy leaves such answers or pairs out (`Exclude`), only these are lost: 1 / (1 - m) and 1 / (1 - m)^2. That
the pairs which lack no answer must prove a promotion as well (`pair_attrition`) is not counted here, and adds some 6 %
(`tests/bench/street_pairs.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from earlystop.api.counts import Look, PairAnswers, Pairs, Tally
from earlystop.evidence.missing_answers import of_whole_pairs
from earlystop.simulation.planning import Question, fixed_sample_size


class MissingCost(NamedTuple):
    """Times as many requests or questions as with nothing missing, > 0. as_wrong: where what is missing counts as
    wrong. left_out: where it counts as nothing."""

    as_wrong: float
    left_out: float


class SeenMissing(NamedTuple):
    """What looks have shown. baseline, candidate: shares of the variant's answers that are missing, 0 to 1."""

    baseline: float
    candidate: float
    cost: MissingCost


def supposed_cost(question: Question, share: float, missing: float) -> MissingCost | None:
    """Where so large a part of both variants' answers is missing, whichever. question: with nothing missing; share: the
    candidate's part of the requests, above 0 and below 1; missing: above 0 and below 1. None where the loss that is
    then left is none that this question asks about."""
    there = 1 - missing
    left_out = 1 / there if question.discordance is None else 1 / there**2
    difference = question.difference * there
    if question.side * (difference + question.margin) <= 0:
        return None
    if question.discordance is None:
        rate = question.baseline_rate * there
        lacking = replace(question, baseline_rate=rate, difference=difference)
    else:
        beside_right = missing * there * (2 * question.baseline_rate + question.difference)
        lacking = replace(question, difference=difference, discordance=question.discordance * there**2 + beside_right)
    whole = fixed_sample_size(question, share)
    return MissingCost(fixed_sample_size(lacking, share) / whole, left_out)


def seen_in_pairs(looks: Iterable[Look]) -> SeenMissing | None:
    """What pairs of looks lack, and what that costs; None where none is known to lack an answer, or where no whole
    pair differs, so that nobody knows what it costs."""
    every, answers, whole = Pairs(), PairAnswers(), Pairs()
    for look in looks:
        tally = look.candidate
        every = every.plus(tally.pairs)
        answers = PairAnswers(*map(sum, zip(answers, tally.pair_answers, strict=True)))
        whole = whole.plus(of_whole_pairs(look).candidate.pairs)
    if not answers.one_sided or not whole.total or not _variance_of_pairs(whole):
        return None
    cost = MissingCost(_variance_of_pairs(every) / _variance_of_pairs(whole), every.total / whole.total)
    return SeenMissing(answers.without_baseline / every.total, answers.without_candidate / every.total, cost)


def seen_in_answers(baseline: Tally, candidate: Tally) -> SeenMissing | None:
    """What could not be scored of the answers of both variants, and what that costs; None where nothing, or where no
    scored answer differs from another. Requests that failed are no answers."""
    arms = baseline, candidate
    if not any(arm.unscored for arm in arms) or not all(arm.scored for arm in arms):
        return None
    needed = sum(_variance(arm.match / arm.scored) / arm.tried for arm in arms)
    if not needed:
        return None
    as_wrong = sum(_variance(arm.match / arm.tried) / arm.tried for arm in arms) / needed
    left_out = sum(_variance(arm.match / arm.scored) / arm.scored for arm in arms) / needed
    shares = [arm.unscored / arm.tried for arm in arms]
    return SeenMissing(shares[0], shares[1], MissingCost(as_wrong, left_out))


def _variance(rate: float) -> float:
    return rate * (1 - rate)


def _variance_of_pairs(pairs: Pairs) -> float:
    """Of what the variants differ by in a pair."""
    differing = (pairs.baseline_only + pairs.candidate_only) / pairs.total
    return differing - ((pairs.candidate_only - pairs.baseline_only) / pairs.total) ** 2
