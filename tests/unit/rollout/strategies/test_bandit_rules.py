"""A Bandit moves requests and nothing else: what it promotes is certified, and users on losing settings are few."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.rollout.exposure import weights
from earlystop.rollout.search.bandit import Arm, shares
from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.state import TRYING, Phase, RolloutState, Verdict
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.policies import UID, examples, started
from tests.unit.rollout.several import Answering, observe
from tests.unit.rollout.strategies.searches import NAMES, search

WEIGHT, MARGIN = 80, 0.05
BANDIT = search("Bandit", {"steps": [{"weight": WEIGHT, "minimumSeconds": 60}]})
ANSWERING = st.builds(
    Answering, st.sampled_from([0.8, 0.79, 0.78, 0.7, 0.6, 0.4]), st.sampled_from([590, 400, 250, 100])
)
MOST_LOOKS = 40

HOLDING = st.builds(
    Arm,
    st.builds(Estimate, st.floats(-0.2, 0.0), st.just(0.005)),
    st.builds(Estimate, st.floats(0.05, 0.9), st.just(0.01)),
)
LOSING = st.builds(
    Arm,
    st.builds(Estimate, st.floats(0.1, 0.9), st.just(0.005)),
    st.builds(Estimate, st.floats(-0.5, 0.9), st.just(0.01)),
)


@pytest.mark.slow
@settings(examples)
@given(
    holding=st.lists(HOLDING, min_size=1, max_size=6),
    losing=st.lists(LOSING, min_size=1, max_size=9),
    weight=st.integers(15, 99),
    seed=st.text(max_size=8),
)
def test_a_losing_setting_has_no_more_than_its_part_of_the_half_that_is_shared_evenly(
    holding: list[Arm], losing: list[Arm], weight: int, seed: str
) -> None:
    arms = [*losing, *holding]
    found = shares(arms, weight, MARGIN, seed)
    free = weight - len(arms)
    assert max(found[: len(losing)]) <= 1 + free / 2 / len(arms)
    assert sum(found[: len(losing)]) <= len(losing) + free / 2 * len(losing) / len(arms)


def campaign(answering: tuple[Answering, ...]) -> list[RolloutState]:
    """Every state of a campaign until its decision, or until so many looks."""
    states = [started(BANDIT)]
    while states[-1].phase in TRYING and len(states) <= MOST_LOOKS:
        states.append(observe(BANDIT, states[-1], answering, requests=1500))
    return states


@pytest.mark.slow
@settings(examples, max_examples=12)
@given(answering=st.tuples(*[ANSWERING] * len(NAMES)))
def test_whatever_settings_are_like_a_bandit_promotes_one_that_is_certified_and_its_verdict_verifies(
    answering: tuple[Answering, ...],
) -> None:
    states = campaign(answering)
    truth = dict(zip(NAMES, answering, strict=True))
    for state in states:
        certified = {each.name for each in state.comparisons if each.certified_at is not None}
        assert all(truth[name].exact_match > 0.8 - MARGIN for name in certified)
    decision = states[-1].decision
    if decision is None:
        return
    assert differences(verdict_spec("qa", UID, states[-1])) == []
    if decision.verdict is Verdict.PROMOTE:
        leader = next(each for each in states[-1].comparisons if each.name == decision.candidate)
        assert leader.certified_at is not None and leader.dropped is None
    else:
        assert states[-1].phase is not Phase.PROMOTING


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_users_on_losing_settings_are_a_bounded_part_of_all_and_none_once_harm_is_shown(bad: int) -> None:
    answering = (Answering(0.4, 100),) * bad + (Answering(0.8, 450),) * (len(NAMES) - bad)
    states = campaign(answering)
    lost = served = 0.0
    for state in states[:-1]:
        if state.phase not in TRYING:
            continue
        percents = weights(state)
        assert percents is not None
        named = dict(zip([each.name for each in state.comparisons], percents[1:], strict=True))
        dropped = [each.name for each in state.comparisons if each.dropped is not None]
        assert all(named[each] == 0 for each in dropped)
        on_losing = sum(named[each] for each in NAMES[:bad])
        assert on_losing <= WEIGHT * bad / len(NAMES), "no more than at even shares, with which it begins"
        lost, served = lost + on_losing, served + 100
    left = {each.name for each in states[-1].comparisons if each.dropped is not None}
    assert set(NAMES[:bad]) <= left
    assert lost / served <= WEIGHT / 100 * bad / len(NAMES)
