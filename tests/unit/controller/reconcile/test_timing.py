"""When a policy is reconciled again."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.conditions import ConditionStatus, ConditionType, Refusal
from earlystop.controller.memory.pauses import RECHECK_REFUSED_SECONDS, RECHECK_SECONDS, tick_after
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.timing import (
    COMPARED,
    FINDINGS_A_SECOND,
    acceptance_is_due,
    conditions_are_due,
    next_reconcile,
    store_is_due,
    store_seconds,
)
from earlystop.delivery.decide import PACING
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import ACTING, Phase
from earlystop.rollout.transitions import expire
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.policies import NOW, UID, examples
from tests.unit.rollout.states import REACHED

IDLE = sorted(
    name
    for name, state in REACHED.items()
    if state.phase in (Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD) and not state.is_guarded
)


def known(name: str, now: float = NOW, **changes: Any) -> TrackedPolicy:
    """A session that was checked just now and has nothing to put right."""
    found = tracked(REACHED[name], now)
    found.acceptance.generation, found.acceptance.checked_at, found.traffic.recheck = 1, now, False
    for field, value in changes.items():
        memory, _, own = field.rpartition("__")
        setattr(getattr(found, memory) if memory else found, own, value)
    return found


@pytest.mark.slow
@examples
@given(
    st.sampled_from(sorted(REACHED)),
    st.integers(-10_000, 10**9),
    st.floats(0, 300),
    st.integers(1, 10_000),
    st.booleans(),
    st.integers(0, 50),
    st.booleans(),
)
def test_the_next_reconciliation_is_never_in_the_past_and_always_comes(
    name: str, later: int, delay: float, policies: int, recheck: bool, failures: int, refused: bool
) -> None:
    now = float(NOW + later)
    found = known(name, traffic__recheck=recheck, metrics_failures=failures, traffic__failures=failures)
    found.observations = Observations(refusal=Refusal("TargetTaken", "No.") if refused else None)
    if later % 2:
        found.state = replace(found.state)
    assert now + 0.05 <= next_reconcile(found, delay, policies, now) <= max(now + 0.05, NOW + 2 * RECHECK_SECONDS)


def test_a_look_is_reconciled_as_soon_as_its_counts_are_complete() -> None:
    found = known("observing")
    at = next_look(LiveTimes.of(found.spec), found.state)
    assert at is not None
    assert next_reconcile(found, 5.0, 1, NOW) == at + 5


def test_a_look_that_failed_is_tried_again_ever_less_often_but_at_least_every_15_seconds() -> None:
    waits = []
    for failures in range(1, 12):
        found = known("blind", metrics_failures=failures)
        waits.append(next_reconcile(found, 5.0, 1, NOW + 200.0) - NOW - 200)
    assert waits == sorted(waits) and waits[0] == 2 and waits[-1] == 15


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name, state in REACHED.items() if state.phase in ACTING))
def test_a_decision_that_is_not_carried_out_is_tried_again_within_seconds(name: str) -> None:
    for failures in range(40):
        assert next_reconcile(known(name, traffic__failures=failures), 5.0, 1, NOW) <= NOW + 15


def test_a_route_that_was_just_written_is_reconciled_when_it_may_change_again() -> None:
    found = known("rolling back", traffic__written_at=NOW - 1.0)
    found.observations = Observations(traffic=Observation(ConditionStatus.UNKNOWN, PACING, "Waiting."))
    assert next_reconcile(found, 5.0, 1, NOW) == NOW + 2


def test_the_deadline_and_the_end_of_patience_without_metrics_are_reconciled() -> None:
    deadline = REACHED["applying"].campaign_started_at + 3600
    assert next_reconcile(known("applying", NOW + 3599.5, traffic__failures=9), 5.0, 1, NOW + 3599.5) == deadline
    blind = known("blind", NOW + 350.0, metrics_failures=9)
    assert blind.state.metrics_lost_at is not None
    assert next_reconcile(blind, 500.0, 1, NOW + 398.5) == blind.state.metrics_lost_at + 300


def test_a_decision_that_waits_for_people_beyond_the_deadline_keeps_nobody_busy() -> None:
    campaign = Campaign()
    waits = campaign.until_it_waits()
    found = tracked(replace(waits, campaign_started_at=waits.campaign_started_at - 86_400), changes=asking())
    look = next_look(found.times, found.state)
    assert look is not None
    now = look - 1.0
    found.acceptance.generation, found.acceptance.checked_at, found.traffic.recheck = 1, now, False
    assert expire(found.times, found.state, int(now)) is found.state, "nothing is due that could be done"
    assert next_reconcile(found, 5.0, 1, now) >= now + 1


@pytest.mark.parametrize("name", [*IDLE, "pending"])
def test_a_policy_with_nothing_to_do_is_left_in_peace(name: str) -> None:
    found = known(name, traffic__recheck=name == "pending")
    assert next_reconcile(found, 5.0, 1, NOW) == tick_after(UID, RECHECK_SECONDS, NOW)


def test_a_refused_policy_is_checked_more_often_than_one_in_order() -> None:
    found = known("promoted")
    assert not acceptance_is_due(found, NOW)
    assert acceptance_is_due(found, NOW + RECHECK_SECONDS)
    found.observations = Observations(refusal=Refusal("RouteNotFound", "Create it."))
    assert acceptance_is_due(found, NOW + RECHECK_REFUSED_SECONDS)


def test_an_edited_policy_is_checked_at_once() -> None:
    assert acceptance_is_due(known("promoted", acceptance__generation=0), NOW)


def test_looks_are_stored_at_every_eighth_and_not_more_than_eight_times_a_second_over_all_policies() -> None:
    found = known("observing")
    assert store_seconds(found, 1) == 120
    assert store_seconds(found, 1000) == 125
    assert not store_is_due(found, 1, NOW + 10**6)
    found.state = replace(found.state)
    assert store_is_due(found, 1, NOW + 120) and not store_is_due(found, 1, NOW)


def test_what_concerns_people_is_said_at_once_however_many_policies_there_are() -> None:
    found = known("observing")
    for type_ in frozenset(ConditionType) - COMPARED:
        assert conditions_are_due({type_}, found, 5000, NOW)
        assert conditions_are_due({type_, *COMPARED}, found, 5000, NOW)
    assert not conditions_are_due(set(), found, 1, NOW + 10**6)


def test_findings_of_a_whole_fleet_take_turns() -> None:
    found = known("observing", status__written_at=NOW)
    assert conditions_are_due(COMPARED, found, 1, NOW + 1)
    assert not conditions_are_due(COMPARED, found, 1000, NOW)
    assert conditions_are_due(COMPARED, found, 1000, NOW + 1000 / FINDINGS_A_SECOND)


@examples
@given(st.uuids(), st.floats(0.5, 5000), st.floats(0, 2e9))
def test_a_tick_comes_after_its_moment_and_within_a_period(uid: object, period: float, moment: float) -> None:
    tick = tick_after(str(uid), period, moment)
    assert moment - 1e-3 <= tick <= moment + period + 1e-3


def test_policies_that_began_together_are_spread_over_the_period() -> None:
    ticks = sorted(tick_after(f"uid-{number}", 300.0, NOW) for number in range(300))
    assert ticks[0] < NOW + 10 and ticks[-1] > NOW + 290
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 15


@pytest.mark.parametrize(("policies", "seconds"), [(1, 10.0), (100, 10.0), (1000, 100.0), (5000, 500.0)])
def test_refused_policies_of_one_namespace_are_together_checked_ten_times_a_second_at_most(
    policies: int, seconds: float
) -> None:
    found = known(IDLE[0], observations=Observations(refusal=Refusal("TargetTaken", "No.")))
    due = next_reconcile(found, 5.0, policies, NOW, in_namespace=policies)
    assert due == tick_after(UID, seconds, NOW)
    assert acceptance_is_due(found, due, policies) and not acceptance_is_due(found, due - 0.01, policies)
    accepted = known(IDLE[0])
    assert next_reconcile(accepted, 5.0, policies, NOW, in_namespace=policies) == tick_after(UID, RECHECK_SECONDS, NOW)
