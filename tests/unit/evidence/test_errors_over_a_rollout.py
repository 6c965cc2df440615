"""What the whole method promises: few false decisions while traffic ramps and drifts, and soon a true one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from earlystop.evidence import exact_match
from earlystop.evidence.exact_match import Side
from tests.unit.evidence.simulate import RAMP, at_most, scored_answers

MARGIN, RISK = 0.02, 0.05
THRESHOLD = -math.log(RISK)
RUNS, LOOKS, SIZE = 300, 200, 400


@dataclass
class Shares:
    """Shares of runs in which a method made that claim at some look; each of them is an error."""

    promote: float = 0.0
    harm: float = 0.0


def at_the_edge(first: float, last: float) -> dict[str, Shares]:
    """Ramp over 80,000 requests, candidate exactly `MARGIN` worse, baseline moving from `first` to `last`."""
    rng = np.random.default_rng(41)
    shares = {"by look": Shares(), "pooled z": Shares(), "pooled mSPRT": Shares()}
    for _ in range(RUNS):
        looks = list(scored_answers(rng, LOOKS, SIZE, RAMP, lambda t: first + (last - first) * t, -MARGIN))
        promote, harm = (exact_match.start(MARGIN, side) for side in (Side.PROMOTE, Side.HARM))
        for baseline, candidate in looks:
            promote = exact_match.update(promote, baseline, candidate)
            harm = exact_match.update(harm, baseline, candidate)
        shares["by look"].promote += (promote.log_e_max >= THRESHOLD) / RUNS
        shares["by look"].harm += (harm.log_e_max >= THRESHOLD) / RUNS
        pooled = np.cumsum([(*baseline, *candidate) for baseline, candidate in looks], axis=0)[1:]
        n_b, x_b, n_c, x_c = pooled.T.astype(float)
        rate_b, rate_c = x_b / n_b, x_c / np.maximum(n_c, 1)
        gap = rate_c - rate_b + MARGIN
        variance = rate_b * (1 - rate_b) / n_b + rate_c * (1 - rate_c) / np.maximum(n_c, 1) + 1e-12
        z = gap / np.sqrt(variance)
        tau = MARGIN**2
        mixture = 0.5 * np.log(variance / (variance + tau)) + gap**2 * tau / (2 * variance * (variance + tau))
        for name, rejected in (("pooled z", np.abs(z) > 1.645), ("pooled mSPRT", mixture >= THRESHOLD)):
            shares[name].promote += bool(np.any(rejected & (gap > 0))) / RUNS
            shares[name].harm += bool(np.any(rejected & (gap < 0))) / RUNS
    return shares


@pytest.mark.parametrize(("first", "last", "wrong"), [(0.90, 0.80, "harm"), (0.80, 0.90, "promote")])
def test_a_ramp_with_a_drifting_baseline_fools_pooled_totals_and_not_the_comparison_inside_looks(
    first: float, last: float, wrong: str
) -> None:
    shares = at_the_edge(first, last)
    assert getattr(shares["pooled z"], wrong) >= 0.95
    assert getattr(shares["pooled mSPRT"], wrong) >= 0.95
    assert shares["by look"].promote <= at_most(RISK, RUNS)
    assert shares["by look"].harm <= at_most(RISK, RUNS)


def test_peeking_at_a_flat_baseline_fools_a_z_test_and_not_the_e_process() -> None:
    shares = at_the_edge(0.85, 0.85)
    assert shares["pooled z"].promote >= 0.25 and shares["pooled z"].harm >= 0.25
    assert shares["by look"].promote <= at_most(RISK, RUNS)
    assert shares["by look"].harm <= at_most(RISK, RUNS)


def requests_until_claim(rng: np.random.Generator, side: Side, effect: float, size: int = 200) -> int:
    process = exact_match.start(MARGIN, side)
    for look in range(1000):
        ((baseline, candidate),) = scored_answers(rng, 1, size, (50,), lambda _: 0.85, effect)
        process = exact_match.update(process, baseline, candidate)
        if process.log_e_max >= THRESHOLD:
            return (look + 1) * size
    return 1000 * size


def test_an_equal_candidate_is_promoted_after_four_fifths_of_the_best_fixed_sample_on_average() -> None:
    runs, rng = 400, np.random.default_rng(42)
    z = 1.6448536269514722 + 1.2815515655446004  # risk 5 %, power 90 %
    best_fixed_sample = 2 * z**2 * 2 * 0.85 * 0.15 / MARGIN**2
    assert best_fixed_sample / 2 == pytest.approx(5459.5, abs=0.5)
    needed = np.array([requests_until_claim(rng, Side.PROMOTE, 0.0) for _ in range(runs)])
    share = needed / best_fixed_sample
    assert share.mean() == pytest.approx(0.8, abs=3 * share.std() / math.sqrt(runs))


def test_a_candidate_that_loses_a_third_of_its_answers_is_caught_within_two_looks_on_average() -> None:
    rng = np.random.default_rng(43)
    assert np.mean([requests_until_claim(rng, Side.HARM, -0.35) for _ in range(100)]) <= 2 * 200
