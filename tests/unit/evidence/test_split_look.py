"""A look in parts: dealt at random by numbers of answers alone, so that no bet can tell right answers from wrong."""

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from earlystop.api.counts import Pairs
from earlystop.evidence import exact_match, pairs, split_look
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.exact_match import ExactMatchProcess
from earlystop.evidence.split_look import LookInParts, deal, hypergeometric
from tests.unit.every_row import every_row
from tests.unit.evidence.simulate import examples

MARGIN, RISK = 0.02, 0.05

answers = st.one_of(st.integers(0, 60), st.integers(0, 4000), st.integers(0, 2**63)).flatmap(
    lambda scored: st.builds(Answers, st.just(scored), st.integers(0, scored))
)
some_answers = st.integers(1, 4000).flatmap(lambda scored: st.builds(Answers, st.just(scored), st.integers(0, scored)))
seeds = st.integers(0, 2**33)


def total(shares: list[Answers]) -> Answers:
    return Answers(sum(share.scored for share in shares), sum(share.match for share in shares))


@pytest.mark.slow
@examples
@given(answers, answers, seeds)
def test_the_parts_of_any_look_add_up_to_it_and_none_has_more_matches_than_answers(
    baseline: Answers, candidate: Answers, seed: int
) -> None:
    dealt = deal(baseline, candidate, seed)
    assert total([b for b, _ in dealt]) == baseline and total([c for _, c in dealt]) == candidate
    assert all(0 <= match <= scored for part in dealt for scored, match in part)


@pytest.mark.slow
@examples
@given(some_answers, some_answers, seeds)
def test_every_part_of_a_look_with_both_arms_has_both_arms_in_even_shares(
    baseline: Answers, candidate: Answers, seed: int
) -> None:
    for arm in zip(*deal(baseline, candidate, seed), strict=True):
        sizes = [share.scored for share in arm]
        assert min(sizes) >= 1 and max(sizes) - min(sizes) <= 1


@pytest.mark.slow
@examples
@given(some_answers, some_answers, st.floats(0, 1), st.floats(0, 1), seeds, seeds)
def test_how_many_answers_a_part_has_depends_neither_on_matches_nor_on_the_seed(
    baseline: Answers, candidate: Answers, share_b: float, share_c: float, seed: int, other_seed: int
) -> None:
    other_b = Answers(baseline.scored, round(share_b * baseline.scored))
    other_c = Answers(candidate.scored, round(share_c * candidate.scored))
    dealt, again = deal(baseline, candidate, seed), deal(other_b, other_c, other_seed)
    assert [(b.scored, c.scored) for b, c in dealt] == [(b.scored, c.scored) for b, c in again]


@pytest.mark.parametrize(
    ("scored_b", "scored_c", "count"),
    [
        (20, 19, 1),
        (20, 20, 2),
        (38, 2, 2),
        (900, 1, 1),
        (900, 3, 3),
        (50, 50, 5),
        (160, 160, 16),
        (500_000, 500_000, 16),
        (500_001, 500_000, 1),
        (0, 400, 1),
        (400, 0, 1),
        (0, 0, 1),
    ],
)
def test_a_part_has_twenty_answers_or_more_a_look_at_most_sixteen_parts_and_one_above_a_million_answers_is_whole(
    scored_b: int, scored_c: int, count: int
) -> None:
    baseline, candidate = Answers(scored_b, scored_b // 2), Answers(scored_c, scored_c // 3)
    dealt = deal(baseline, candidate, 7)
    assert len(dealt) == count
    if count == 1:
        assert dealt == [(baseline, candidate)]


@pytest.mark.slow
@examples
@given(answers, answers, seeds)
def test_a_look_recomputed_from_its_record_is_dealt_alike(baseline: Answers, candidate: Answers, seed: int) -> None:
    dealt = deal(baseline, candidate, seed)
    look = LookInParts(baseline, candidate, seed)
    assert deal(baseline, candidate, seed) == dealt == look.parts and look.parts is look.parts
    assert look.whole == (baseline, candidate)


def test_a_deal_that_a_stored_verdict_rests_on_never_changes() -> None:
    dealt = deal(Answers(50, 40), Answers(30, 20), 1_700_000_000)
    assert dealt == [
        (Answers(12, 11), Answers(7, 4)),
        (Answers(13, 10), Answers(8, 5)),
        (Answers(12, 9), Answers(7, 5)),
        (Answers(13, 10), Answers(8, 6)),
    ]
    assert {tuple(deal(Answers(50, 40), Answers(30, 20), seed)) for seed in range(20)} != {tuple(dealt)}


def law(items: int, marked: int, size: int, steps: int) -> np.ndarray:
    """Shares of a uniform grid of `steps` points at which 0..size marked items are drawn."""
    drawn = [hypergeometric((k + 0.5) / steps, items, marked, size) for k in range(steps)]
    return np.bincount(drawn, minlength=size + 1) / steps


@pytest.mark.parametrize("items", range(1, 8))
def test_every_small_draw_follows_the_hypergeometric_law(items: int) -> None:
    steps = 500  # every number drawn owns one interval of 0..1, so a grid misses its length by at most one point
    for marked, size in product(range(items + 1), repeat=2):
        exact = hypergeom.pmf(np.arange(size + 1), items, marked, size)
        assert np.abs(law(items, marked, size, steps) - exact).max() <= 1.001 / steps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("items", "marked", "size"),
    [(60, 51, 7), (400, 340, 25), (400, 1, 25), (400, 399, 375), (3_000, 1_500, 200), (1_000_000, 850_000, 62_500)],
)
def test_draws_of_the_size_of_real_looks_follow_the_hypergeometric_law(items: int, marked: int, size: int) -> None:
    steps = 4000
    exact = hypergeom.pmf(np.arange(size + 1), items, marked, size)
    assert np.abs(law(items, marked, size, steps) - exact).max() <= 1.001 / steps


@every_row("uniform", [0.0, 1e-300, 0.5, 1 - 2**-53, 1.0])
@every_row(
    ("items", "marked", "size"), [(0, 0, 0), (5, 0, 3), (5, 5, 3), (9, 4, 9), (400, 340, 25), (10**6, 10**5, 62_500)]
)
def test_a_draw_at_any_number_of_the_unit_interval_is_possible(
    uniform: float, items: int, marked: int, size: int
) -> None:
    found = hypergeometric(uniform, items, marked, size)
    assert max(0, size + marked - items) <= found <= min(size, marked)


def folded(process: ExactMatchProcess, look: LookInParts, dispersion: float = 1.0) -> ExactMatchProcess:
    for part in look.parts:
        process = exact_match.update(process, *part, dispersion)
    return process


def seasoned(side: Side, scored: int, rate_c: float = 0.83) -> ExactMatchProcess:
    """After one look of `scored` answers: the pseudo answers are those and the 20 of the first guess."""
    n_c = scored // 2
    n_b = scored - n_c
    begun = exact_match.start(MARGIN, side)
    return exact_match.update(begun, Answers(n_b, round(0.85 * n_b)), Answers(n_c, round(rate_c * n_c)))


LOOKS = [LookInParts(Answers(100, 85), Answers(100, match), 15) for match in (0, 50, 84, 100)]
"""From a disaster to a triumph: nothing about them may change how they are taken."""


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("side", list(Side))
def test_a_process_that_has_seen_few_answers_takes_a_look_in_parts(side: Side, look: LookInParts) -> None:
    for process in (exact_match.start(MARGIN, side), seasoned(side, 1979)):
        assert process.pseudo_scored < 2000
        assert exact_match.advance(process, look, 1e-9) == folded(process, look)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("side", list(Side))
def test_a_process_that_has_seen_many_answers_and_is_far_from_the_line_takes_a_look_whole(
    side: Side, look: LookInParts
) -> None:
    process = seasoned(side, 1980)
    assert process.pseudo_scored == 2000
    whole = exact_match.update(process, *look.whole)
    assert exact_match.advance(process, look, 1e-9) == whole != folded(process, look)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("side", list(Side))
def test_a_process_near_its_own_line_takes_a_look_in_parts_whatever_the_look_holds(
    side: Side, look: LookInParts
) -> None:
    process = seasoned(side, 6000)
    line = process.log_e + 1.5
    near, far = exp(-(line - 1e-6)), exp(-(line + 1e-6))
    assert exact_match.advance(process, look, min(near, 0.999)) == folded(process, look)
    assert exact_match.advance(process, look, min(far, 0.999)) == exact_match.update(process, *look.whole)


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(some_answers, some_answers), max_size=6), st.sampled_from(list(Side)), st.floats(1, 3))
def test_how_a_look_is_taken_follows_from_earlier_looks_alone(
    looks: list[tuple[Answers, Answers]], side: Side, dispersion: float
) -> None:
    process = exact_match.start(MARGIN, side)
    for at, (baseline, candidate) in enumerate(looks):
        seen = sum(b.scored + c.scored for b, c in looks[:at])
        fine = 20 + seen < 2000 or process.log_e >= np.log(1 / RISK) - 1.5
        look = LookInParts(baseline, candidate, at)
        expected = folded(process, look, dispersion) if fine else exact_match.update(process, *look.whole, dispersion)
        process = exact_match.advance(process, look, RISK, dispersion)
        assert process == expected


@pytest.mark.parametrize("side", list(Side))
def test_a_look_with_an_empty_arm_changes_nothing_in_parts_either(side: Side) -> None:
    process = seasoned(side, 500)
    for look in (LookInParts(Answers(0, 0), Answers(90, 50), 1), LookInParts(Answers(90, 50), Answers(0, 0), 1)):
        assert exact_match.advance(process, look, RISK) == process


# Pairs


pair_counts = st.builds(Pairs, *[st.one_of(st.integers(0, 400), st.integers(0, 2**62))] * 4)


@examples
@given(pair_counts, seeds)
def test_pairs_are_dealt_into_parts_that_add_up_and_a_record_is_dealt_alike(new: Pairs, seed: int) -> None:
    dealt = pairs.deal(new, seed)
    assert dealt == pairs.deal(new, seed)
    assert Pairs(*(sum(column) for column in zip(*dealt, strict=True))) == new
    assert all(min(part) >= 0 for part in dealt)


@examples
@given(st.integers(0, 3000), seeds)
def test_how_many_pairs_a_part_has_depends_on_their_number_alone(number: int, seed: int) -> None:
    sizes = [part.total for part in pairs.deal(Pairs(number), seed)]
    other = Pairs(number // 5, number // 3, 0, number - number // 5 - number // 3)
    assert [part.total for part in pairs.deal(other, seed + 1)] == sizes
    assert len(sizes) == max(1, min(number // 25, 8)) and max(sizes) - min(sizes) <= 1


def test_more_than_a_million_pairs_are_one_part() -> None:
    assert len(pairs.deal(Pairs(split_look.MOST_ANSWERS), 3)) == 8
    assert pairs.deal(Pairs(split_look.MOST_ANSWERS, 1), 3) == [Pairs(split_look.MOST_ANSWERS, 1)]
