"""What the whole method promises: few false decisions while traffic ramps and drifts, and soon a true one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence import engine, exact_match
from earlystop.evidence.engine import Assessment, Objective
from earlystop.evidence.exact_match import Side
from earlystop.evidence.objective import ClassMargin, Guardrail, GuardrailKind, certificate_claim
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


# The engine as the operator runs it: all claims at once, looks in parts.

OBJECTIVE = Objective(margin=MARGIN, minimum_saving=0.10, risk_promote=RISK, risk_harm=RISK)
ARM = Tally(started=100, completed=100, tokens=60_000, tokens_squared=50_000_000)
SHORTER = replace(ARM, tokens=40_000, tokens_squared=25_000_000)


Row = tuple[Tally, Tally, tuple[ClassAnswers, ...]]


def judged(objective: Objective, looks: Iterable[Row]) -> Assessment:
    """The claims that were made at any of the looks, 15 seconds apart."""
    return engine.assess(engine.replay(objective, (Look(15 * at, 0, 50, *counted) for at, counted in enumerate(looks))))


def two_errors(runs: int) -> float:
    """The largest share of false claims, two standard errors above the risk."""
    return RISK + 2 * math.sqrt(RISK * (1 - RISK) / runs)


def test_at_the_edge_the_engine_makes_false_claims_no_more_often_than_the_risk() -> None:
    runs, looks, rng, false = 400, 100, np.random.default_rng(51), Counter[str]()
    for rates in rng.binomial(100, [0.85, 0.85 - MARGIN], (runs, looks, 2)).tolist():
        arms = (
            (replace(ARM, match=b, mismatch=100 - b), replace(SHORTER, match=c, mismatch=100 - c)) for b, c in rates
        )
        found = judged(OBJECTIVE, ((baseline, candidate, ()) for baseline, candidate in arms))
        assert found.saves_tokens  # so the promise on Exact Match alone stands against a promotion
        false.update(promote=found.non_inferior, harm=found.harmful)
    assert false["promote"] / runs <= two_errors(runs)
    assert false["harm"] / runs <= two_errors(runs)


def at_every_edge(runs: int, looks: int, hard: int, losses: tuple[float, float]) -> list[list[Row]]:
    """Runs of looks of 100 answers an arm, `hard` of them of a class of its own, with these losses in it and in others;
    the candidate fails 1.5 times and displeases twice as often as the baseline."""
    rng = np.random.default_rng(52)
    sizes, rates = [hard, hard, 100 - hard, 100 - hard], [0.55, 0.55 - losses[0], 0.90, 0.90 - losses[1]]
    matches = rng.binomial(sizes, rates, (runs, looks, 4))
    failed = rng.binomial(100, [0.02, 0.03], (runs, looks, 2))
    disliked = rng.binomial(100 - failed, [0.05, 0.10])
    found = []
    for drawn in np.concatenate([matches, failed, disliked], axis=2).tolist():
        rows: list[Row] = []
        for hard_b, hard_c, other_b, other_c, failed_b, failed_c, down_b, down_c in drawn:
            answers = ClassAnswers(hard_b, hard - hard_b, hard_c, hard - hard_c)
            baseline, candidate = (
                replace(arm, completed=100 - fail, failed=fail, match=match, mismatch=100 - match, feedback_down=down)
                for arm, fail, match, down in (
                    (ARM, failed_b, hard_b + other_b, down_b),
                    (SHORTER, failed_c, hard_c + other_c, down_c),
                )
            )
            rows.append((baseline, candidate, (answers,)))
        found.append(rows)
    return found


def test_with_unequal_classes_and_every_claim_at_its_edge_no_error_is_more_frequent_than_its_risk() -> None:
    runs, share, loss_hard = 250, 0.3, 0.04
    loss_other = (MARGIN - share * loss_hard) / (1 - share)  # on average the margin
    objective = replace(
        OBJECTIVE,
        floor=share * (0.55 - loss_hard) + (1 - share) * (0.90 - loss_other),
        guardrails=(
            Guardrail("errors", GuardrailKind.FAILURE_RATE, 1.5),
            Guardrail("votes", GuardrailKind.NEGATIVE_FEEDBACK, 2.0),
        ),
        classes=(ClassMargin("hard", loss_hard),),
        require_each=True,
    )
    false = Counter[str]()
    for looks in at_every_edge(runs, 100, round(100 * share), (loss_hard, loss_other)):
        found = judged(objective, looks)
        certificate = dict(found.log_e_max.others)[certificate_claim("hard")]
        false.update(
            mean=found.log_e_max.promote >= THRESHOLD, certificate=certificate >= THRESHOLD, harm=found.harmful
        )
    assert max(false.values()) / runs <= two_errors(runs), false
