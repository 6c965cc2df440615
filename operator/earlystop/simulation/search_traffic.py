"""Answers of settings whose truth is known: to requests that are split, or to one stream on which all are judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from earlystop.api.counts import Tally
from earlystop.simulation.search_truth import TrueCurve, TrueSetting
from earlystop.simulation.traffic import Lengths, lengths_of, tally_of


def split_answers(
    curve: TrueCurve,
    tried: Sequence[int],
    counts: Sequence[int],
    random: Generator,
    *,
    paired: bool = False,
    more_questions: int = 0,
) -> tuple[Tally, tuple[Tally, ...]]:
    """Answers of the baseline and of each of the settings tried to so many requests. counts: the baseline's first.

    paired: whether a golden question comes with each request, which both variants answer. more_questions: golden
    questions beside those that come with these requests.
    """
    baseline = _answers(random, counts[0], curve.baseline_em, curve.mean_tokens, curve.spread)
    candidates = []
    for index, count in zip(tried, counts[1:], strict=True):
        truth = curve.settings[index]
        mean = curve.mean_tokens * (1 - truth.saving)
        candidate = _answers(random, count, curve.baseline_em - truth.em_loss, mean, curve.spread)
        if paired:
            candidate += _golden(curve, truth, counts[0] + count + more_questions, random)
        candidates.append(candidate)
    return baseline, tuple(candidates)


def shadow_answers(
    curve: TrueCurve, tried: Sequence[int], requests: int, random: Generator
) -> tuple[Tally, tuple[Tally, ...]]:
    """The baseline's answers to so many requests, and what each of the settings tried would have answered."""
    lengths = lengths_of(random, requests, curve.mean_tokens, curve.spread)
    baseline = tally_of(lengths, int(random.binomial(requests, curve.baseline_em)))
    return baseline, tuple(_shadow(curve, curve.settings[index], baseline, lengths, random) for index in tried)


def _shadow(curve: TrueCurve, truth: TrueSetting, baseline: Tally, lengths: Lengths, random: Generator) -> Tally:
    worse, better = _differing(curve, truth)
    only_baseline = int(random.binomial(baseline.match, min(1.0, worse / (curve.baseline_em or 1.0))))
    only_candidate = int(random.binomial(baseline.mismatch, min(1.0, better / ((1 - curve.baseline_em) or 1.0))))
    both, neither = baseline.match - only_baseline, baseline.mismatch - only_candidate
    told = tally_of((lengths * (1 - truth.saving)).round().clip(1), both + only_candidate)
    return told + _pairs(both, only_baseline, only_candidate, neither)


def _golden(curve: TrueCurve, truth: TrueSetting, questions: int, random: Generator) -> Tally:
    worse, better = _differing(curve, truth)
    shares = [max(0.0, curve.baseline_em - worse), worse, better, max(0.0, 1 - curve.baseline_em - better)]
    return _pairs(*random.multinomial(questions, np.array(shares) / sum(shares)).tolist())


def _differing(curve: TrueCurve, truth: TrueSetting) -> tuple[float, float]:
    """Shares of questions that only the baseline has right, and only the setting, as far as both rates leave room."""
    loss = truth.em_loss
    wanted = max(abs(loss), curve.least_discordance + curve.discordance_of_loss * abs(loss))
    room = 2 * min(curve.baseline_em - loss / 2, 1 - curve.baseline_em + loss / 2)
    differing = max(abs(loss), min(wanted, room))
    return (differing + loss) / 2, (differing - loss) / 2


def _pairs(both: int, only_baseline: int, only_candidate: int, neither: int) -> Tally:
    return Tally(
        pairs_both=both,
        pairs_baseline_only=only_baseline,
        pairs_candidate_only=only_candidate,
        pairs_neither=neither,
    )


def _answers(random: Generator, count: int, em: float, mean: float, spread: float) -> Tally:
    return tally_of(lengths_of(random, count, mean, spread), int(random.binomial(count, em)))
