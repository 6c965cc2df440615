"""Query classes as strata: one stake for all, so the mean loss is what is tested, and never a class's own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence import bets, exact_match, strata
from earlystop.evidence.bets import Answers, ClassLook, Side
from earlystop.evidence.strata import Arms
from tests.unit.evidence.simulate import at_most, binomial, examples

MARGIN = 0.02
GAPS = [MARGIN * size for size in exact_match.PROMOTE_GRID.sizes]
LOOKS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6
)


def arms(n_b: int, match_b: int, n_c: int, match_c: int) -> Arms:
    return Arms(Answers(n_b, match_b), Answers(n_c, match_c))


@pytest.mark.slow
@examples
@given(LOOKS, st.sampled_from(list(Side)), st.floats(1, 4))
def test_in_version_1_a_single_class_gives_the_floats_of_exact_match_bit_for_bit(
    looks: list[tuple[int, int, float, float]], side: Side, dispersion: float
) -> None:
    alone, classes = exact_match.start(MARGIN, side), strata.start(MARGIN, side)
    for n_b, n_c, share_b, share_c in looks:
        look = arms(n_b, round(n_b * share_b), n_c, round(n_c * share_c))
        alone = exact_match.update(alone, *look, dispersion)
        if strata.usable({"": look}):
            classes = strata.advance_by_own_mix(classes, {"": look}, dispersion)
        assert classes.log_capital == alone.log_capital
        assert (classes.log_e, classes.log_e_max) == (alone.log_e, alone.log_e_max)


def numpy_gains(rows: Sequence[ClassLook], side: Side) -> np.ndarray:
    """The look's log e-values with classes as a numpy axis."""
    n_b, x_b, n_c, x_c, guess = (
        np.array(column, dtype=float)[:, None] for column in zip(*[(*r[0], *r[1], r[2]) for r in rows], strict=True)
    )
    q_b = np.clip(guess, MARGIN + 1e-4, 1 - 1e-4)
    q_c, r = q_b - MARGIN, n_c / n_b
    variance = (n_c * (q_c * (1 - q_c) + r * q_b * (1 - q_b))).sum() / n_c.sum()
    worst = np.maximum(q_c, r * (1 - q_b)) if side > 0 else np.maximum(1 - q_c, r * q_b)
    u_c = side * np.minimum(np.array(GAPS) / variance, (0.9 / worst).min())[None, :]
    u_b = -r * u_c
    gains = x_c * np.log1p(u_c * (1 - q_c)) + (n_c - x_c) * np.log1p(-u_c * q_c)
    gains += x_b * np.log1p(u_b * (1 - q_b)) + (n_b - x_b) * np.log1p(-u_b * q_b)
    return np.asarray(gains.sum(axis=0))


@pytest.mark.slow
@examples
@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(list(Side)),
)
def test_the_bet_on_classes_equals_an_independent_computation_in_numpy(
    drawn: list[tuple[int, int, float, float, float]], side: Side
) -> None:
    rows = [ClassLook(Answers(b, round(b * s)), Answers(c, round(c * t)), g) for b, c, s, t, g in drawn]
    assert bets.look_log_e(rows, MARGIN, side, GAPS) == pytest.approx(numpy_gains(rows, side), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("guesses", [(0.5, 0.5), (0.95, 0.3), (0.02, 0.999)])
@pytest.mark.parametrize("blocks", [((1, 2), (2, 1)), ((3, 1), (1, 2)), ((2, 2), (2, 2))])
def test_no_bet_grows_on_average_while_the_weighted_mean_loss_is_inside_the_null(
    side: Side, guesses: tuple[float, float], blocks: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    (n_b1, n_c1), (n_b2, n_c2) = blocks
    outcomes = list(product(range(n_b1 + 1), range(n_c1 + 1), range(n_b2 + 1), range(n_c2 + 1)))
    e_values = np.exp(
        [
            bets.look_log_e(
                [
                    ClassLook(Answers(n_b1, b1), Answers(n_c1, c1), guesses[0]),
                    ClassLook(Answers(n_b2, b2), Answers(n_c2, c2), guesses[1]),
                ],
                MARGIN,
                side,
                GAPS,
            )
            for b1, c1, b2, c2 in outcomes
        ]
    )

    def chances(trials: int, rate: float) -> list[float]:
        return [binomial(k, trials, rate) for k in range(trials + 1)]

    seen = 0
    for p1, p2, d1, depth in product((0.1, 0.5, 0.95), (0.05, 0.6, 0.9), (-0.3, -0.02, 0.05, 0.3), (0.0, 0.05)):
        # The second class makes the mean, weighted by candidate answers, sit on the edge or `depth` inside.
        d2 = (-(MARGIN + side * depth) * (n_c1 + n_c2) - n_c1 * d1) / n_c2
        rates = [p1, p1 + d1, p2, p2 + d2]
        if min(rates) < 0 or max(rates) > 1:
            continue
        seen += 1
        table = np.ones(1)
        for trials, rate in zip((n_b1, n_c1, n_b2, n_c2), rates, strict=True):
            table = np.outer(table, chances(trials, rate)).ravel()
        assert (table @ e_values).max() <= 1 + 1e-12
    assert seen > 10


def test_classes_in_any_order_give_the_same_floats() -> None:
    looks = {"a": arms(50, 40, 40, 30), "b": arms(9, 2, 11, 5), "c": arms(70, 69, 20, 20)}
    process = strata.start(MARGIN, Side.PROMOTE)
    forwards = strata.update(strata.update(process, looks), looks)
    backwards = dict(reversed(looks.items()))
    assert strata.update(strata.update(process, backwards), backwards) == forwards


def simulate(shares: tuple[float, float], rates: tuple[float, float], effects: tuple[float, float], seed: int) -> bool:
    """Whether 50 looks of 1,200 requests promote; even split inside each class."""
    rng = np.random.default_rng(seed)
    process = strata.start(MARGIN, Side.PROMOTE)
    for _ in range(50):
        look = {}
        for name, share, rate, effect in zip("eh", shares, rates, effects, strict=True):
            n = int(1200 * share / 2)
            look[name] = arms(n, int(rng.binomial(n, rate)), n, int(rng.binomial(n, rate + effect)))
        process = strata.update(process, look)
    return bool(process.log_e_max >= np.log(20))


@pytest.mark.slow
def test_an_easy_class_never_hides_that_the_mean_loss_is_too_large() -> None:
    runs = 150  # the easy class loses nothing, the hard one 5 points: 2.5 on average, above the margin of 2
    wrong = sum(simulate((0.5, 0.5), (0.95, 0.5), (0.0, -0.05), seed) for seed in range(runs))
    assert wrong / runs <= at_most(0.05, runs)


@pytest.mark.slow
def test_at_the_edge_of_the_mean_loss_false_promotions_stay_within_the_risk() -> None:
    runs = 150
    wrong = sum(simulate((0.5, 0.5), (0.95, 0.5), (0.0, -0.04), seed) for seed in range(runs))
    assert wrong / runs <= at_most(0.05, runs)


def test_equal_variants_are_promoted_where_classes_differ() -> None:
    assert sum(simulate((0.5, 0.5), (0.95, 0.5), (0.0, 0.0), seed) for seed in range(20)) >= 18


def test_a_look_with_a_class_that_has_nothing_to_compare_with_changes_nothing() -> None:
    process = strata.update(strata.start(MARGIN, Side.HARM), {"a": arms(50, 40, 50, 40)})
    assert strata.update(process, {"a": arms(50, 40, 50, 40), "b": arms(0, 0, 3, 1)}) == process
    assert strata.update(process, {}) == process == strata.update(process, {"a": Arms()})


def test_a_class_in_which_the_candidate_has_no_answer_takes_no_part_in_a_look() -> None:
    process, both = strata.start(MARGIN, Side.PROMOTE), {"a": arms(50, 40, 50, 40)}
    assert strata.update(process, {**both, "b": arms(3, 1, 0, 0)}) == strata.update(process, both)


def test_counts_that_cannot_be_are_refused_and_the_class_is_named() -> None:
    with pytest.raises(ValueError, match="query class 'hard': candidate: 4 exact"):
        strata.update(strata.start(MARGIN, Side.HARM), {"hard": arms(5, 5, 3, 4)})


@pytest.mark.parametrize("dispersion", [0.5, float("nan")])
def test_a_dispersion_that_would_invent_evidence_is_refused(dispersion: float) -> None:
    with pytest.raises(ValueError, match="write 1 for independent"):
        strata.update(strata.start(MARGIN, Side.HARM), {"a": arms(5, 5, 5, 4)}, dispersion)
