"""What `kubectl earlystop status` shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from earlystop.cli.overview import line
from earlystop.cli.screen.facts import _limit
from earlystop.cli.screen.holds import news_in
from earlystop.cli.screen.view import Event, View
from earlystop.cli.screen.whole import _without_reason, picture
from earlystop.evidence.multiple_testing import campaign_risk
from earlystop.evidence.tokens import Lengths
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.e_value_words import one_in_line
from earlystop.rollout.state import Phase, RolloutState
from tests.unit.cli.shown_policies import policy_in, screen
from tests.unit.controller.tracked_policies import manifest
from tests.unit.every_row import every_row
from tests.unit.rollout.capped import capped
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.states import REACHED


def shown(name: str) -> str:
    """The picture of a reached state, of the policy that its campaign is about."""
    return picture_of(REACHED[name])


def picture_of(state: RolloutState) -> str:
    """The picture of a state, of the policy that its campaign is about."""
    made = manifest(state)
    if state.plan:
        made["spec"] = json.loads(state.pinned_plan.spec.model_dump_json(by_alias=True, exclude_none=True))
    console = Console(width=200, record=True, file=StringIO())
    console.print(picture(made, NOW + 60.0, 200))
    assert line(made)
    return console.export_text()


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_every_situation_can_be_shown_with_its_phase_and_each_candidate(name: str) -> None:
    text, state = shown(name), REACHED[name]
    assert state.phase.value in text
    if len(state.comparisons) > 1:
        assert all(candidate in text for candidate in state.pinned_plan.names)


def test_a_dropped_candidate_is_shown_with_its_reason_and_a_proven_one_as_such() -> None:
    text = shown("several, one dropped")
    assert "Dropped: HarmShown" in text and "Proven" in text and "Certified" not in text


def test_the_stages_before_the_first_share_are_counted_as_steps() -> None:
    assert "1 of 4" in shown("in the shadow stage")


def test_steps_are_counted_by_the_campaigns_plan_and_not_by_an_edit_that_comes_after_it() -> None:
    made = manifest(REACHED["observing"])
    made["spec"]["rollout"]["steps"] = [{"weight": 50}]
    console = Console(width=200, record=True, file=StringIO())
    console.print(picture(made, NOW + 60.0, 200))
    assert "1 of 3" in console.export_text()


def test_a_limit_that_caps_say_is_shown_and_that_counts_have_passed_it() -> None:
    state = started(policy(capped()))
    assert "at most 4,096 tokens by their caps, so the saving is tested exactly" in picture_of(state)
    assert "by their caps" not in picture_of(started(policy(capped(None))))
    inputs = CampaignInputs(uid=UID, entropy="", longest_answer=2048)
    by_servers = start_campaign(policy(capped()), "", RolloutState(), NOW, inputs)
    assert "at most 2,048 tokens by the MetricSource, so the saving is tested exactly" in picture_of(by_servers)
    (only,) = state.comparisons
    passed = replace(only, evidence=replace(only.evidence, exact_tokens=None))
    view = View({}, policy(capped()), replace(state, comparisons=(passed,)), NOW, 80)
    told = [text for label, text in _limit(view) if label == "answers"]
    assert told == ["some are longer than the cap of 4,096 tokens, so the saving is not tested by that limit"]


def test_a_policys_author_is_told_what_a_limit_of_the_metric_source_costs_once_lengths_show_it() -> None:
    for longest, is_told in ((131_072, True), (4_096, False)):
        inputs = CampaignInputs(uid=UID, entropy="", longest_answer=longest)
        state = start_campaign(policy(), "", RolloutState(), NOW, inputs)
        assert "mean length" not in picture_of(state)
        (only,) = state.comparisons
        assert only.evidence.exact_tokens is not None
        seen = replace(only.evidence.exact_tokens, past_baseline=Lengths(200, 120_000, 200 * 600**2))
        known = replace(only, evidence=replace(only.evidence, exact_tokens=seen))
        told = [text for _, text in _limit(View({}, policy(), replace(state, comparisons=(known,)), NOW, 80))]
        assert ("that is 218 times their mean length" in "".join(told)) is is_told
        assert ("objective.tokens.longestAnswer of the policy" in "".join(told)) is is_told


def test_what_is_spent_and_left_of_a_shared_margin_and_risk_is_shown() -> None:
    first = [{"name": "window", "value": "40"}, {"name": "patience", "value": "2.5"}]
    spec = policy(
        {
            "baseline": {"values": first, "pinned": {"values": first, "promotions": 2}},
            "objective": {"risk": {"campaigns": 5}},
        }
    )
    text = picture_of(started(spec))
    assert "0 points spent, 5 left against the pinned baseline; promotion 1 of 2 may lose 2.5" in text
    part = f"{campaign_risk(0.025, 1, 5):.6g}"
    assert f"{part} in this campaign, 1 of 5 of the candidate; {part} of 0.05 spent" in text
    assert one_in_line(float(part)) in text
    assert "spent" not in shown("observing")


@pytest.mark.slow
def test_a_guard_is_shown_with_what_both_variants_did_lately_and_how_far_an_alarm_is() -> None:
    text = " ".join(shown("promoted and guarded").split())
    assert "guard watches as long as it serves, 10 % on the baseline, 40 looks since" in text
    assert "one false revert in 30 days" in text and "EM 80.0 % of" in text and "saving 50.0 %" in text
    assert "alarm evidence of lost EM 0 %, of missing answers 0 %; 100 % is an alarm" in text
    assert "commit `kubectl earlystop diff qa -n llm -f FILE`" in text
    assert "in the last 1 h EM" in text
    assert "alarmed (lost EM)" in shown("rolled back by its guard")
    assert "blind since" in shown("promoted and guarded, blind")


def test_a_decision_that_waits_is_shown_with_its_candidate_and_how_long_it_still_does() -> None:
    text = shown("waiting for an approval")
    assert "waits for an approval" in text and "Promote of w10, expires in " in text
    assert "Proposed: all requests get window=10" in " ".join(text.split())


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_a_screen_says_nothing_twice(name: str) -> None:
    parts = [part.strip(" .").lower() for part in re.split(r"[.;]\s", " ".join(shown(name).split()))]
    sentences = [part for part in parts if len(part.split()) > 4]
    assert len(sentences) == len(set(sentences)), sorted(sentences)


@pytest.mark.parametrize(
    ("meaning", "message", "news"),
    [
        ("Requests do not arrive; check the gateway.", "Requests do not arrive at all. Check the gateway.", ""),
        ("It stands still; set spec.suspend to false.", "Set spec.suspend to false.", "It stands still."),
        ("No counts come; ask the admin.", "", "No counts come; ask the admin."),
        ("", "Anything.", ""),
    ],
)
def test_of_a_meaning_only_the_parts_are_shown_that_the_message_lacks(meaning: str, message: str, news: str) -> None:
    assert news_in(meaning, message) == news


def test_an_event_repeats_neither_its_reason_nor_what_stands_above_it() -> None:
    now = "Promoted: window=5. Decided: w5 is proven."
    assert _without_reason(Event(0, "Promoted", now), now) == ", as above"
    assert _without_reason(Event(0, "RolledBack", "Rolled back: window=5."), now) == ": window=5."
    assert _without_reason(Event(0, "Resumed", "It goes on."), "") == ": It goes on."


ROLLED_BACK = tuple(name for name, state in REACHED.items() if state.phase is Phase.ROLLED_BACK)


@pytest.mark.slow
@every_row("name", ROLLED_BACK)
def test_after_a_rollback_a_screen_says_what_to_do_and_how_the_same_is_tried_again(name: str) -> None:
    text = re.sub(r"\s+", " ", " ".join(screen(policy_in(name), 80, 24)))
    assert " next " in text and "`kubectl earlystop retry qa -n llm` tries the same again." in text
