"""A trial is given the looks without which it could end in no certificate, or says why it cannot have them."""

from __future__ import annotations

from earlystop.rollout.search.patience import LOOKS_TO_LEARN
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, RolloutState
from earlystop.rollout.verify import object_differences
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, ends, searched

LEARNS = {"exactMatch": {"margin": "0.05", "assumeIndependent": False}}
"""The objective of a policy that says nothing of how answers scatter."""


def after_one_trial(world: World) -> RolloutState:
    """The first trial is over."""
    return world.run(lambda state: state.phase in BETWEEN_TRIALS | ENDED)


def test_a_promising_trial_goes_on_until_it_is_known_how_much_answers_scatter() -> None:
    world = World(searched({"horizonRequests": 3_000_000}, objective=LEARNS), SAFE_BUT_LAST)
    state = after_one_trial(world)
    trial = state.pinned_plan.trial
    assert trial is not None and state.search is not None
    assert ends(state) == [("window-20", "Certified")] and len(state.looks) >= LOOKS_TO_LEARN
    assert state.search.trials[0].outcome.requests > trial.requests
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


def test_a_trial_that_the_searchs_requests_end_before_says_what_to_write() -> None:
    world = World(
        searched({"budget": {"requests": 60_000}, "horizonRequests": 3_000_000}, objective=LEARNS), SAFE_BUT_LAST
    )
    state = after_one_trial(world)
    assert state.decision is not None and state.decision.reason == "TrialRequestsUsed"
    for advice in ("assumeIndependent", "exactMatch.dispersion", "rollout.lookSeconds", "search.budget.requests"):
        assert advice in state.decision.message
    assert state.search is not None and state.search.requests >= 60_000
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


def test_a_trial_that_goes_badly_is_given_no_more_requests() -> None:
    truth = dict.fromkeys(SAFE_BUT_LAST, SAFE_BUT_LAST["window-5"])
    state = after_one_trial(World(searched({"horizonRequests": 3_000_000}, objective=LEARNS), truth))
    assert ends(state)[0][1] == "Harmful" and len(state.looks) < LOOKS_TO_LEARN
