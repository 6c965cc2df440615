"""What came of a trial is told with standard errors that the counts bear out."""

from __future__ import annotations

import random
from math import sqrt
from statistics import stdev

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence.engine import Objective, replay
from earlystop.evidence.objective import Basis
from earlystop.rollout.state import Comparison
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.trials.outcome import loss_of, saving_of
from tests.unit.rollout.traffic import answers

TRIALS = 120
SUPPOSED_FACTOR = 3.0
"""How much more than independent ones lengths are supposed to scatter while one look has shown nothing of it."""
SPREAD = 60.0
"""Standard deviation of a length, in tokens."""


def comparison(*looks: Look, basis: Basis = Basis.ANSWERS) -> Comparison:
    """A candidate with these looks."""
    objective = Objective(margin=0.05, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05, basis=basis)
    return Comparison("w5", replay(objective, looks), looks=looks)


def look(at: int, baseline: Tally, candidate: Tally) -> Look:
    """A look at an even split."""
    return Look(at, 0, 50, baseline, candidate)


def drawn(rng: random.Random, number: int, right: float, mean: float) -> Tally:
    """Counts of answers that are right with a probability, with lengths around a mean, as many answers have them."""
    match = round(rng.gauss(number * right, sqrt(number * right * (1 - right))))
    tokens = round(rng.gauss(number * mean, SPREAD * sqrt(number)))
    return Tally(number, number, 0, match, number - match, 0, tokens, round(number * (mean**2 + SPREAD**2)))


@pytest.mark.slow
def test_the_errors_are_how_much_estimates_scatter_between_trials() -> None:
    rng, losses, savings, errors = random.Random(5), [], [], []
    for _ in range(TRIALS):
        one = comparison(look(10, drawn(rng, 300, 0.8, 300), drawn(rng, 300, 0.75, 200)))
        loss, saving = loss_of(one), saving_of(one)
        assert loss is not None and saving is not None
        losses.append(loss.mean)
        savings.append(saving.mean)
        errors.append((loss.error, saving.error))
    # So many tell a standard deviation to within 6.5 %; three times that is allowed.
    assert stdev(losses) == pytest.approx(sum(each for each, _ in errors) / TRIALS, rel=0.2)
    supposed = sqrt(SUPPOSED_FACTOR) * stdev(savings)
    assert supposed == pytest.approx(sum(each for _, each in errors) / TRIALS, rel=0.2)


def test_of_pairs_only_those_that_differ_scatter() -> None:
    alike = Tally(500, 500, pairs_both=400, pairs_baseline_only=5, pairs_candidate_only=5, pairs_neither=90)
    differing = Tally(500, 500, pairs_both=290, pairs_baseline_only=105, pairs_candidate_only=105)
    errors = []
    for candidate in (alike, differing):
        loss = loss_of(comparison(look(10, Tally(500, 500), candidate), basis=Basis.PAIRS))
        assert loss is not None
        errors.append(loss.error)
    assert 3 * errors[0] < errors[1]


def test_before_any_answer_nothing_is_estimated_and_no_request_was_taken() -> None:
    nothing = comparison()
    assert (loss_of(nothing), saving_of(nothing), started_in(nothing.looks)) == (None, None, 0)


def test_the_requests_of_a_trial_are_those_of_both_variants_in_its_looks() -> None:
    assert started_in([look(10, answers(30), answers(20)), look(20, answers(5), answers(7))]) == 62
