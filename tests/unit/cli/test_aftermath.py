"""What `explain` says of a rollout that is over: what may still happen by itself, and what was never proven."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from earlystop.api.approval import Approval
from earlystop.api.guard import Guard
from earlystop.api.policy import PolicySpec
from earlystop.cli.explain import explanation
from earlystop.controller.cluster import Manifest
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.words.summary import summary
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout import guarding
from tests.unit.rollout.policies import started
from tests.unit.rollout.states import REACHED, promoted_now
from tests.unit.rollout.stepping_back import SPEC as STEPPING
from tests.unit.rollout.stepping_back import guarded, promoted_of_several

WHEN_BUSY = {"load": "queue", "above": "40", "below": "10"}
NOTHING = "Nothing more happens by itself."


def policy_of(state: RolloutState, spec: PolicySpec) -> Manifest:
    made = manifest(state)
    made["spec"] = json.loads(spec.model_dump_json(by_alias=True, exclude_none=True))
    return made


def explained(state: RolloutState, spec: PolicySpec = guarding.SPEC) -> str:
    at = state.campaign_started_at + 100_000
    return "\n".join(
        line for sentence, items in explanation(policy_of(state, spec), at, None) for line in (sentence, *items)
    )


@cache
def forced() -> RolloutState:
    """A promotion that a person asked for before anything was proven, under a guard."""
    return guarding.begun(guarding.SPEC, carried_out(promoted_now(started(guarding.SPEC))))


@pytest.mark.parametrize("name", ["promoted, a guard begins", "promoted and guarded", "promoted and guarded, blind"])
def test_a_promotion_under_a_guard_says_that_the_guard_may_take_it_back(name: str) -> None:
    text = explained(REACHED[name])
    assert NOTHING not in text
    assert "the guard takes the promotion back, and all requests go to the baseline, as soon as it shows harm" in text


def test_a_guard_that_is_suspended_takes_nothing_back_before_the_policy_is_resumed() -> None:
    assert "when the policy is resumed and it shows harm" in explained(REACHED["promoted and guarded, suspended"])


def test_a_guard_that_is_being_removed_is_said_to_watch_no_more() -> None:
    assert "then nobody watches" in explained(REACHED["promoted, a guard ends"])


def test_after_an_alarm_without_a_setting_that_follows_nothing_more_happens() -> None:
    assert NOTHING in explained(REACHED["rolled back by its guard"])


def test_an_unproven_promotion_under_a_guard_is_said_to_be_unproven_for_as_long_as_it_serves() -> None:
    assert "Not proven: user alice asked for it without the evidence." in summary(forced())
    text = explained(forced())
    assert "Not proven: user alice" in text and "A promotion by evidence is wrong with" in text


def test_a_proven_promotion_is_never_called_unproven() -> None:
    state = REACHED["promoted and guarded"]
    assert state.decision is not None
    assert "Not proven" not in summary(state)
    asked = replace(state, decision=replace(state.decision, requested_by="user alice"))
    assert "Not proven" not in summary(asked)


def test_what_the_load_or_an_alarm_changes_by_itself_is_named_and_not_where_people_are_asked() -> None:
    state = guarded(promoted_of_several())[0]
    spec = STEPPING.model_copy(update={"guard": Guard.model_validate({"adjust": {}, "whenBusy": WHEN_BUSY})})
    text = explained(state, spec)
    assert "after that, w10 serves, the next more careful setting that is proven" in text
    assert "another proven setting serves when the load queue changes (guard.whenBusy)" in text
    asked = spec.model_copy(update={"approval": Approval(mode="BeforePromotion")})
    assert "w10 serves" not in explained(state, asked) and "guard.whenBusy" not in explained(state, asked)
