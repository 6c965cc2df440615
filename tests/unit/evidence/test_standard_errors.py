"""Estimates of a comparison lie about the truth as often as their standard errors say, on every kind of evidence."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine, standard_errors
from earlystop.evidence.engine import Objective
from earlystop.evidence.objective import Basis
from earlystop.evidence.standard_errors import MeanAndError
from earlystop.evidence.version import CURRENT, FIRST

RUNS, LOOKS, ANSWERS = 60, 8, 40
LOSS, SAVING = 0.05, 0.25
OBJECTIVE = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05)


def lengths(rng: random.Random, mean: float) -> dict[str, int]:
    """Completed answers of a variant, whose lengths vary by half of their mean."""
    each = [max(1, round(rng.gauss(mean, mean / 2))) for _ in range(ANSWERS)]
    return {"started": ANSWERS, "completed": ANSWERS, "tokens": sum(each), "tokens_squared": sum(n * n for n in each)}


def answers(rng: random.Random, rate: float, mean: float) -> Tally:
    """One variant's share of a look."""
    match = sum(rng.random() < rate for _ in range(ANSWERS))
    return Tally(**lengths(rng, mean), match=match, mismatch=ANSWERS - match)


def pairs(rng: random.Random, mean: float) -> Tally:
    """A candidate that was judged on the baseline's own requests: both right, one of them, or none."""
    drawn = rng.choices(range(4), weights=(0.70, 0.05 + LOSS, 0.05, 0.2 - LOSS), k=ANSWERS)
    names = ("pairs_both", "pairs_baseline_only", "pairs_candidate_only", "pairs_neither")
    counts = {name: drawn.count(number) for number, name in enumerate(names)}
    return Tally(**lengths(rng, mean), **counts)


def look(rng: random.Random, at: int, basis: Basis) -> Look:
    baseline = answers(rng, 0.8, 400)
    mean = 400 * (1 - SAVING)
    candidate = pairs(rng, mean) if basis is Basis.PAIRS else answers(rng, 0.8 - LOSS, mean)
    return Look(at=at, step=0, weight=50, baseline=baseline, candidate=candidate)


def inside(found: MeanAndError | None, truth: float) -> bool:
    assert found is not None
    return abs(found[0] - truth) < 1.96 * found[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    [OBJECTIVE, replace(OBJECTIVE, engine=FIRST), replace(OBJECTIVE, basis=Basis.PAIRS, split_known=False)],
    ids=["answers", "answers-of-version-1", "pairs"],
)
def test_the_truth_lies_within_two_standard_errors_nineteen_times_of_twenty(objective: Objective) -> None:
    rng, losses, savings = random.Random(7), 0, 0
    for _ in range(RUNS):
        state = engine.replay(objective, [look(rng, 15 * k, objective.basis) for k in range(LOOKS)])
        losses += inside(standard_errors.loss(state), LOSS)
        savings += inside(standard_errors.saving(state), SAVING)
    # 57 of 60, less three standard deviations of a binomial; the factor for blocks makes errors of savings larger.
    assert losses >= 52
    assert savings >= 52


def test_errors_shrink_with_the_square_root_of_the_looks() -> None:
    rng = random.Random(8)
    few = engine.replay(OBJECTIVE, [look(rng, 15 * k, Basis.ANSWERS) for k in range(10)])
    many = engine.replay(OBJECTIVE, [look(rng, 15 * k, Basis.ANSWERS) for k in range(40)])
    errors = [standard_errors.loss(state) for state in (few, many)]
    assert errors[0] is not None
    assert errors[1] is not None
    assert errors[0][1] / errors[1][1] == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("engine_version", [FIRST, CURRENT])
@pytest.mark.parametrize("basis", list(Basis))
def test_nothing_is_known_before_the_first_look(engine_version: int, basis: Basis) -> None:
    state = engine.begin(replace(OBJECTIVE, engine=engine_version, basis=basis))
    assert standard_errors.loss(state) is None
    assert standard_errors.saving(state) is None


def test_a_comparison_that_ends_before_the_token_test_bets_still_shows_what_it_saved() -> None:
    rng = random.Random(9)
    found = standard_errors.saving(engine.replay(OBJECTIVE, [look(rng, 0, Basis.ANSWERS)]))
    assert inside(found, SAVING)


def test_answers_without_any_disagreement_are_not_known_for_certain() -> None:
    rng = random.Random(10)
    same = replace(OBJECTIVE, basis=Basis.PAIRS, split_known=False)
    candidate = Tally(**lengths(rng, 300), pairs_both=ANSWERS)
    state = engine.replay(same, [Look(at=0, step=0, weight=50, baseline=answers(rng, 1, 400), candidate=candidate)])
    assert standard_errors.loss(state) == (0.0, 1 / ANSWERS * state.dispersion.factor**0.5)
