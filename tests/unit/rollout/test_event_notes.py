"""Events: what changed, told once and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.conditions import ConditionStatus, Refusal
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import carried_out, suspend_or_resume, weights_in_force, weights_lost
from earlystop.rollout.words.event_notes import EventNote, event_notes, observation_notes
from tests.unit.every_row import every_row
from tests.unit.rollout.messages import BAD, GOOD, PROGRAMMERS_WORDS, REASON
from tests.unit.rollout.policies import NOW, UID, policy
from tests.unit.rollout.states import REACHED


def reasons(before: RolloutState, after: RolloutState) -> list[str]:
    return [story.reason for story in event_notes(before, after)]


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
    assert reasons(paused, suspend_or_resume(LiveTimes.of(policy()), paused, NOW + 200)) == ["Resumed"]


@pytest.mark.parametrize(("retry", "why"), [("", "an edit of the policy"), ("again", "a new beginning")])
def test_an_edit_or_a_retry_in_the_middle_closes_the_old_evidence_openly(retry: str, why: str) -> None:
    before = REACHED["observing"]
    edited = policy({} if retry else {"rollout": {"steps": [{"weight": 7}, {"weight": 40}]}})
    after = start_campaign(edited, retry, before, NOW + 500, CampaignInputs(uid=UID, entropy="another"))
    closed, started = event_notes(before, after)
    assert (closed.reason, started.reason, closed.warning) == ("EvidenceClosed", "CampaignStarted", True)
    assert closed.message.startswith("Campaign 1 ended without a verdict after ") and why in closed.message
    assert "is evidence of campaign 2" in closed.message and after.leading is not None and not after.leading.looks


def test_a_campaign_without_a_look_and_one_with_a_verdict_leave_no_evidence_to_close() -> None:
    edited = policy({"rollout": {"steps": [{"weight": 7}, {"weight": 40}]}})
    for name in ("applying", "promoted"):
        before = REACHED[name]
        assert reasons(before, start_campaign(edited, "", before, NOW + 500, CampaignInputs(uid=UID, entropy="x"))) == [
            "CampaignStarted"
        ]


def test_a_raised_weight_is_told_with_what_was_seen_before() -> None:
    later = REACHED["second campaign at a later step"]
    before = replace(later, step=0)
    (story,) = event_notes(before, replace(weights_lost(later), step=1))
    assert story.reason == "StepAdvanced" and "So far: At step 1 of 3" in story.message


def test_weights_that_were_lost_are_not_told_as_an_advance() -> None:
    later = REACHED["second campaign at a later step"]
    assert later.step == 1
    assert reasons(later, weights_lost(later)) == []


@every_row("name", REACHED)
def test_nothing_is_told_when_nothing_has_changed(name: str) -> None:
    assert event_notes(REACHED[name], REACHED[name]) == ()


@pytest.mark.slow
@every_row("before", REACHED)
def test_every_story_can_be_posted_and_read_by_people(before: str) -> None:
    for after in REACHED.values():
        for story in event_notes(REACHED[before], after) if after.plan else ():
            readable(story)


def readable(story: EventNote) -> None:
    assert REASON.fullmatch(story.reason) and REASON.fullmatch(story.action)
    assert story.message[0].isupper() and story.message.endswith(".")
    assert not PROGRAMMERS_WORDS.search(story.message), story.message


REFUSED = Observations(refusal=Refusal("RouteNotFound", "There is no route. Create it."))
WELL = Observations(traffic=GOOD, metrics=GOOD)
BLIND = replace(WELL, metrics=Observation(ConditionStatus.FALSE, "Timeout", "Counts cannot be used."))
UNSTORED = replace(WELL, storage="The verdict could not be stored.")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (Observations(), Observations(), []),
        (Observations(), WELL, []),
        (Observations(), REFUSED, ["RouteNotFound"]),
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
def test_a_fact_is_told_when_it_changes_and_not_again(
    before: Observations, after: Observations, told: list[str]
) -> None:
    found = observation_notes(before, after)
    assert [story.reason for story in found] == told
    for story in found:
        readable(story)
