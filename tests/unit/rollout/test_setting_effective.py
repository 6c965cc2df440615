"""Whether the setting reached the engine: a condition that says it, and an event when it turns out that it did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.words.event_notes import EventNote, event_notes
from tests.unit.rollout.claims import TWO_STEPS, begun, judging, observed, restarted
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.traffic import Server, answers, observe, split

PATIENT = {**TWO_STEPS, "steps": [{"weight": 50, "minimumSeconds": 3600}] * 2}
SPEC = judging({}, PATIENT)
UNMOVED = split(50, 8000)
MOVED = split(50, 2000, mean_tokens=300)
LONGER = split(50, 2000, mean_tokens=900)
FEW = split(50, 30, mean_tokens=300)
SKEWED = Totals(answers(900), answers(600, mean_tokens=300))


def said(state: RolloutState) -> Condition:
    (found,) = (one for one in conditions(state, Observations()) if one.type is ConditionType.SETTING_EFFECTIVE)
    return found


def said_after(*served: Totals) -> tuple[ConditionStatus, str]:
    found = said(observed(SPEC, *served))
    return found.status, found.reason


def turns(spec: PolicySpec, served: Iterable[Totals]) -> Iterator[tuple[RolloutState, RolloutState]]:
    """The state before and after each look."""
    state, server = begun(spec)
    for counts in served:
        before, state = state, observe(spec, state, server, counts)
        yield before, state


def told(served: Iterable[Totals], reason: str) -> list[EventNote]:
    return [
        story for before, after in turns(SPEC, served) for story in event_notes(before, after) if story.reason == reason
    ]


@pytest.mark.parametrize("name", ["pending", "applying", "settling", "observing nothing yet"])
def test_before_any_answer_it_is_unknown_whether_the_setting_is_in_force(name: str) -> None:
    assert (said(REACHED[name]).status, said(REACHED[name]).reason) == (ConditionStatus.UNKNOWN, "NotShownYet")


def test_a_few_answers_show_nothing_whatever_their_lengths() -> None:
    assert said_after(FEW) == (ConditionStatus.UNKNOWN, "NotShownYet")


def test_answers_of_other_lengths_show_that_the_setting_is_in_force() -> None:
    assert said_after(*[MOVED] * 3) == (ConditionStatus.TRUE, "TokensMoved")
    assert "50 % [" in said(observed(SPEC, *[MOVED] * 3)).message


def test_a_setting_that_makes_answers_longer_is_in_force_too() -> None:
    assert said_after(*[LONGER] * 3) == (ConditionStatus.TRUE, "TokensMoved")


def test_answers_of_equal_lengths_show_that_the_setting_is_not_in_force_and_what_to_do() -> None:
    found = said(observed(SPEC, *[UNMOVED] * 3))
    assert (found.status, found.reason) == (ConditionStatus.FALSE, "SettingNotEffective")
    for words in ("window=10", "are as long as the baseline's", "It is not promoted", "header", "retry"):
        assert words in found.message


def test_the_condition_survives_a_restart_word_by_word() -> None:
    for served in (UNMOVED, MOVED, FEW):
        state = observed(SPEC, *[served] * 3)
        assert said(restarted(SPEC, state)) == said(state)


def test_a_new_campaign_knows_nothing_of_what_the_one_before_has_shown() -> None:
    state = observed(SPEC, *[UNMOVED] * 3)
    again = start_campaign(SPEC, "again", state, NOW + 10**6, CampaignInputs(uid=UID, entropy=""))
    assert said(again).status == ConditionStatus.UNKNOWN


def test_an_event_tells_once_that_the_setting_is_not_in_force() -> None:
    (story,) = told([UNMOVED] * 8, "SettingNotEffective")
    first = next(after for _, after in turns(SPEC, [UNMOVED] * 8) if said(after).status == ConditionStatus.FALSE)
    assert story.warning and story.message == said(first).message


def test_an_event_tells_once_that_requests_are_not_split_as_weighted() -> None:
    (story,) = told([SKEWED] * 8, "TrafficSplitMismatch")
    assert story.warning and "to the baseline and" in story.message and "Nothing is promoted" in story.message


def test_two_doubts_at_once_are_two_events_of_one_look() -> None:
    both = Totals(answers(8000), answers(6000))
    turned = [[story.reason for story in event_notes(*turn)] for turn in turns(SPEC, [both] * 6)]
    assert sorted(reason for reasons in turned for reason in reasons) == ["SettingNotEffective", "TrafficSplitMismatch"]


def test_sound_comparisons_tell_of_no_doubt() -> None:
    for reason in ("SettingNotEffective", "TrafficSplitMismatch"):
        assert told([MOVED] * 8, reason) == []


def test_a_restart_does_not_tell_a_doubt_again() -> None:
    for served in ([UNMOVED] * 3, [SKEWED] * 3):
        state = observed(SPEC, *served)
        assert event_notes(state, restarted(SPEC, state)) == ()


def test_a_doubt_of_an_earlier_campaign_is_told_again_when_it_shows_again() -> None:
    first = observed(SPEC, *[SKEWED] * 3)
    again = start_campaign(SPEC, "again", first, NOW + 10**6, CampaignInputs(uid=UID, entropy=""))
    assert [story.reason for story in event_notes(first, again)] == ["EvidenceClosed", "CampaignStarted"]
    found, server = [], Server()
    for _ in range(4):
        before, again = again, observe(SPEC, again, server, SKEWED)
        found += [story.reason for story in event_notes(before, again)]
    assert found == ["TrafficSplitMismatch"]
    assert "TrafficSplitMismatch" in {story.reason for story in event_notes(first, again)}


@pytest.mark.parametrize(("saving", "reason"), [("0.10", "SettingNotEffective"), ("0.01", "NotShownYet")])
def test_the_less_must_be_saved_the_more_answers_it_takes_to_call_a_setting_unmoved(saving: str, reason: str) -> None:
    spec = judging({"tokens": {"minimumSaving": saving}}, PATIENT)
    assert said(observed(spec, *[UNMOVED] * 2)).reason == reason


def test_harm_is_told_beside_a_doubt_and_not_instead_of_it() -> None:
    worse = Totals(answers(1000), answers(600, exact_match=0.1))
    state = observed(SPEC, SKEWED, worse)
    assert state.phase == Phase.ROLLING_BACK
    found = {one.type: one for one in conditions(state, Observations())}
    assert found[ConditionType.SAMPLE_RATIO_OK].status == ConditionStatus.FALSE
    assert found[ConditionType.PROGRESSING].reason == "RollingBack"
