"""The benchmark's engine is the operator's, and its group-sequential rival has the published boundaries."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import exact_match, split_look, strata
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.split_look import LookInParts
from earlystop.evidence.strata import Arms
from tests.bench import group_sequential, statistics_paths
from tests.bench.group_sequential import obrien_fleming, pocock
from tests.bench.statistics_paths import Array, Stream, first_claims
from tests.bench.statistics_regret import cell
from tests.bench.statistics_stress import learned_factors

MARGIN = 0.02
SEED = 5


def scalar_claims(stream: Stream, side: Side, dispersion: list[float]) -> list[int]:
    """The operator's own processes on the same answers."""
    looks = stream.n_b.shape[1]
    found = []
    for run, factor in enumerate(dispersion):
        process = strata.start(MARGIN, side)
        claimed = looks
        for look in range(looks):
            columns = (
                part[run, look].astype(int).tolist() for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c)
            )
            rows = zip(*columns, strict=True)
            classes = {str(k): Arms(Answers(nb, xb), Answers(nc, xc)) for k, (nb, xb, nc, xc) in enumerate(rows)}
            process = strata.update(process, classes, factor, share=50)
            if process.log_e_max >= -np.log(0.05):
                claimed = look
                break
        found.append(claimed)
    return found


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("effects", [(-0.06, -0.1), (0.04, 0.02)])
def test_the_benchmark_decides_at_the_same_look_as_the_operator(side: Side, effects: tuple[float, float]) -> None:
    rng = np.random.default_rng(26)
    stream = statistics_paths.classes(rng, 15, 40, 120, (0.7, 0.3), (0.85, 0.5), effects)
    factors = rng.uniform(1, 2, 15)
    found = first_claims(stream, MARGIN, side, exact_match.default_grid(side), dispersion=factors)
    assert found.tolist() == scalar_claims(stream, side, factors.tolist())


@pytest.mark.parametrize(("side", "effect"), [(Side.PROMOTE, 0.04), (Side.HARM, -0.08)])
def test_the_benchmark_takes_looks_in_parts_as_the_operator_does(side: Side, effect: float) -> None:
    stream = statistics_paths.varied(
        np.random.default_rng(28), 12, 60, 130, lambda t: 0.3, lambda t: 0.85 - 0.1 * t, effect
    )
    found = first_claims(stream, MARGIN, side, exact_match.default_grid(side), deal=same_deal)
    scalar = []
    for run in range(12):
        process, claimed = exact_match.start(MARGIN, side), 60
        for look in range(60):
            n_b, x_b, n_c, x_c = (int(part[run, look, 0]) for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c))
            whole = LookInParts(Answers(n_b, x_b), Answers(n_c, x_c), SEED)
            process = exact_match.advance(process, whole, 0.05)
            if process.log_e_max >= -np.log(0.05):
                claimed = look
                break
        scalar.append(claimed)
    assert found.tolist() == scalar
    assert min(scalar) < 60


def same_deal(n_b: Array, x_b: Array, n_c: Array, x_c: Array) -> tuple[Array, Array, Array, Array]:
    """The operator's own deal, as the benchmark wants it: (parts, runs), empty where a run has fewer parts."""
    dealt = [
        split_look.deal(Answers(int(nb), int(xb)), Answers(int(nc), int(xc)), SEED)
        for nb, xb, nc, xc in zip(n_b, x_b, n_c, x_c, strict=True)
    ]
    table = np.zeros((4, max(map(len, dealt)), len(dealt)))
    for run, looks in enumerate(dealt):
        for k, (baseline, candidate) in enumerate(looks):
            table[:, k, run] = (*baseline, *candidate)
    return table[0], table[1], table[2], table[3]


@pytest.mark.slow
def test_the_benchmarks_deal_follows_the_law_of_the_operators() -> None:
    runs = 4000
    counts = (np.full(runs, 60.0), np.full(runs, 48.0), np.full(runs, 23.0), np.full(runs, 20.0))
    drawn = statistics_paths.dealt(np.random.default_rng(29))(*counts)
    own = [split_look.deal(Answers(60, 48), Answers(23, 20), seed) for seed in range(runs)]
    assert [size.tolist() for size in drawn[0][:, :1].T] == [[part[0].scored for part in own[0]]]
    for arm, matches in ((0, drawn[1]), (1, drawn[3])):
        for k in range(len(own[0])):
            theirs = np.array([deal[k][arm].match for deal in own])
            # Two means of as many draws each: five standard errors of their difference.
            error = np.sqrt((matches[k].var() + theirs.var()) / runs)
            assert abs(matches[k].mean() - theirs.mean()) <= 5 * error
            assert matches[k].var() == pytest.approx(theirs.var(), rel=5 * np.sqrt(4 / runs))


def test_the_benchmarks_look_has_the_floats_of_the_operator() -> None:
    rng = np.random.default_rng(27)
    n_b, n_c = rng.integers(1, 300, (40, 1)), rng.integers(1, 300, (40, 1))
    x_b, x_c = rng.integers(0, n_b + 1), rng.integers(0, n_c + 1)
    guess = rng.uniform(0, 1, (40, 1))
    gaps = [MARGIN * size for size in exact_match.PROMOTE_GRID.sizes]
    for side in Side:
        baseline, candidate = (n_b.astype(float), x_b.astype(float)), (n_c.astype(float), x_c.astype(float))
        found = statistics_paths.look_gains(*baseline, *candidate, guess, MARGIN, side, np.array(gaps))
        for run in range(40):
            arms = Answers(int(n_b[run, 0]), int(x_b[run, 0])), Answers(int(n_c[run, 0]), int(x_c[run, 0]))
            expected = exact_match.look_log_e(*arms, float(guess[run, 0]), MARGIN, side, gaps)
            assert found[run] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("looks", "strict", "even"), [(2, 1.977, 2.178), (5, 2.040, 2.413), (10, 2.087, 2.555)])
def test_group_sequential_constants_equal_the_published_ones(looks: int, strict: float, even: float) -> None:
    assert group_sequential.constant(looks, 0.05, obrien_fleming, two_sided=True) == pytest.approx(strict, abs=6e-4)
    assert group_sequential.constant(looks, 0.05, pocock, two_sided=True) == pytest.approx(even, abs=6e-4)


@pytest.mark.slow
def test_spending_limits_equal_the_published_ones() -> None:
    quarters = group_sequential.spending_limits(0.05, [0.25, 0.5, 0.75, 1.0])
    assert quarters == pytest.approx([3.74955, 2.53994, 2.01607, 1.72018], abs=1e-5)
    fifths = group_sequential.spending_limits(0.025, [0.2, 0.4, 0.6, 0.8, 1.0])
    assert fifths == pytest.approx([4.87688, 3.35701, 2.68028, 2.28982, 2.03103], abs=1e-5)


def test_a_cell_of_the_regret_curve_compares_both_priors_on_the_same_streams() -> None:
    found = cell(np.random.default_rng(28), 60, Side.HARM, 0.5, 0.85, 4.0)
    assert 0.5 < found.ours < 3 and 0.5 < found.reference < 3 and found.power == 1
    assert found.excess == pytest.approx(found.ours / found.reference)


def test_runs_of_the_benchmark_learn_a_factor_close_to_the_design_effect() -> None:
    past = statistics_paths.sessions(np.random.default_rng(29), 40, 60, 200, 0.85, 0.0, 5, 0.3)
    assert learned_factors(past).mean() == pytest.approx(2.2, rel=0.1)
