"""Which strategy of a search `plan` recommends, from how simulated searches ended."""

from __future__ import annotations

from earlystop.simulation.search_policy import SearchFigures, recommendation


def figures(strategy: str, saving: float) -> SearchFigures:
    return SearchFigures(
        strategy=strategy,
        wrong=0.0,
        at_best=0.8,
        none_found=0.0,
        saving=saving,
        best=0.5,
        requests_mean=5800.0,
        requests_ninety=11000.0,
        hours_mean=4.5,
        hours_ninety=7.8,
        served=1000.0,
        meanwhile=0.26,
        best_name="budget-2048",
        missed={},
        example=(),
    )


def test_a_difference_that_few_searches_cannot_show_is_no_reason_to_change_the_policys_strategy() -> None:
    said = recommendation([figures("Ladder", 0.467), figures("Bayesian", 0.469)], 1_000_000)
    assert said.startswith("Recommended: search.strategy Ladder. ") and said.endswith(" Bayesian will do as well.")


def test_a_strategy_that_saves_a_point_more_is_recommended_alone() -> None:
    said = recommendation([figures("Ladder", 0.44), figures("Bayesian", 0.469)], 1_000_000)
    assert said.startswith("Recommended: search.strategy Bayesian. ") and "as well" not in said
