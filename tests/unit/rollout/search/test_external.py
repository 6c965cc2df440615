"""What others propose is tried in turn, and nobody's proposals spend another's share of the risk."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.search.external import External, WaitingOffer, level, own_requests, trials_of
from earlystop.rollout.search.trial import Estimate, SearchTerms, TrialEnd, TrialOutcome
from tests.bench.external_adversary import levels_of, runs_that_certify
from tests.turns import Turns
from tests.unit.rollout.policies import examples
from tests.unit.rollout.search.made_up import TERMS, Truth, largest_error, rungs, savings_of, search

SETTINGS = rungs(10)


def waiting(*proposers: str) -> External:
    """The n-th setting is proposed by the n-th of these."""
    return External(tuple(WaitingOffer(index, name, f"p{index}") for index, name in enumerate(proposers)))


def order(proposer: External, losses: list[float], terms: SearchTerms = TERMS) -> list[tuple[str, int]]:
    """Whose setting is tried after whose, where the truth decides."""
    truth = Truth(losses, savings_of(len(SETTINGS)))
    return [(each.proposer, each.setting) for each in search(proposer, SETTINGS, truth, terms)]


def test_proposers_take_turns_however_many_settings_one_of_them_proposes() -> None:
    tried = order(waiting("flood", "flood", "flood", "flood", "ana", "flood", "ben"), [0.0] * 10)
    assert tried[:3] == [("flood", 0), ("ana", 4), ("ben", 6)]
    assert [setting for name, setting in tried if name == "flood"] == [0, 1, 2, 3, 5]


def test_failures_of_one_proposer_end_its_own_trials_alone() -> None:
    tried = order(waiting(*["bad"] * 6, "good", "good"), [0.5] * 6 + [0.0] * 4)
    assert [name for name, _ in tried] == ["bad", "good", "bad", "good", "bad"], "three may fail of each"


def test_without_anything_that_waits_there_is_no_trial() -> None:
    assert External().propose(SETTINGS, (), TERMS, None, 1) is None
    assert waiting("ana").propose(SETTINGS, (), SearchTerms(0.02, 0.1, 0.05, 3, 50, 10**6), None, 1) is None


rows = st.lists(st.tuples(st.sampled_from(["ana", "ben", "cy", "dee"]), st.sampled_from(list(TrialEnd))), max_size=12)


@pytest.mark.slow
@examples
@given(rows, st.sampled_from(["ana", "ben", "eve"]))
def test_no_other_proposers_outcomes_change_what_a_proposer_who_was_tried_may_spend(
    drawn: list[tuple[str, TrialEnd]], name: str
) -> None:
    first = TrialOutcome(0, TrialEnd.CERTIFIED, 0.01, None, None, 1, name)
    outcomes = [TrialOutcome(0, end, 0.01, None, None, 1, whose) for whose, end in drawn]
    own = [each for each in outcomes if each.proposer == name]
    assert level(0.05, name, [first, *outcomes]) == level(0.05, name, [first, *own])


@pytest.mark.slow
@examples
@given(rows)
def test_all_levels_that_were_ever_spent_add_up_to_less_than_the_risk(drawn: list[tuple[str, TrialEnd]]) -> None:
    outcomes: list[TrialOutcome] = []
    spent = 0.0
    for name, end in drawn:
        risk = level(0.05, name, outcomes)
        spent += risk if end is not TrialEnd.CERTIFIED else 0.0
        outcomes.append(TrialOutcome(0, end, risk, None, None, 1, name))
    last = {name: level(0.05, name, outcomes) for name in {each.proposer for each in outcomes}}
    assert spent + sum(last.values()) < 0.05


@pytest.mark.parametrize("names", [("eve",) * 7, ("eve", "ana", "eve", "eve", "ben", "eve"), tuple("abcdefg")])
def test_whoever_proposes_what_a_violating_setting_is_certified_no_more_often_than_the_risk_allows(
    names: tuple[str, ...],
) -> None:
    estimates = [Estimate(0.05, 0.01)] * len(SETTINGS)
    assert largest_error(waiting(*names), SETTINGS, TERMS, None, estimates) <= TERMS.risk


@pytest.mark.slow
@examples
@given(st.integers(1, 5), st.integers(0, 30), st.one_of(st.none(), st.integers(100, 10**7)))
def test_a_trial_takes_no_more_than_half_of_what_is_left_to_its_proposer(
    tried: int, failed: int, left: int | None
) -> None:
    outcomes = [TrialOutcome(9, TrialEnd.HARMFUL, 0.01, Estimate(0.05, 0.01), None, 4000, "x") for _ in range(failed)]
    terms = SearchTerms(0.02, 0.1, 0.05, 100, left, 10**6)
    found = waiting(*["ana"] * tried).propose(SETTINGS, outcomes, terms, None, 1)
    assert found is not None and found.setting == trials_of("ana", outcomes)
    if left is not None:
        own = (left + 4000 * failed) // (2 if failed == 0 else 6)
        assert 0 < found.requests <= min(left, own, max(own // 2, 2000))


@pytest.mark.slow
@examples
@given(st.lists(st.sampled_from(["eve", "ana", "ben", "cy"]), max_size=40), st.integers(20_000, 10**6))
def test_trials_of_the_kth_proposer_never_take_more_than_its_part_of_the_budget(names: list[str], whole: int) -> None:
    outcomes: list[TrialOutcome] = []
    for name in names:
        used = sum(each.requests for each in outcomes)
        terms = SearchTerms(0.02, 0.1, 0.05, 1000, whole - used, 10**6)
        found = External((WaitingOffer(0, name, "p"),)).propose(SETTINGS, outcomes, terms, None, 1)
        if found is None:
            assert own_requests(name, outcomes, whole) == 0
            continue
        outcomes.append(TrialOutcome(1, TrialEnd.INCONCLUSIVE, found.risk, None, None, found.requests, name))
    for place, name in enumerate(dict.fromkeys(each.proposer for each in outcomes), 1):
        taken = sum(each.requests for each in outcomes if each.proposer == name)
        assert taken <= whole // (place * (place + 1))


def test_who_proposes_first_and_without_end_leaves_a_second_proposer_enough_to_be_tried() -> None:
    waits = External(tuple(WaitingOffer(setting, "eve", f"p{setting}") for setting in range(8)))
    outcomes: list[TrialOutcome] = []
    terms = SearchTerms(0.02, 0.1, 0.05, 1000, 60_000, 10**6)
    turns = Turns()
    while (found := waits.propose(SETTINGS, outcomes, terms, None, 1)) is not None and turns.another():
        outcomes.append(TrialOutcome(found.setting, TrialEnd.HARMFUL, found.risk, None, None, found.requests, "eve"))
        terms = replace(terms, requests=60_000 - sum(each.requests for each in outcomes))
    assert sum(each.requests for each in outcomes) == 30_000
    later = External((*waits.waiting, WaitingOffer(9, "alice", "a")))
    found = later.propose(SETTINGS, outcomes, terms, None, 1)
    assert found is not None and (found.proposer, found.requests) == ("alice", 5_000)


def test_ten_harmful_proposals_of_each_of_four_adversaries_hardly_ever_certify_any() -> None:
    rng, runs = np.random.default_rng(7), 100
    certified = runs_that_certify(rng, runs, levels_of(0.05, proposers=4, each=10), looks=20)
    # 5 % of 100 runs, and three standard deviations of a binomial.
    assert certified <= 11


@pytest.mark.parametrize(("proposers", "each"), list(product((1, 3), (1, 4))))
def test_the_levels_of_the_simulation_are_those_of_the_proposer(proposers: int, each: int) -> None:
    names = [f"p{number}" for number in range(proposers)] * each
    outcomes: list[TrialOutcome] = []
    for name, expected in zip(names, levels_of(0.05, proposers, each), strict=True):
        assert level(0.05, name, outcomes) == pytest.approx(expected)
        outcomes.append(TrialOutcome(0, TrialEnd.HARMFUL, 0.01, None, None, 1, name))
