"""Each query class has an interval of its own, which agrees with what is claimed about the class."""

from __future__ import annotations

import random

import pytest

from earlystop.api.counts import ClassAnswers, Look, Tally
from earlystop.evidence.class_differences import class_differences
from earlystop.evidence.engine import replay
from earlystop.evidence.objective import ClassMargin, Objective, class_claim

OBJECTIVE = Objective(
    margin=0.05,
    minimum_saving=0.1,
    risk_promote=0.05,
    risk_harm=0.05,
    classes=(ClassMargin("easy", 0.1), ClassMargin("hard", 0.12)),
)


def look(at: int, easy: ClassAnswers, hard: ClassAnswers) -> Look:
    """One in which only these classes have answers."""
    match_b, match_c = easy.baseline_match + hard.baseline_match, easy.candidate_match + hard.candidate_match
    miss_b = easy.baseline_mismatch + hard.baseline_mismatch
    miss_c = easy.candidate_mismatch + hard.candidate_mismatch
    arms = [
        Tally(started=match + miss, completed=match + miss, match=match, mismatch=miss, tokens=100 * (match + miss))
        for match, miss in ((match_b, miss_b), (match_c, miss_c))
    ]
    return Look(at, 0, 50, arms[0], arms[1], (easy, hard))


def drawn(rng: random.Random, baseline: float, candidate: float, answers: int) -> ClassAnswers:
    right_b, right_c = (sum(rng.random() < rate for _ in range(answers)) for rate in (baseline, candidate))
    return ClassAnswers(right_b, answers - right_b, right_c, answers - right_c)


def test_a_class_shows_its_own_rates_and_a_difference_that_no_other_class_moves() -> None:
    looks = [look(15 * n, ClassAnswers(80, 20, 80, 20), ClassAnswers(50, 50, 20, 80)) for n in range(1, 11)]
    easy, hard = class_differences(replay(OBJECTIVE, looks), looks)
    assert (easy.baseline.match, easy.baseline.scored, easy.candidate.match) == (800, 1000, 800)
    assert easy.difference.estimate == 0.0 and hard.difference.estimate is not None
    assert round(hard.difference.estimate, 9) == -0.3


def test_an_interval_excludes_the_margin_of_its_class_exactly_where_harm_to_the_class_is_proven() -> None:
    rng = random.Random(7)
    for loss in (0.0, 0.1, 0.2, 0.3):
        looks = [look(15 * n, drawn(rng, 0.8, 0.8, 40), drawn(rng, 0.8, 0.8 - loss, 40)) for n in range(1, 30)]
        state = replay(OBJECTIVE, looks)
        for each in class_differences(state, looks):
            high = each.difference.high
            assert high is not None
            assert (high < -each.margin) == (class_claim(each.name) in state.assessment.harms)


@pytest.mark.slow
def test_the_true_difference_of_a_class_is_outside_its_interval_at_some_look_in_few_campaigns() -> None:
    rng = random.Random(11)
    campaigns, missed = 60, 0
    for _ in range(campaigns):
        looks: list[Look] = []
        outside = False
        for n in range(1, 21):
            looks.append(look(15 * n, drawn(rng, 0.8, 0.78, 30), drawn(rng, 0.5, 0.5, 30)))
            if n % 5 == 0:
                easy, _ = class_differences(replay(OBJECTIVE, looks), looks)
                low, high = easy.difference.low, easy.difference.high
                outside |= low is None or high is None or not low <= -0.02 <= high
        missed += outside
    assert missed <= 6  # at most 5 % below and the share of the risk of harm above


def test_a_policy_without_classes_has_no_such_table_and_a_class_without_answers_no_rate() -> None:
    looks = [look(15, ClassAnswers(8, 2, 8, 2), ClassAnswers())]
    assert (
        class_differences(replay(Objective(margin=0.05, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05), []), [])
        == ()
    )
    _, hard = class_differences(replay(OBJECTIVE, looks), looks)
    assert hard.difference.estimate is None and hard.baseline.scored == 0


def test_the_lower_end_is_no_further_out_than_the_evidence_says_where_no_certificate_is_asked_for() -> None:
    looks = [look(15 * n, ClassAnswers(320, 80, 320, 80), ClassAnswers(320, 80, 320, 80)) for n in range(1, 30)]
    for each in class_differences(replay(OBJECTIVE, looks), looks):
        assert each.difference.low is not None and -0.04 < each.difference.low < 0.0
