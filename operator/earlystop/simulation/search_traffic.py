"""Looks at settings whose truth is known: by requests that are split, or by one stream on which all are judged."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from earlystop.api.counts import Look, Tally
from earlystop.simulation.search_truth import TrueCurve, TrueSetting

EVEN = 50
"""Each candidate has as many requests as the baseline."""


def split_looks(
    curve: TrueCurve,
    tried: Sequence[int],
    requests: int,
    at: int,
    random: Generator,
    step: int = 0,
    *,
    paired: bool = False,
) -> tuple[Look, ...]:
    """A look at each of the settings tried, after so many more requests of all variants, which have even shares.

    paired: whether a golden question comes with each request, which both variants answer.
    """
    counts = random.multinomial(requests, [1 / (len(tried) + 1)] * (len(tried) + 1)).tolist()
    baseline = _answers(random, counts[0], curve.baseline_em, curve.mean_tokens, curve.spread)
    looks = []
    for index, count in zip(tried, counts[1:], strict=True):
        truth = curve.settings[index]
        mean = curve.mean_tokens * (1 - truth.saving)
        candidate = _answers(random, count, curve.baseline_em - truth.em_loss, mean, curve.spread)
        if paired:
            candidate += _golden(curve, truth, counts[0] + count, random)
        looks.append(Look(at, step, EVEN, baseline, candidate))
    return tuple(looks)


def shadow_looks(curve: TrueCurve, tried: Sequence[int], requests: int, at: int, random: Generator) -> tuple[Look, ...]:
    """A look at each of the settings tried, all of which are judged on the same requests, by pairs with the baseline's
    answers. A setting would have made the very same answer shorter."""
    lengths = _lengths(random, requests, curve.mean_tokens, curve.spread)
    match = int(random.binomial(requests, curve.baseline_em))
    baseline = _tally(lengths, match)
    return tuple(
        Look(at, 0, EVEN, baseline, _shadow(curve, curve.settings[index], baseline, lengths, random)) for index in tried
    )


def _shadow(
    curve: TrueCurve, truth: TrueSetting, baseline: Tally, lengths: NDArray[np.float64], random: Generator
) -> Tally:
    worse, better = _differing(curve, truth)
    only_baseline = int(random.binomial(baseline.match, min(1.0, worse / (curve.baseline_em or 1.0))))
    only_candidate = int(random.binomial(baseline.mismatch, min(1.0, better / ((1 - curve.baseline_em) or 1.0))))
    both, neither = baseline.match - only_baseline, baseline.mismatch - only_candidate
    told = _tally((lengths * (1 - truth.saving)).round().clip(1), both + only_candidate)
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
    return _tally(_lengths(random, count, mean, spread), int(random.binomial(count, em)))


def _lengths(random: Generator, count: int, mean: float, spread: float) -> NDArray[np.float64]:
    variance = log(1 + spread**2)
    return random.lognormal(log(mean) - variance / 2, sqrt(variance), count).round().clip(1)


def _tally(lengths: NDArray[np.float64], match: int) -> Tally:
    count = len(lengths)
    return Tally(
        started=count,
        completed=count,
        match=match,
        mismatch=count - match,
        tokens=int(lengths.sum()),
        tokens_squared=int((lengths**2).sum()),
    )
