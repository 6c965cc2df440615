"""What missing answers cost is what they add to the variance of a proof, and what is left out costs itself alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence.bets import Side
from earlystop.simulation.missing_cost import seen_in_answers, seen_in_pairs, supposed_cost
from earlystop.simulation.planning import Question
from tests.bench.street_attrition import least_cost
from tests.bench.street_pairs import Missing, look_of

ANSWERS = Question(0.85, 0.0, 0.02)
PAIRS = replace(ANSWERS, discordance=0.06)


@pytest.mark.parametrize("missing", [0.01, 0.02, 0.05, 0.1])
def test_answers_that_count_as_wrong_cost_about_what_no_test_can_do_without(missing: float) -> None:
    found = supposed_cost(ANSWERS, 0.5, missing)
    assert found is not None
    assert found.as_wrong == pytest.approx(least_cost(missing), rel=0.01) and found.left_out == 1 / (1 - missing)


def test_pairs_that_lack_an_answer_cost_more_where_they_count_as_wrong_the_more_answers_are_right() -> None:
    found, worse = supposed_cost(PAIRS, 0.5, 0.05), supposed_cost(replace(PAIRS, baseline_rate=0.5), 0.5, 0.05)
    assert found is not None and worse is not None
    assert found.as_wrong == pytest.approx((0.06 * 0.95**2 + 2 * 0.05 * 0.95 * 0.85) / 0.06)
    assert worse.as_wrong < found.as_wrong
    assert found.left_out == 1 / 0.95**2


def test_a_loss_that_missing_answers_hide_has_no_cost_of_a_proof() -> None:
    losing = replace(ANSWERS, difference=-0.0205, side=Side.HARM)
    assert supposed_cost(losing, 0.5, 0.01) is not None and supposed_cost(losing, 0.5, 0.05) is None


def test_what_pairs_have_lacked_is_what_was_supposed_of_them() -> None:
    rng, missing = np.random.default_rng(3), Missing(0.05, 0.05)
    found, supposed = (
        seen_in_pairs([look_of(rng, 0, 0.0, missing) for _ in range(800)]),
        supposed_cost(PAIRS, 0.5, 0.05),
    )
    assert found is not None and supposed is not None
    assert [found.baseline, found.candidate] == pytest.approx([0.05, 0.05], abs=0.005)
    assert found.cost.as_wrong == pytest.approx(supposed.as_wrong, rel=0.1)
    assert found.cost.left_out == pytest.approx(supposed.left_out, rel=0.02)
    # Who does not say whose answers are missing is not known to miss any.
    untold = look_of(rng, 0, 0.0, replace(missing, is_told=False))
    assert seen_in_pairs([untold]) is None and seen_in_pairs([]) is None


def test_what_could_not_be_scored_is_what_was_supposed_of_it_and_failed_requests_are_no_answers() -> None:
    arm, supposed = Tally(1000, 950, 50, match=8075, mismatch=1425, unscored=500), supposed_cost(ANSWERS, 0.5, 0.05)
    found = seen_in_answers(arm, arm)
    assert found is not None and supposed is not None and (found.baseline, found.candidate) == (0.05, 0.05)
    assert found.cost.as_wrong == pytest.approx(supposed.as_wrong)
    assert found.cost.left_out == pytest.approx(supposed.left_out)
    assert seen_in_answers(replace(arm, unscored=0), replace(arm, unscored=0)) is None
    assert seen_in_answers(replace(arm, mismatch=0), replace(arm, mismatch=0)) is None


def test_pairs_that_never_differ_where_both_answer_say_nothing_of_the_cost() -> None:
    tally = Tally(pairs_both=9, pairs_baseline_only=1, pairs_whole=9, pairs_without_candidate_right=1)
    assert seen_in_pairs([Look(1, 0, 50, Tally(), tally)]) is None
