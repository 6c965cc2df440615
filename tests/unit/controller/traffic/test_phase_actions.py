"""What is done in each phase about traffic and verdict: the whole table, pair by pair."""

from __future__ import annotations

from itertools import product

import pytest

from earlystop.controller.traffic.phase_actions import ACTIONS, FALLS, RISES, Act, Next, When, next_after
from earlystop.delivery.decisions import SplitStatus
from earlystop.rollout.state import ACTING, ENDED, WATCHING, Phase
from tests.unit.every_row import every_row
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.states import REACHED

DONE = (SplitStatus.PROVEN, SplitStatus.UNPROVABLE)
PAIRS = list(product(Phase, SplitStatus))


@every_row(("phase", "status"), PAIRS)
def test_every_pair_of_phase_and_status_has_one_entry(phase: Phase, status: SplitStatus) -> None:
    assert next_after(phase, status) in Next


@every_row(("phase", "status"), PAIRS)
def test_a_decision_is_finished_where_its_split_is_proven_or_cannot_be_and_nowhere_else(
    phase: Phase, status: SplitStatus
) -> None:
    off_a_bad_gateway = phase == Phase.ROLLING_BACK and status == SplitStatus.MISROUTED
    finished = (phase in ACTING and status in DONE) or off_a_bad_gateway
    assert (next_after(phase, status) is Next.FINISH) == finished


@every_row(("phase", "status"), PAIRS)
def test_a_step_settles_only_once_its_weights_are_proven(phase: Phase, status: SplitStatus) -> None:
    proven = phase == Phase.APPLYING and status == SplitStatus.PROVEN
    assert (next_after(phase, status) is Next.SETTLE) == proven
    by_metrics = phase in (Phase.APPLYING, Phase.HELD) and status == SplitStatus.UNPROVABLE
    assert (next_after(phase, status) is Next.PROVE_BY_METRICS) == by_metrics


@every_row(("phase", "status"), PAIRS)
def test_an_edit_by_someone_else_begins_evidence_anew_only_where_there_is_some(
    phase: Phase, status: SplitStatus
) -> None:
    assert (next_after(phase, status) is Next.SETTLE_AGAIN_IF_CHANGED) == (phase in WATCHING)


@every_row(("phase", "status"), PAIRS)
def test_a_rollbacks_verdict_waits_until_its_route_is_written(phase: Phase, status: SplitStatus) -> None:
    stored = next_after(phase, status) in (Next.STORE_VERDICT, Next.FINISH)
    if phase == Phase.ROLLING_BACK:
        assert stored == (status != SplitStatus.NOT_WRITTEN)


@pytest.mark.parametrize("phase", Phase)
def test_a_decision_has_an_order_of_acting_and_nothing_else_has_one(phase: Phase) -> None:
    order = ACTIONS[phase].order
    assert (order != ()) == (phase in ACTING)
    assert set(order) in (set(), {Act.ROUTE, Act.VERDICT})


@pytest.mark.parametrize("name", [name for name, state in REACHED.items() if state.phase in ACTING])
def test_where_exposure_may_fall_by_a_decision_for_harm_the_route_comes_first(name: str) -> None:
    state = REACHED[name]
    if state.phase == Phase.ROLLING_BACK:
        assert candidate_weight(state) == 0 and ACTIONS[state.phase].order == FALLS
    else:
        assert ACTIONS[state.phase].order == RISES


@pytest.mark.parametrize("phase", Phase)
def test_traffic_is_attended_to_always_while_something_is_under_way_and_only_to_detach_while_it_is_to_stay(
    phase: Phase,
) -> None:
    expected = When.ALWAYS if phase in ACTING | {Phase.APPLYING} else When.ON_RECHECK
    expected = {Phase.PENDING: When.NEVER, Phase.SUSPENDED: When.TO_DETACH}.get(phase, expected)
    assert ACTIONS[phase].when is expected
    assert phase not in ENDED or set(ACTIONS[phase].after.values()) <= {Next.REST, Next.PROVE_BY_METRICS}
