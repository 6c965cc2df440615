"""The map from query classes to settings is right, wrong for hardly any class, and cheaper than a search for each."""

from __future__ import annotations

from math import sqrt

from tests.bench.classes import AT_THE_EDGE, CLASSES, RISK, figures, ladder_runs, map_runs

RUNS = 20


def test_the_whole_map_is_right_in_nearly_every_run_at_a_third_of_the_requests_of_a_ladder_for_each_class() -> None:
    """Each of six classes is wrong with at most 5 %; three standard deviations of a binomial above that are allowed."""
    mapped = figures(map_runs(CLASSES, range(RUNS)), CLASSES)
    searched = figures(ladder_runs(CLASSES, range(2), live=True), CLASSES)
    assert mapped.right >= 0.95 - 3 * sqrt(0.05 * 0.95 / RUNS)
    assert mapped.requests <= searched.requests / 3


def test_harm_just_beyond_the_margin_is_certified_no_more_often_than_the_risk_allows() -> None:
    """A class with four harmful settings, which lose 1.05 margins."""
    classes = AT_THE_EDGE[2:3]
    found = figures(map_runs(classes, range(RUNS), most=2000), classes)
    assert found.violated <= RISK + 3 * sqrt(RISK * (1 - RISK) / RUNS)
