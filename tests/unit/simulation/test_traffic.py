"""Made-up traffic has the truth that it is told, and its counts agree with each other."""

from __future__ import annotations

from math import sqrt

import pytest
from numpy.random import default_rng

from earlystop.api.counts import ClassAnswers, Tally
from earlystop.rollout.state import Totals
from earlystop.simulation.traffic import SyntheticTraffic, more_in_shadow, more_split, paired

TRAFFIC = SyntheticTraffic(rate=100, baseline_em=0.7, em_loss=0.05, saving=0.4, discordance=0.15)


def test_in_shadow_pairs_agree_with_both_answers_and_each_candidate_has_the_truth() -> None:
    totals = more_in_shadow((Totals(),) * 3, TRAFFIC, default_rng(1), 1000)
    for each in totals:
        pairs, baseline, candidate = each.candidate.pairs, each.baseline, each.candidate
        assert baseline == totals[0].baseline and candidate.completed == candidate.started == baseline.completed
        assert (pairs.both + pairs.baseline_only, pairs.both + pairs.candidate_only) == (
            baseline.match,
            candidate.match,
        )
        assert pairs.total == baseline.completed
        noise = 4 / sqrt(pairs.total)
        assert (pairs.baseline_only + pairs.candidate_only) / pairs.total == pytest.approx(0.15, abs=0.36 * noise)
        assert (baseline.match - candidate.match) / pairs.total == pytest.approx(0.05, abs=0.39 * noise)
        assert candidate.tokens / baseline.tokens == pytest.approx(0.6, abs=1e-3)
    assert len({each.candidate.pairs for each in totals}) == 3


def test_split_requests_go_to_variants_by_weight_and_classes_are_parts_of_their_answers() -> None:
    start = Totals(classes=(ClassAnswers(), ClassAnswers()))
    first = more_split((start, start), TRAFFIC, default_rng(2), 1000, (60, 30, 10))
    totals = more_split(first, TRAFFIC, default_rng(3), 1000, (60, 40, 0))
    assert totals[1].candidate == first[1].candidate  # no more requests without weight
    for each, expected in zip(totals, (70_000, 10_000), strict=True):
        assert each.candidate.completed == pytest.approx(expected, abs=5 * sqrt(expected))
        assert each.baseline == totals[0].baseline
        for arm, match in ((each.baseline, "baseline_match"), (each.candidate, "candidate_match")):
            of_classes = [getattr(answers, match) for answers in each.classes]
            assert all(part == pytest.approx(arm.match / 3, abs=5 * sqrt(arm.match)) for part in of_classes)
            assert sum(of_classes) <= arm.match


def test_a_world_without_room_for_its_pairs_says_how_many_there_can_be() -> None:
    with pytest.raises(ValueError, match=r"leave 0.02 for pairs .* at most that, not 0.06"):
        _ = SyntheticTraffic(baseline_em=0.99).pair_shares
    assert sum(SyntheticTraffic(baseline_em=0.97).pair_shares) == pytest.approx(1)


def test_answers_to_golden_questions_that_are_missing_are_wrong_ones_in_their_pairs_and_told_apart() -> None:
    truth = SyntheticTraffic(
        baseline_em=0.7, em_loss=0.05, discordance=0.15, baseline_missing=0.3, candidate_missing=0.1
    )
    asked = 200_000
    counted = paired(Totals(Tally(completed=asked // 2), Tally(completed=asked // 2)), truth, default_rng(4)).candidate
    pairs, answers = counted.pairs, counted.pair_answers
    assert answers.known == pairs.total
    # Shares of all that were asked, whose standard errors are at most a quarter of a point.
    for found, share in (
        (answers.whole, 0.7 * 0.9),
        (answers.without_baseline_right, 0.3 * 0.9 * 0.65),
        (answers.without_candidate_right, 0.7 * 0.1 * 0.7),
        (pairs.both, 0.7 * 0.9 * 0.6),
        (pairs.candidate_only, 0.9 * 0.65 - 0.7 * 0.9 * 0.6),
        (pairs.baseline_only, 0.7 * 0.7 - 0.7 * 0.9 * 0.6),
        (pairs.total, 1 - 0.3 * 0.1),
    ):
        assert found / asked == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("missing", [{"baseline_missing": 1.0}, {"candidate_missing": -0.1}])
def test_a_share_of_missing_answers_that_cannot_be_is_refused(missing: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="share of answers that are missing"):
        SyntheticTraffic(**missing)
