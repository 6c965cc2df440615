"""Bandit: shares that follow the evidence, fixed before each look, and a certificate that does not depend on them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.search.bandit import Arm, shares
from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.state import TRYING, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.strategies import bandit
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.turns import Turns
from tests.unit.rollout.policies import UID, examples, started
from tests.unit.rollout.several import Answering, by_name, observe
from tests.unit.rollout.strategies.searches import CURVE, NAMES, search

BANDIT = search("Bandit", {"steps": [{"weight": 80, "minimumSeconds": 60}]})
ESTIMATES = st.builds(Estimate, st.floats(-0.5, 0.5), st.floats(1e-6, 0.3)) | st.none()
ARMS = st.lists(st.builds(Arm, ESTIMATES, ESTIMATES), min_size=1, max_size=12)


@cache
def ended() -> tuple[RolloutState, ...]:
    """Every state of a campaign until its decision."""
    states = [started(BANDIT)]
    turns = Turns()
    while states[-1].phase in TRYING and turns.another():
        assert len(states) < 400
        states.append(observe(BANDIT, states[-1], CURVE, requests=1200))
    return tuple(states)


@settings(examples, max_examples=20)
@given(ARMS, st.integers(12, 99), st.text(max_size=8))
def test_shares_leave_the_baseline_its_part_and_every_setting_one_percent(
    arms: list[Arm], weight: int, seed: str
) -> None:
    found = shares(arms, weight, 0.02, seed)
    assert len(found) == len(arms) and min(found) >= 1 and sum(found) <= weight
    assert found == shares(arms, weight, 0.02, seed)


@pytest.mark.slow
def test_shares_are_drawn_once_a_step_and_again_where_anything_differs_that_they_follow_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []

    def counted(arms: list[Arm], weight: int, margin: float, seed: str) -> tuple[int, ...]:
        drawn.append(seed)
        return shares(arms, weight, margin, seed)

    states = [each for each in ended() if each.phase in TRYING and each.step > 0]
    monkeypatch.setattr(bandit, "shares", counted)
    bandit._KNOWN.clear()
    for each in states:
        weights(each), weights(each)
    split = {(each.step, tuple(one.name for one in each.active)) for each in states}
    assert 1 < len(drawn) == len(split) < len(states)
    last = next(each for each in reversed(states) if len(each.active) > 1)
    first = last.comparisons[0]
    other = tuple(replace(look, candidate=look.baseline) for look in first.looks)
    assert other != tuple(first.looks)
    weights(replace(last, comparisons=(replace(first, looks=other), *last.comparisons[1:])))
    assert len(drawn) == len(split) + 1
    for number in range(bandit.MOST_KNOWN + 9):
        weights(replace(states[0], revision=str(number)))
    assert len(bandit._KNOWN) == bandit.MOST_KNOWN


def test_the_setting_that_saves_most_within_the_margin_gets_most_requests() -> None:
    known = [
        Arm(Estimate(loss, 0.002), Estimate(saving, 0.01)) for loss, saving in ((0, 0.1), (0.01, 0.4), (0.05, 0.6))
    ]
    careful, best, harmful = shares(known, 90, 0.02, "seed")
    assert best > 2 * careful and careful == harmful


def test_nothing_is_known_at_first_so_shares_are_even() -> None:
    assert shares([Arm(None, None)] * 4, 80, 0.02, "seed") == (20, 20, 20, 20)
    assert weights(started(BANDIT)) == (20, 20, 20, 20, 20)


def test_fewer_percents_than_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="write a weight of 3 or more"):
        shares([Arm(None, None)] * 3, 2, 0.02, "seed")


def test_shares_are_fixed_while_a_step_lasts_and_each_look_is_judged_by_them() -> None:
    by_step: dict[int, tuple[int, ...]] = {}
    for state in ended()[:-1]:
        shares_now = weights(state)
        assert shares_now is not None and sum(shares_now) == 100 and shares_now[0] >= 20
        assert by_step.setdefault(state.step, shares_now) == shares_now
    assert len(set(by_step.values())) > 1, "they have moved"
    for each in state.comparisons:
        place = 1 + NAMES.index(each.name)
        assert all(look.weight == by_step[look.step][place] for look in each.looks)
        assert not each.assessment.sample_ratio_broken


def test_the_best_setting_is_promoted_and_its_verdict_verifies() -> None:
    state = ended()[-1]
    assert state.decision is not None
    assert (state.decision.verdict, state.decision.candidate) == (Verdict.PROMOTE, "window-5")
    assert differences(verdict_spec("qa", UID, state)) == []


@pytest.mark.slow
def test_steps_grow_with_the_evidence_so_there_are_few() -> None:
    slow = (Answering(0.79, 560), Answering(0.79, 555), Answering(0.79, 550), Answering(0.79, 545))
    state = started(BANDIT)
    for _ in range(24):
        state = observe(BANDIT, state, slow, requests=800)
    assert state.decision is None and 2 <= state.step <= 9


def test_one_that_saves_less_than_a_proven_one_leaves_without_a_proof_of_harm() -> None:
    slow = Answering(0.765, 580)  # within the margin, slow to prove, and saves too little
    state = started(BANDIT)
    turns = Turns()
    while state.phase in TRYING and not any(each.dropped for each in state.comparisons) and turns.another():
        state = observe(BANDIT, state, (slow, *CURVE[1:3], Answering(0.77, 200)), requests=800)
    dropped = by_name(state)["window-20"].dropped
    assert dropped is not None and dropped.reason == "AnotherSavesMore"


@pytest.mark.slow
def test_a_bandit_that_goes_on_from_its_status_at_any_look_has_the_same_shares_and_end() -> None:
    state = started(BANDIT)
    for whole in ended()[1:]:
        state = observe(BANDIT, state, CURVE, requests=1200)
        state, _ = from_status(to_status("qa", UID, LiveTimes.of(BANDIT), state, ""))
        assert weights(state) == weights(whole) and state.step == whole.step
    assert verdict_spec("qa", UID, state) == verdict_spec("qa", UID, ended()[-1])
