"""A policy whose guard steps back keeps its target until then, and one that has left it never steps back onto it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import Refusal
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.competition import competition_refusal, is_over, successor_of
from earlystop.controller.reconcile.new_campaign import NewCampaign
from earlystop.controller.reconcile.requests import after_guard
from earlystop.controller.reconcile.timing import next_reconcile
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import Phase, RolloutState
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.policies import UID
from tests.unit.rollout.stepping_back import SPEC, alarmed, promoted_of_several

NEW = NewCampaign(CampaignInputs(uid=UID, entropy=""))


@pytest.fixture(scope="module")
def off() -> RolloutState:
    """All requests are back after an alarm that a certified setting is to follow."""
    return alarmed(promoted_of_several())


@pytest.fixture
def policy(off: RolloutState) -> TrackedPolicy:
    policy = tracked(off)
    policy.spec = SPEC
    return policy


def moment(policy: TrackedPolicy) -> int:
    assert policy.state.decision is not None
    return policy.state.decision.at


def test_a_target_stays_with_a_policy_that_is_about_to_step_back_and_is_free_once_it_will_not(
    policy: TrackedPolicy,
) -> None:
    at = moment(policy)
    other = tracked(None, name="other", uid="2222-other", created="2020-01-01T00:00:00Z")
    other.spec = policy.plan.spec
    assert not is_over(policy) and successor_of(policy, [policy, other]) == ""
    assert competition_refusal(other, [policy, other]) is not None
    assert after_guard(policy, at + 60, NEW).phase is Phase.PROMOTING
    policy.state = after_guard(policy, at + 901, NEW)
    assert policy.state.phase is Phase.ROLLED_BACK and is_over(policy)
    assert successor_of(policy, [policy, other]) == "other"


@pytest.mark.parametrize("why", ["left", "refused"])
def test_who_has_left_the_target_or_is_refused_steps_back_never_more(policy: TrackedPolicy, why: str) -> None:
    before, at = policy.state.decision, moment(policy)
    if why == "left":
        policy.traffic.handover.resume("other")
    else:
        policy.observations = replace(policy.observations, refusal=Refusal("TargetNotFound", "It is gone."))
    policy.state = after = after_guard(policy, at + 30, NEW)
    assert after.phase is Phase.ROLLED_BACK and after.decision == before
    policy.traffic.handover.leave_to("")
    policy.observations = Observations()
    assert after_guard(policy, at + 60, NEW) is after


def test_what_follows_an_alarm_is_dealt_with_at_once_whether_it_still_may_or_not(
    policy: TrackedPolicy,
) -> None:
    at = moment(policy)
    policy.acceptance.checked_at = float(at)
    for seconds in (10, 100_000):
        assert next_reconcile(policy, 0.0, 1, at + seconds) <= at + seconds + 1
