"""Looks at settings whose truth is known, each with as many requests as the baseline."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from earlystop.api.counts import Look
from earlystop.simulation.search_traffic import shadow_answers, split_answers
from earlystop.simulation.search_truth import TrueCurve

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
    candidate_part: float | None = None,
) -> tuple[Look, ...]:
    """A look at each of the settings tried, after so many more requests of all variants, which have even shares.

    candidate_part: of the requests, where one setting is tried and has another part than a half. paired: whether a
    golden question comes with each request, which both variants answer.
    """
    shares = [1 / (len(tried) + 1)] * (len(tried) + 1)
    shares = shares if candidate_part is None else [1 - candidate_part, candidate_part]
    counts = random.multinomial(requests, shares).tolist()
    baseline, candidates = split_answers(curve, tried, counts, random, paired=paired)
    percent = EVEN if candidate_part is None else round(100 * candidate_part)
    return tuple(Look(at, step, percent, baseline, candidate) for candidate in candidates)


def shadow_looks(curve: TrueCurve, tried: Sequence[int], requests: int, at: int, random: Generator) -> tuple[Look, ...]:
    """A look at each of the settings tried, all of which are judged on the same requests, by pairs with the baseline's
    answers. A setting would have made the very same answer shorter."""
    baseline, candidates = shadow_answers(curve, tried, requests, random)
    return tuple(Look(at, 0, EVEN, baseline, candidate) for candidate in candidates)
