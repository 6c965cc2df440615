"""When a rollout has something to do by itself, besides its looks."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.next_moments import next_moments
from earlystop.rollout.state import TRYING, Phase, RolloutState
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.states import REACHED

RETRY_SECONDS = 15.0
SPEC = policy()


def moments(state: RolloutState, now: float = NOW) -> list[float]:
    times = LiveTimes.of(SPEC)
    return list(next_moments(SPEC, times, state, now, refused=False, retry_seconds=RETRY_SECONDS))


@every_row("name", REACHED)
def test_outside_of_a_trial_what_is_due_and_did_not_happen_is_tried_again_and_never_in_the_past(name: str) -> None:
    later = NOW + 10**7
    if REACHED[name].phase not in TRYING:
        assert all(later <= each for each in moments(REACHED[name], later))


def test_a_policy_without_a_campaign_has_nothing_to_do_by_itself() -> None:
    assert moments(RolloutState()) == []


def test_a_campaign_that_nothing_has_decided_is_due_at_its_deadline() -> None:
    state = next(each for each in REACHED.values() if each.phase is Phase.OBSERVING and each.search is None)
    assert state.campaign_started_at + SPEC.rollout.deadline_seconds in moments(state)


def test_where_missing_counts_end_a_rollout_it_is_due_when_they_have_been_missing_for_so_long() -> None:
    state = next(each for each in REACHED.values() if each.phase is Phase.OBSERVING and each.search is None)
    times = LiveTimes.of(SPEC)
    ends = replace(times, on_no_metrics=times.on_no_metrics.model_copy(update={"then": "RollBack"}))
    lost = replace(state, metrics_lost_at=NOW)
    due = next_moments(SPEC, ends, lost, NOW, refused=False, retry_seconds=RETRY_SECONDS)
    assert NOW + times.on_no_metrics.hold_seconds in list(due)
    assert NOW + times.on_no_metrics.hold_seconds not in moments(state)
