"""The exact token test: never grows under the null for any bounded lengths, and still finds a saving."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from earlystop.evidence import empirical_bernstein
from earlystop.evidence.empirical_bernstein import GRID
from earlystop.evidence.tokens import Lengths
from tests.unit.evidence.simulate import at_most

BOUND = 4096


def tally(values: tuple[int, ...]) -> Lengths:
    return Lengths(len(values), sum(values), sum(v * v for v in values))


@pytest.mark.parametrize("keep", [1.0, 0.8])
@pytest.mark.parametrize("centres", [(0.0, 0.0), (6.0, 3.0), (10.0, 10.0)])
@pytest.mark.parametrize(("n_b", "n_c"), [(1, 1), (2, 3), (3, 1)])
def test_no_lengths_under_the_null_let_any_bet_of_a_look_grow_on_average(
    keep: float, centres: tuple[float, float], n_b: int, n_c: int
) -> None:
    bound, atoms = 10, (0, 4, 10)
    for law_b in ((0.2, 0.3, 0.5), (0.9, 0.1, 0.0), (0.0, 1.0, 0.0)):
        mean_b = float(np.dot(law_b, atoms))
        for middle in (0.0, 0.3):
            top = (keep * mean_b - 4 * middle) / 10  # the edge: E[T_c] = keep E[T_b]
            if not 0 <= top <= 1 - middle:
                continue
            law_c = (1 - middle - top, middle, top)
            expectation = np.zeros(len(GRID))
            for lengths_b in product(range(3), repeat=n_b):
                for lengths_c in product(range(3), repeat=n_c):
                    chance = np.prod([law_b[i] for i in lengths_b]) * np.prod([law_c[i] for i in lengths_c])
                    arms = tally(tuple(atoms[i] for i in lengths_b)), tally(tuple(atoms[i] for i in lengths_c))
                    expectation += chance * np.exp(empirical_bernstein.look_log_e(*arms, keep, bound, *centres))
            assert expectation.max() <= 1 + 1e-12


def run(rng: np.random.Generator, ratio: float, looks: int) -> bool:
    """Whether ten percent are shown to be saved in looks of 200 answers; lengths of mean 600, variation 0.8."""
    process = empirical_bernstein.start(0.1, BOUND)
    for _ in range(looks):
        arms = []
        for mean in (600, 600 * ratio):
            values = np.minimum(np.rint(rng.gamma(1 / 0.64, mean * 0.64, 100)), BOUND).astype(int)
            squares = int((values * values).sum())
            arms.append(Lengths(100, int(values.sum()), squares))
        baseline, candidate = arms
        process = empirical_bernstein.update(process, baseline, candidate)
    return bool(process.log_e_max >= np.log(20))


@pytest.mark.slow
def test_at_the_edge_a_saving_is_claimed_no_more_often_than_the_risk() -> None:
    rng, runs = np.random.default_rng(22), 150
    assert sum(run(rng, 0.9, 100) for _ in range(runs)) / runs <= at_most(0.05, runs)


def test_a_saving_of_thirty_percent_is_shown_within_a_few_thousand_answers() -> None:
    rng = np.random.default_rng(23)
    assert sum(run(rng, 0.7, 15) for _ in range(20)) >= 18


def test_one_look_equals_the_formula_written_out() -> None:
    baseline, candidate = Lengths(3, 1500, 900_000), Lengths(2, 500, 140_000)
    bets, ratio = np.array(GRID.sizes), 0.9 * 2 / 3
    spread_b = (900_000 - 2 * 400 * 1500 + 3 * 400**2) / BOUND**2
    spread_c = (140_000 - 2 * 300 * 500 + 2 * 300**2) / BOUND**2
    psi_b, psi_c = -np.log(1 - bets * ratio) - bets * ratio, -np.log(1 - bets) - bets
    expected = bets * (ratio * 1500 - 500) / BOUND - psi_c * spread_c - psi_b * spread_b
    found = empirical_bernstein.look_log_e(baseline, candidate, 0.9, BOUND, 400.0, 300.0)
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_bet_too_large_for_the_baseline_sits_the_look_out() -> None:
    gains = empirical_bernstein.look_log_e(Lengths(1, 500, 250_000), Lengths(99, 0, 0), 0.9, BOUND, 0.0, 0.0)
    assert gains[-1] == 0 and gains[0] != 0


def test_a_look_with_an_empty_arm_changes_nothing() -> None:
    process = empirical_bernstein.start(0.1, BOUND)
    assert empirical_bernstein.update(process, Lengths(), Lengths(1, 5, 25)) == process


@pytest.mark.parametrize("arm", [Lengths(1, 5000, 25_000_000), Lengths(2, 100, 10), Lengths(-1, 0, 0)])
def test_sums_that_no_lengths_could_have_are_refused(arm: Lengths) -> None:
    with pytest.raises(ValueError, match=r"candidate: .* write a larger bound"):
        empirical_bernstein.update(empirical_bernstein.start(0.1, BOUND), Lengths(1, 5, 25), arm)


def test_values_outside_their_domain_are_refused() -> None:
    with pytest.raises(ValueError, match=r"as in 0\.10"):
        empirical_bernstein.start(1.0, BOUND)
    with pytest.raises(ValueError, match="as in 4096"):
        empirical_bernstein.start(0.1, 0)
