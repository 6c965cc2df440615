"""Nobody acts under another's name: a request is dealt with once, and a signature vouches for one request."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from earlystop.api.signatures import signature, signer_of
from earlystop.api.status.handled_requests import MOST_SPENT
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.handled_requests import (
    NOTHING,
    Request,
    handled_of,
    is_new,
    is_spent,
    note_handled,
    unused_text,
)
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, follow, promote_now
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import suspend_or_resume
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, UID, policy
from tests.unit.rollout.states import REACHED, SPEC

TIMES = LiveTimes.of(SPEC)
PAUSED = LiveTimes.of(policy({"suspend": True}))


def promoted(times: LiveTimes, state: RolloutState, request: Request) -> tuple[RolloutState, Declined | None]:
    return follow("promote", promote_now, times, state, request, "", NOW + 5000)


def test_a_promotion_while_paused_is_refused_and_the_end_of_the_pause_does_not_carry_it_out() -> None:
    request = Request(REACHED["suspended"].revision, "user mallory")
    refused, declined = promoted(PAUSED, REACHED["suspended"], request)
    assert declined is not None and declined.refused and "Ask again then" in declined.message
    resumed = suspend_or_resume(TIMES, refused, NOW + 6000)
    assert resumed.phase is Phase.APPLYING
    assert promoted(TIMES, resumed, request) == (resumed, None)
    asked_again, declined = promoted(TIMES, resumed, replace(request, text=f"{request.text}#again", by="user alice"))
    assert declined is None and asked_again.decision is not None
    assert asked_again.decision.requested_by == "user alice"


@pytest.mark.parametrize("name", ["observing", "held", "suspended"])
def test_no_weight_rises_while_the_policy_says_suspend_whatever_the_phase(name: str) -> None:
    state, declined = promoted(PAUSED, REACHED[name], Request(REACHED[name].revision, "user alice"))
    assert declined is not None and declined.refused and state.decision == REACHED[name].decision


def test_a_request_that_was_written_for_a_campaign_to_come_is_not_carried_out_by_it() -> None:
    state = REACHED["promoted"]
    coming = start_campaign(SPEC, "again", state, NOW + 6000, CampaignInputs(uid=UID, entropy="secret"))
    request = Request(coming.revision, "user mallory")
    ignored, declined = promoted(TIMES, state, request)
    assert declined is not None and not declined.refused
    campaign = start_campaign(SPEC, "again", ignored, NOW + 6000, CampaignInputs(uid=UID, entropy="secret"))
    assert campaign.revision == coming.revision
    assert promoted(TIMES, campaign, request) == (campaign, None)


def test_a_request_that_was_dealt_with_does_not_come_back_whatever_stood_there_meanwhile() -> None:
    """A controller that writes its file's annotation again after others were written, or after it was removed."""
    state, other = REACHED["observing"], Request("0123456789", "user bob")
    refused, _ = promoted(PAUSED, state, Request(state.revision, "user mallory"))
    again = Request(state.revision, "field manager argocd")
    for meanwhile in ([NOTHING], [other], [NOTHING, other], [other, NOTHING], [other, NOTHING, other]):
        state = refused
        for each in meanwhile:
            state, _ = promoted(TIMES, state, each)
        after, _ = promoted(TIMES, state, again)
        assert after.decision is None and is_spent(state, "promote", again)
        restored, _ = from_status(to_status("qa", UID, TIMES, after, ""))
        assert restored.handled == after.handled
        new = replace(again, text=unused_text(after, "promote", again.text, (again.text,)))
        assert promoted(TIMES, restored, new)[0].decision is not None


def test_what_is_remembered_of_requests_is_bounded_and_a_pause_and_its_end_are_never_spent() -> None:
    state = RolloutState()
    for number in range(50):
        state = note_handled(state, "retry", Request(f"{number}", "user alice"))
        state = note_handled(state, "suspend", Request(("true", "false")[number % 2], "user alice"))
    assert len(handled_of(state, "retry").spent) == MOST_SPENT and handled_of(state, "suspend").spent == ()
    latest = [each for each in range(50) if not is_new(state, "retry", Request(f"{each}", ""))]
    assert latest == list(range(50 - MOST_SPENT - 1, 50))
    assert is_new(state, "suspend", Request("true", ""))


def test_a_text_that_is_proposed_for_a_request_is_one_that_the_operator_deals_with() -> None:
    state = RolloutState()
    for _ in range(MOST_SPENT):
        text = unused_text(state, "promote", "0123456789/w10#friday", ("0123456789/w10",))
        assert text.startswith("0123456789/w10#") and is_new(state, "promote", Request(text, ""))
        state = note_handled(state, "promote", Request(text, "user alice"))


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_what_was_dealt_with_outlives_a_restart(name: str) -> None:
    state = note_handled(REACHED[name], "promote", Request("0123456789", "user alice", "x", "abc"))
    state = note_handled(state, "suspend", Request("true", "field manager x", "", ""))
    restored, _ = from_status(to_status("qa", UID, TIMES, state, ""))
    assert restored.handled == state.handled and len(state.handled) == 2


def test_a_signature_beside_a_later_request_is_stale_and_one_that_comes_late_changes_no_name() -> None:
    first = note_handled(RolloutState(), "retry", Request("1", "user alice", "unverified", "alice-1"))
    assert handled_of(first, "retry").by == "user alice"
    stale = note_handled(first, "retry", Request("2", "user alice", "unverified", "alice-1"))
    assert handled_of(stale, "retry").by == "unverified"
    unsigned = note_handled(first, "retry", Request("3", "manager", "manager"))
    late = note_handled(unsigned, "retry", Request("3", "user bob", "unverified", "bob-3"))
    assert handled_of(late, "retry").by == "manager"


@pytest.mark.slow
def test_nobody_is_recorded_for_what_another_wrote_in_any_order_of_writes_that_the_admission_policy_lets_pass() -> None:
    """The model: a person changes the value, with a signature of their own, with none, or leaving the old one."""
    rng = random.Random(7)
    for _ in range(2000):
        state, text, sign, author = RolloutState(), "", "", ""
        for clock in range(8):
            who = rng.choice(("alice", "bob", "mallory"))
            new = rng.choice(("true", "false"))
            if new != text:
                author = who
            text = new
            match rng.randrange(3):
                case 0:
                    sign = ""
                case 1:
                    sign = signature(who, text, f"2026-11-27T05:00:{clock:02}Z")
            signer = signer_of(sign, text)
            request = Request(text, f"user {signer}" if signer else "unverified", "unverified", sign)
            fresh = is_new(state, "suspend", request)
            state = note_handled(state, "suspend", request)
            if fresh:
                assert handled_of(state, "suspend").by in (f"user {author}", "unverified")


@pytest.mark.parametrize(
    ("text", "value", "user"),
    [
        ("alice for 0123456789", "0123456789", "alice"),
        ("CN=Jo for Ann for true at 2026-11-27T05:00:00.5Z", "true", "CN=Jo for Ann"),
        ("alice for 0123456789", "012345678", None),
        ("alice for 0123456789/w10", "0123456789", None),
        ("alice for true at noon", "true", None),
        ("alice", "true", None),
        (" for true", "true", None),
        ("alice for ", "", None),
        ("", "true", None),
    ],
)
def test_a_signature_vouches_for_its_own_value_only(text: str, value: str, user: str | None) -> None:
    assert signer_of(text, value) == user
