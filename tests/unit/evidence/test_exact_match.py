"""Exact Match: the e-values equal their formula, and no null hypothesis makes them grow on average."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from earlystop.evidence import exact_match
from earlystop.evidence.exact_match import Answers, ExactMatchProcess, Side, look_log_e
from earlystop.evidence.mixture import weighted_grid
from tests.unit.every_row import every_row
from tests.unit.evidence.simulate import binomial, examples

MARGIN = 0.02
SLOW_DECAY = weighted_grid([2.0 ** (k / 2) for k in range(-3, 9)], [2.0 ** (-0.5 * abs(k)) for k in range(-3, 9)])
GAPS = [MARGIN * size for size in exact_match.PROMOTE_GRID.sizes]
BLOCKS = [(1, 1), (3, 2), (2, 5), (7, 3)]


def run(process: ExactMatchProcess, looks: Sequence[tuple[Answers, Answers]]) -> ExactMatchProcess:
    for baseline, candidate in looks:
        process = exact_match.update(process, baseline, candidate)
    return process


def stakes(n_b: int, n_c: int, guess: float, side: Side, gaps: Sequence[float]) -> Any:
    """Columns: candidate's and baseline's stake and guessed rate, one row a gap; written for numpy alone."""
    rate_b = np.clip(guess, MARGIN + 1e-4, 1 - 1e-4)
    rate_c = rate_b - MARGIN
    wanted = np.asarray(gaps) / (rate_c * (1 - rate_c) + rate_b * (1 - rate_b) * n_c / n_b)
    worst_c, worst_b = (rate_c, 1 - rate_b) if side is Side.PROMOTE else (1 - rate_c, rate_b)
    stake_c = side * np.minimum(wanted, np.minimum(0.9 / worst_c, 0.9 * n_b / (n_c * worst_b)))
    return np.stack(
        [stake_c, -stake_c * n_c / n_b, np.full_like(stake_c, rate_c), np.full_like(stake_c, rate_b)], axis=1
    )


@pytest.mark.parametrize(
    ("baseline", "candidate", "side", "expected"),
    [
        (Answers(100, 85), Answers(100, 84), Side.PROMOTE, 0.0048603573311),
        (Answers(180, 153), Answers(20, 14), Side.HARM, 0.28565554051),
    ],
)
def test_one_look_reproduces_the_pinned_increment(
    baseline: Answers, candidate: Answers, side: Side, expected: float
) -> None:
    found = look_log_e(baseline, candidate, 0.84, MARGIN, side, [0.02])
    assert found == pytest.approx([expected], abs=5e-12)  # half a unit of the last digit pinned


@pytest.mark.parametrize(
    ("side", "after_50", "after_80"),
    [(Side.PROMOTE, 3.095423, 5.267007), (Side.HARM, -5.584198, -7.710929)],
)
def test_equal_variants_reproduce_the_pinned_evidence(side: Side, after_50: float, after_80: float) -> None:
    look = (Answers(100, 85), Answers(100, 85))
    begun = exact_match.start(MARGIN, side, SLOW_DECAY)
    assert run(begun, [look] * 50).log_e == pytest.approx(after_50, abs=5e-7)
    assert run(begun, [look] * 80).log_e == pytest.approx(after_80, abs=5e-7)


def test_a_broken_candidate_reproduces_the_pinned_harm_of_one_look() -> None:
    process = run(exact_match.start(MARGIN, Side.HARM, SLOW_DECAY), [(Answers(180, 153), Answers(20, 9))])
    assert process.log_e == pytest.approx(2.891024, abs=5e-7) == process.log_e_max


def test_kohavis_ramp_up_is_judged_inside_each_day_and_not_by_its_reversed_totals() -> None:
    days = [
        (Answers(990_000, 20_000), Answers(10_000, 230)),
        (Answers(500_000, 5_000), Answers(500_000, 6_000)),
    ]
    assert (20_000 + 5_000) / 1_490_000 > (230 + 6_000) / 510_000  # pooled, the better candidate looks worse
    gaps = [0.0005, 0.001, 0.002, 0.003]
    guesses = [0.02, (0.02 * 20 + 20_230) / 1_000_020]

    def evidence(side: Side) -> Any:
        looks = zip(days, guesses, strict=True)
        return np.sum([look_log_e(b, c, guess, 0.0, side, gaps) for (b, c), guess in looks], axis=0)

    assert evidence(Side.PROMOTE) == pytest.approx([12.4, 22.9, 38.3, 46.2], abs=0.05)
    assert evidence(Side.HARM).max() < -14


@every_row("side", list(Side))
@every_row("guess", [0.1, 0.5, 0.84, 0.999])
@every_row("block", BLOCKS)
def test_no_null_hypothesis_lets_any_bet_of_a_look_grow_on_average(
    side: Side, guess: float, block: tuple[int, int]
) -> None:
    n_b, n_c = block
    outcomes = list(product(range(n_b + 1), range(n_c + 1)))
    log_e = [look_log_e(Answers(n_b, b), Answers(n_c, c), guess, MARGIN, side, GAPS) for b, c in outcomes]
    e_values = np.exp(log_e)
    for rate_b, depth in product(np.linspace(MARGIN, 1, 41), (0.0, 0.01, 0.3)):
        rate_c = min(max(rate_b - MARGIN - side * depth, 0.0), 1.0)
        if side * (rate_c - rate_b + MARGIN) > 1e-12:
            continue  # clipped out of the null hypothesis
        chance = np.array([binomial(b, n_b, rate_b) * binomial(c, n_c, rate_c) for b, c in outcomes])
        assert (chance @ e_values).max() <= 1 + 1e-12


@pytest.mark.parametrize("side", list(Side))
def test_two_looks_with_a_drifting_baseline_and_another_split_do_not_grow_on_average(side: Side) -> None:
    first, second, begun = (4, 1), (2, 3), exact_match.start(MARGIN, side, guess=0.6, strength=2)
    for early, late in product((0.02, 0.5, 0.95), (0.1, 0.99)):
        expectation = 0.0
        for b1, c1 in product(range(first[0] + 1), range(first[1] + 1)):
            middle = exact_match.update(begun, Answers(first[0], b1), Answers(first[1], c1))
            p1 = binomial(b1, first[0], early) * binomial(c1, first[1], early - MARGIN)
            for b2, c2 in product(range(second[0] + 1), range(second[1] + 1)):
                end = exact_match.update(middle, Answers(second[0], b2), Answers(second[1], c2))
                p2 = binomial(b2, second[0], late) * binomial(c2, second[1], late - MARGIN)
                expectation += p1 * p2 * np.exp(end.log_e)
        assert expectation <= 1 + 1e-12


@pytest.mark.slow
@examples
@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(list(Side)),
)
def test_the_process_equals_an_independent_computation_in_numpy(
    looks: list[tuple[int, int, float, float]], side: Side
) -> None:
    process, grid = exact_match.start(MARGIN, side), exact_match.default_grid(side)
    gaps, shares = [MARGIN * size for size in grid.sizes], np.exp(grid.log_weights)
    capital, matched, seen = np.zeros(len(grid)), 16.0, 20.0
    path = [0.0]
    for n_b, n_c, share_b, share_c in looks:
        match_b, match_c = round(n_b * share_b), round(n_c * share_c)
        process = exact_match.update(process, Answers(n_b, match_b), Answers(n_c, match_c))
        stake_c, stake_b, rate_c, rate_b = stakes(n_b, n_c, matched / seen, side, gaps).T
        capital += match_c * np.log(1 + stake_c * (1 - rate_c)) + (n_c - match_c) * np.log(1 - stake_c * rate_c)
        capital += match_b * np.log(1 + stake_b * (1 - rate_b)) + (n_b - match_b) * np.log(1 - stake_b * rate_b)
        matched, seen = matched + match_b + match_c + MARGIN * n_c, seen + n_b + n_c
        path.append(float(logsumexp(capital, b=shares / shares.sum())))
    assert process.log_e == pytest.approx(path[-1], rel=1e-9, abs=1e-9)
    assert process.log_e_max == pytest.approx(max(path), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("side", list(Side))
def test_the_order_in_which_answers_arrive_inside_a_look_does_not_matter(side: Side) -> None:
    rng = np.random.default_rng(7)
    look = [("b", 1)] * 30 + [("b", 0)] * 10 + [("c", 1)] * 12 + [("c", 0)] * 8
    stake_c, stake_b, rate_c, rate_b = stakes(40, 20, 0.8, side, GAPS).T
    for _ in range(5):
        capital = np.ones(len(GAPS))
        for arm, answer in rng.permutation(np.array(look, dtype=object)):
            stake, rate = (stake_c, rate_c) if arm == "c" else (stake_b, rate_b)
            capital *= 1 + stake * (answer - rate)
        counted = look_log_e(Answers(40, 30), Answers(20, 12), 0.8, MARGIN, side, GAPS)
        assert np.log(capital) == pytest.approx(counted, abs=1e-10)


def test_a_look_with_an_empty_arm_changes_nothing() -> None:
    process = run(exact_match.start(MARGIN, Side.PROMOTE), [(Answers(100, 85), Answers(100, 85))])
    assert exact_match.update(process, Answers(0, 0), Answers(50, 40)) == process
    assert exact_match.update(process, Answers(50, 40), Answers(0, 0)) == process


@pytest.mark.parametrize(("arm", "bad"), [("baseline", Answers(5, 6)), ("candidate", Answers(5, -1))])
def test_matches_that_cannot_be_are_refused_and_the_arm_is_named(arm: str, bad: Answers) -> None:
    good = Answers(5, 5)
    look = (bad, good) if arm == "baseline" else (good, bad)
    process = exact_match.start(MARGIN, Side.HARM)
    with pytest.raises(ValueError, match=f"{arm}: .* write increments"):
        exact_match.update(process, *look)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, float("nan")])
def test_a_margin_outside_its_domain_is_refused_with_what_to_write(margin: float) -> None:
    with pytest.raises(ValueError, match=r"margin is .* as in 0\.02"):
        exact_match.start(margin, Side.PROMOTE)


@pytest.mark.parametrize(("guess", "strength"), [(1.5, 20.0), (0.8, 0.0)])
def test_a_guess_that_is_no_rate_or_weighs_nothing_is_refused(guess: float, strength: float) -> None:
    with pytest.raises(ValueError, match="write a rate"):
        exact_match.start(MARGIN, Side.PROMOTE, guess=guess, strength=strength)


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_a_dispersion_factor_divides_every_bets_evidence_of_a_look(dispersion: float) -> None:
    look, begun = (Answers(100, 85), Answers(80, 60)), exact_match.start(MARGIN, Side.HARM)
    plain = exact_match.update(begun, *look)
    divided = exact_match.update(begun, *look, dispersion)
    assert divided.log_capital == pytest.approx([capital / dispersion for capital in plain.log_capital])
    assert divided.guess == plain.guess
    with pytest.raises(ValueError, match="write 1 for independent"):
        exact_match.update(begun, *look, 0.9)
