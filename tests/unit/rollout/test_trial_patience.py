"""A trial is given the looks without which it could end in no certificate, or says why it cannot have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.searches import SEARCHES
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.evidence.scatter import KNOWN_LOOKS
from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import Offer
from earlystop.rollout.search.trial import Proposal
from earlystop.rollout.search.worth import MOST_TIMES
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, RolloutState
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.trials.sequence import begin_search, next_proposal, terms_of
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import SAFE_BUT_LAST, Truth, World, ends, searched

LOOKS_TO_LEARN = looks_to_learn(KNOWN_LOOKS)
LEARNS = {"exactMatch": {"margin": "0.05", "assumeIndependent": False}}
"""The objective of a policy that says nothing of how answers scatter."""


def after_one_trial(world: World) -> RolloutState:
    """The first trial is over."""
    return world.run(lambda state: state.phase in BETWEEN_TRIALS | ENDED)


@pytest.mark.slow
def test_a_promising_trial_goes_on_until_it_is_known_how_much_answers_scatter() -> None:
    world = World(searched({"horizonRequests": 3_000_000}, objective=LEARNS), SAFE_BUT_LAST)
    state = after_one_trial(world)
    trial = state.pinned_plan.trial
    assert trial is not None and state.search is not None
    assert ends(state) == [("window-20", "Certified")] and len(state.looks) >= LOOKS_TO_LEARN
    assert state.search.trials[0].outcome.requests > trial.requests
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


@pytest.mark.parametrize("strategy", ["Ladder", "Bayesian", "External"])
def test_no_trial_is_given_fewer_requests_than_the_looks_take_before_which_nothing_is_certified(strategy: str) -> None:
    offers = (WaitingOffer(0, "optuna", "optuna-1"),)
    for horizon in (200_000, 3_000_000):
        spec = searched({"strategy": strategy, "horizonRequests": horizon}, objective=LEARNS)
        started = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
        terms = terms_of(spec, started, 1, NOTHING_USED)
        # 64 looks, 64 twice as long, and 32 four times as long, of 100 requests at first.
        assert terms.requests_awaited == (64 + 2 * 64 + 4 * 32) * 100
        proposed = next_proposal(spec, started, 1, NOTHING_USED, offers)
        assert isinstance(proposed, Proposal) and proposed.requests >= terms.requests_awaited


def test_a_budget_bounds_a_trial_that_would_wait_and_who_says_how_answers_scatter_waits_for_nothing() -> None:
    spec = searched({"budget": {"requests": 9_000}, "horizonRequests": 3_000_000}, objective=LEARNS)
    started = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
    proposed = next_proposal(spec, started, 1, NOTHING_USED)
    assert isinstance(proposed, Proposal) and proposed.requests == 9_000
    for stated in ({"assumeIndependent": True}, {"dispersion": "3"}):
        told = searched({}, objective={"exactMatch": {"margin": "0.05", **stated}})
        assert terms_of(told, started, 1, NOTHING_USED).wait == 0


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_declared_session_shortens_each_trial() -> None:
    short = {"exactMatch": {"margin": "0.05", "assumeIndependent": False, "longestSessionSeconds": 60}}
    spec = searched({"horizonRequests": 3_000_000}, objective=short)
    terms = terms_of(spec, begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False), 1, NOTHING_USED)
    assert terms.requests_awaited == (64 + 16 * 2) * 100
    state = after_one_trial(World(spec, SAFE_BUT_LAST))
    assert ends(state) == [("window-20", "Certified")] and looks_to_learn(16) <= len(state.looks) < LOOKS_TO_LEARN


NEAR_MARGIN = dict.fromkeys(SAFE_BUT_LAST, Truth(exact_match=0.765, mean_tokens=400))
"""Settings whose proof takes somewhat more requests than trials are proposed for."""


def test_a_trial_that_has_come_far_goes_on_beyond_its_requests_and_its_verdict_verifies() -> None:
    world = World(searched({"horizonRequests": 700_000}), NEAR_MARGIN)
    state = after_one_trial(world)
    trial = state.pinned_plan.trial
    assert trial is not None and state.search is not None
    assert ends(state) == [("window-20", "Certified")]
    assert trial.requests < state.search.trials[0].outcome.requests < MOST_TIMES * trial.requests
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


def test_a_trial_that_has_come_far_ends_with_the_requests_of_its_search() -> None:
    proposed = next_proposal(
        spec := searched({"horizonRequests": 3_000_000, "budget": {"requests": 36_000}}),
        begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False),
        1,
        NOTHING_USED,
    )
    assert isinstance(proposed, Proposal) and proposed.requests == 36_000
    state = after_one_trial(World(spec, NEAR_MARGIN))
    assert ends(state) == [("window-20", "Inconclusive")]
    assert state.decision is not None and "36,000 requests that this trial may take" in state.decision.message


@pytest.mark.parametrize("exact_match", [0.745, 0.75])
def test_a_trial_that_comes_to_nothing_is_given_up_before_its_requests_are_used_and_its_verdict_verifies(
    exact_match: float,
) -> None:
    truth = dict.fromkeys(SAFE_BUT_LAST, Truth(exact_match=exact_match, mean_tokens=400))
    world = World(searched({"horizonRequests": 1_000_000}), truth)
    state = after_one_trial(world)
    trial, decision = state.pinned_plan.trial, state.decision
    assert trial is not None and decision is not None and decision.reason == "TrialGivenUp"
    used = started_in(state.looks)
    assert trial.requests / 10 <= used < trial.requests and f"After {used:,} requests" in decision.message
    verdict = next(iter(world.verdicts.values()))
    assert object_differences(verdict) == []
    claimed = {**verdict, "spec": {**verdict["spec"], "reason": "TrialRequestsUsed"}}
    assert any("The message is not" in each for each in object_differences(claimed))


def proposed_by_one(exact_match: float, search: Mapping[str, Any] | None = None) -> World:
    """Somebody proposes a setting that answers so."""
    truth = dict.fromkeys(SAFE_BUT_LAST, Truth(exact_match=exact_match, mean_tokens=400))
    offer = Offer("2026-01-01T00:00:00Z", "p0", "optuna", (("window", "20"),))
    return World(searched({"strategy": "External", **(search or {})}), truth, offers=(offer,))


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, SEARCHES["External"].version])
def test_what_others_propose_goes_on_where_a_certificate_is_likely_unless_an_earlier_release_began_it(
    monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setitem(SEARCHES, "External", replace(SEARCHES["External"], version=version))
    longest = []
    for exact_match in (0.758, 0.76, 0.763):
        world = proposed_by_one(exact_match)
        state = after_one_trial(world)
        trial = state.pinned_plan.trial
        assert trial is not None and trial.proposer == "optuna" and trial.version == version
        longest.append(started_in(state.looks[:-1]) / trial.requests)
        monkeypatch.undo()
        assert [object_differences(each) for each in world.verdicts.values()] == [[]]
        monkeypatch.setitem(SEARCHES, "External", replace(SEARCHES["External"], version=version))
    assert max(longest) < (1 if version == 1 else MOST_TIMES)
    assert (max(longest) > 1) == (version > 1)


@pytest.mark.parametrize("version", [1, SEARCHES["External"].version])
def test_what_others_propose_is_given_up_where_no_certificate_is_likely_unless_an_earlier_release_began_it(
    monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setitem(SEARCHES, "External", replace(SEARCHES["External"], version=version))
        world = proposed_by_one(0.749)
        state = after_one_trial(world)
    assert state.decision is not None
    assert (state.decision.reason == "TrialGivenUp") == (version > 1)
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


@pytest.mark.parametrize(("exact_match", "budget"), [(0.766, 60_000), (0.77, 40_000)])
def test_what_others_propose_goes_on_within_its_proposers_share_of_the_requests(
    exact_match: float, budget: int
) -> None:
    state = after_one_trial(proposed_by_one(exact_match, {"budget": {"requests": budget}}))
    trial = state.pinned_plan.trial
    assert trial is not None and trial.requests == budget // 4
    assert trial.requests < started_in(state.looks[:-1]) < budget // 2 <= started_in(state.looks)


@pytest.mark.slow
def test_what_others_propose_goes_on_to_learn_within_its_proposers_share_of_the_requests_and_leaves_the_rest() -> None:
    budget, look = 60_000, 500
    spec = searched(
        {"strategy": "External", "budget": {"requests": budget}},
        objective=LEARNS,
        rollout={"lookSeconds": 5, "steps": [{"weight": 50}]},
    )
    proposed = [("ana", "20"), ("ben", "10"), ("carl", "30")]
    offers = tuple(
        Offer(f"2026-01-01T00:00:0{second}Z", f"p{second}", proposer, (("window", window),))
        for second, (proposer, window) in enumerate(proposed)
    )
    world = World(spec, SAFE_BUT_LAST, offers=offers)
    world.run(lambda state: state.phase in BETWEEN_TRIALS and len(ends(state)) == len(proposed))
    assert world.state.search is not None
    for place, trial in enumerate(world.state.search.trials, 1):
        share = budget // (place * (place + 1))
        assert trial.outcome.proposer == proposed[place - 1][0]
        assert share <= trial.outcome.requests < share + look
    assert [object_differences(each) for each in world.verdicts.values()] == [[]] * len(proposed)
