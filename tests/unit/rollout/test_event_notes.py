"""Events: what changed, told once and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import Refusal, Truth
from earlystop.rollout.event_notes import Story, fact_stories, stories
from earlystop.rollout.observations import Facts, Sight
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import (
    carried_out,
    suspend_or_resume,
    weights_in_force,
    weights_lost,
)
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.test_conditions import BAD, GOOD, PROGRAMMERS_WORDS, REASON


def reasons(before: RolloutState, after: RolloutState) -> list[str]:
    return [story.reason for story in stories(before, after)]


def test_a_rollout_tells_each_of_its_turns_once() -> None:
    begun = REACHED["applying"]
    assert reasons(REACHED["pending"], begun) == ["CampaignStarted"]
    assert reasons(begun, weights_in_force(begun, NOW)) == ["WeightsInForce"]
    assert reasons(REACHED["settling"], REACHED["observing nothing yet"]) == []
    assert reasons(REACHED["observing nothing yet"], REACHED["observing"]) == []
    assert reasons(REACHED["observing"], REACHED["promoting"]) == []
    assert reasons(REACHED["promoting"], REACHED["promoted"]) == ["Promoted"]
    assert reasons(REACHED["rolling back"], REACHED["rolled back"]) == ["RolledBack"]
    assert reasons(REACHED["holding"], carried_out(REACHED["holding"])) == ["Inconclusive"]
    assert reasons(REACHED["promoted"], REACHED["second campaign"]) == ["CampaignStarted"]


def test_a_pause_and_its_end_are_told() -> None:
    paused = REACHED["suspended"]
    assert reasons(REACHED["observing"], paused) == ["Suspended"]
    assert reasons(paused, suspend_or_resume(policy(), paused, NOW + 200)) == ["Resumed"]


def test_a_raised_weight_is_told_with_what_was_seen_before() -> None:
    later = REACHED["second campaign at a later step"]
    before = replace(later, step=0)
    (story,) = stories(before, replace(weights_lost(later), step=1))
    assert story.reason == "StepAdvanced" and "So far: At step 1 of 3" in story.message


def test_weights_that_were_lost_are_not_told_as_an_advance() -> None:
    later = REACHED["second campaign at a later step"]
    assert later.step == 1
    assert reasons(later, weights_lost(later)) == []


@pytest.mark.parametrize("name", REACHED)
def test_nothing_is_told_when_nothing_has_changed(name: str) -> None:
    assert stories(REACHED[name], REACHED[name]) == ()


@pytest.mark.parametrize("before", REACHED)
def test_every_story_can_be_posted_and_read_by_people(before: str) -> None:
    for after in REACHED.values():
        for story in stories(REACHED[before], after) if after.plan else ():
            readable(story)


def readable(story: Story) -> None:
    assert REASON.fullmatch(story.reason) and REASON.fullmatch(story.action)
    assert story.message[0].isupper() and story.message.endswith(".")
    assert not PROGRAMMERS_WORDS.search(story.message), story.message


REFUSED = Facts(refusal=Refusal("RouteNotFound", "There is no route. Create it."))
WELL = Facts(traffic=GOOD, metrics=GOOD)
BLIND = replace(WELL, metrics=Sight(Truth.FALSE, "Timeout", "Counts cannot be used."))
UNSTORED = replace(WELL, storage="The verdict could not be stored.")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Facts(), Facts(), []),
        (Facts(), WELL, []),
        (Facts(), REFUSED, ["RouteNotFound"]),
        (REFUSED, REFUSED, []),
        (REFUSED, WELL, ["Accepted"]),
        (WELL, BLIND, ["Timeout"]),
        (BLIND, replace(BLIND, metrics=replace(BLIND.metrics, message="Counts cannot be used still.")), []),
        (BLIND, WELL, ["MetricsRecovered"]),
        (WELL, replace(WELL, traffic=BAD), ["RouteNotFound"]),
        (replace(WELL, traffic=BAD), WELL, ["TrafficRecovered"]),
        (WELL, UNSTORED, ["VerdictNotStored"]),
        (UNSTORED, UNSTORED, []),
        (UNSTORED, WELL, []),
    ],
)
def test_a_fact_is_told_when_it_changes_and_not_again(before: Facts, after: Facts, told: list[str]) -> None:
    found = fact_stories(before, after)
    assert [story.reason for story in found] == told
    for story in found:
        readable(story)
