"""How a trial shares requests: what an incumbent keeps, what steps allow, and what proposals reckon with."""

from __future__ import annotations

import pytest

from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.search.progress import Incumbent
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.search.trial_shares import weight_beside
from earlystop.rollout.state import RolloutState
from earlystop.rollout.trials.sequence import begin_search, terms_of
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import searched


def _trial(incumbent_weight: int, version: int = 3) -> TrialPlan:
    incumbent = Incumbent("window-20", (("window", "20"),), 0.2)
    weight = weight_beside(incumbent_weight, version)
    values = (("window", "10"),)
    return TrialPlan(
        1, 2, "window-10", values, 0.025, 9000, incumbent, incumbent_weight, version=version, candidate_weight=weight
    )


@every_row("incumbent_weight", range(1, 99))
@every_row(("version", "most_times"), [(3, 2), (4, 2), (5, 18 / 7)])
def test_each_share_is_a_percent_at_least_and_the_incumbent_keeps_what_it_is_promised(
    incumbent_weight: int, version: int, most_times: float
) -> None:
    trial = TrialPlan.of(_trial(incumbent_weight, version).wire())
    assert trial == _trial(incumbent_weight, version)
    for candidate in range(1, trial.largest_weight + 1):
        baseline = trial.baseline_weight(candidate)
        assert 1 <= baseline <= candidate and candidate <= most_times * baseline + 1
        assert 100 - baseline - candidate >= incumbent_weight


def test_beside_an_incumbent_with_a_half_of_the_requests_versions_share_the_rest_as_their_releases_did() -> None:
    assert [weight_beside(50, version) for version in (3, 4, 5)] == [33, 33, 36]


@pytest.mark.parametrize("weight", [0, 50, 51, "33", 33.0, True])
def test_a_plan_whose_candidate_leaves_nothing_to_the_baseline_is_refused(weight: object) -> None:
    with pytest.raises(ValueError, match="gives its candidate"):
        TrialPlan.of({**_trial(50).wire(), "candidateWeight": weight})


@pytest.mark.parametrize("below", [-0.1, 1.0, float("nan"), "0.02", 1])
def test_a_plan_that_gives_up_below_no_probability_is_refused(below: object) -> None:
    with pytest.raises(ValueError, match="gives up below"):
        TrialPlan.of({**_trial(50).wire(), "givesUpBelow": below})


@pytest.mark.parametrize(("steps", "part"), [([5, 25], 0.25), ([50], 0.5), ([5, 67], 0.67)])
def test_a_proposal_reckons_with_the_last_step_of_the_policy(steps: list[int], part: float) -> None:
    spec = searched(rollout={"steps": [{"weight": each} for each in steps]})
    started = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
    assert terms_of(spec, started, 1, NOTHING_USED).candidate_part == pytest.approx(part)
    assert terms_of(spec, started, 1, NOTHING_USED, version=2).candidate_part == 0.5
