"""What a person asks of a campaign: done at once, recorded with who asked, and never done to another campaign."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.visible import printable
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.decided import LONGEST_MESSAGE
from earlystop.rollout.exposure import weights
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, abort, promote_now, unproven
from earlystop.rollout.state import TRYING, Phase, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import digest_of, verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.every_row import every_row
from tests.unit.rollout import several
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.policies import NOW, UID, started
from tests.unit.rollout.states import REACHED, SPEC, aborted, promoted_now

ALICE = "user alice"
ENDED_AT_THE_BASELINE = (Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.REPORTING, Phase.REPORTED)
EXPOSED = sorted(name for name, state in REACHED.items() if state.phase not in (Phase.PENDING, *ENDED_AT_THE_BASELINE))
OVER = sorted(name for name, state in REACHED.items() if state.phase in ENDED_AT_THE_BASELINE)
TRIED = sorted(
    name for name, state in REACHED.items() if state.phase in TRYING and strategy_of(state.pinned_plan).promotes
)


def asked(verb: str, state: RolloutState, text: str) -> RolloutState | Declined:
    return (abort if verb == "abort" else promote_now)(LiveTimes.of(SPEC), state, Request(text, ALICE), "", NOW + 5000)


@every_row("name", EXPOSED)
def test_an_abort_takes_the_candidate_off_all_requests_whatever_the_campaign_is_doing(name: str) -> None:
    state = aborted(REACHED[name])
    assert candidate_weight(state) == 0 and state.phase == Phase.ROLLING_BACK
    assert state.decision is not None and state.decision.verdict == Verdict.ROLL_BACK
    assert (state.decision.reason, state.decision.requested_by) == ("Aborted", ALICE)
    assert carried_out(state).phase == Phase.ROLLED_BACK and state.suspended_at is None


@pytest.mark.parametrize("name", OVER)
def test_an_abort_of_what_is_rolled_back_already_changes_nothing_and_is_no_reason_to_complain(name: str) -> None:
    state = REACHED[name]
    assert asked("abort", state, state.revision) is state


@pytest.mark.parametrize("verb", ["abort", "promote"])
@pytest.mark.parametrize("text", ["another", "", "0123456789/w10", "a\x1b[2J\u202e" + "x" * 500])
def test_a_request_for_another_campaign_does_nothing_and_says_which_is_under_way(verb: str, text: str) -> None:
    for name, state in REACHED.items():
        told = asked(verb, state, text)
        assert isinstance(told, Declined) and not told.refused, name
        assert "\x1b" not in told.message and "\u202e" not in told.message and len(told.message) < 512
        assert state.revision in told.message or state.phase == Phase.PENDING


def test_a_request_that_is_still_written_down_never_meets_the_next_campaign() -> None:
    for verb, done in (("abort", aborted), ("promote", promoted_now)):
        over = carried_out(done(REACHED["observing"]))
        again = start_campaign(SPEC, "again", over, NOW + 6000, CampaignInputs(uid=UID, entropy=""))
        assert again.phase == Phase.APPLYING
        assert isinstance(asked(verb, again, over.revision), Declined)


@pytest.mark.parametrize("name", TRIED)
def test_a_promotion_on_request_says_what_was_not_proven_and_certifies_nothing(name: str) -> None:
    tried = REACHED[name].comparisons[0].name
    state = promoted_now(REACHED[name], text=f"{REACHED[name].revision}/{tried}")
    decision = state.decision
    assert decision is not None and candidate_weight(state) == 100
    assert (decision.verdict, decision.reason) == (Verdict.PROMOTE, "PromotedByPerson")
    assert f"Asked for by user alice: {tried} is promoted now. " in decision.message
    awaited = REACHED[name].awaiting
    is_proven = awaited is not None and awaited.by_evidence
    doubts = REACHED[name].comparisons[0].certified_at is None and not is_proven
    assert ("Not proven at that moment: " in decision.message) is doubts
    assert carried_out(state).phase == Phase.PROMOTED
    assert carried_out(state).certified == REACHED[name].certified


def test_what_was_not_proven_is_told_with_its_numbers() -> None:
    message = getattr(promoted_now(REACHED["observing"]).decision, "message", "")
    assert "a loss of less than 5 points of EM (seen: " in message
    assert "a saving of at least 10 % of the tokens (seen: " in message
    assert message.count("1 in 20") == 2 and "log e-value" not in message


def test_when_all_is_proven_but_the_steps_least_time_a_request_says_so() -> None:
    proven = replace(REACHED["promoted"], phase=Phase.OBSERVING, decision=None, certified=None)
    assert proven.evidence_from is not None
    assert unproven(proven, proven.evidence_from, "w10") == ("the step's least time of 60 s",)
    assert unproven(proven, proven.evidence_from + 60, "w10") == ()
    message = getattr(promoted_now(proven).decision, "message", "")
    assert "All claims were proven at that moment." in message


def test_nobody_promotes_a_candidate_that_is_shown_to_be_harmful() -> None:
    seen = replace(REACHED["rolling back"], phase=Phase.OBSERVING, decision=None)
    told = asked("promote", seen, seen.revision)
    assert isinstance(told, Declined) and told.refused and "Harm is proven (exact_match)" in told.message


def test_no_weight_rises_while_the_policy_is_suspended() -> None:
    state = REACHED["suspended"]
    told = asked("promote", state, state.revision)
    assert isinstance(told, Declined) and told.refused and "suspended" in told.message


@pytest.mark.parametrize("name", OVER)
def test_nothing_is_promoted_that_was_rolled_back(name: str) -> None:
    told = asked("promote", REACHED[name], REACHED[name].revision)
    by_person = name.startswith("abort")
    assert isinstance(told, Declined) and told.refused is not by_person


def test_one_of_several_is_promoted_by_its_name_unless_it_was_dropped() -> None:
    state = REACHED["several, one dropped"]
    promoted = promoted_now(state, text=f"{state.revision}/w5")
    assert weights(promoted) == (0, 0, 100, 0)
    for text in (state.revision, f"{state.revision}/w1"):
        told = asked("promote", state, text)
        assert isinstance(told, Declined) and told.refused and "with one of w10, w5" in told.message


def test_shadow_alone_promotes_nothing_whoever_asks() -> None:
    state = REACHED["in shadow"]
    told = asked("promote", state, f"{state.revision}/w5")
    assert isinstance(told, Declined) and told.refused and "moves no traffic" in told.message


def test_before_any_live_answer_a_promotion_says_that_there_is_none() -> None:
    state = promoted_now(REACHED["in the shadow stage"])
    assert state.decision is not None and "no request was answered with it yet" in state.decision.message


@pytest.mark.parametrize("name", ["promoting", "promoted", "promoted by request"])
def test_what_is_promoted_already_is_not_decided_again(name: str) -> None:
    assert asked("promote", REACHED[name], REACHED[name].revision) is REACHED[name]


def test_after_a_promotion_of_one_of_several_another_is_refused_with_words() -> None:
    state = REACHED["several, one dropped"]
    promoted = carried_out(promoted_now(state, text=f"{state.revision}/w5"))
    assert asked("promote", promoted, f"{state.revision}/w5") is promoted
    told = asked("promote", promoted, f"{state.revision}/w10")
    assert isinstance(told, Declined) and told.refused and "has promoted w5 already" in told.message


def test_when_every_one_of_several_was_dropped_a_promotion_is_refused_since_it_was_rolled_back() -> None:
    state = several.decided(several.AB_TEST, started(several.AB_TEST), (several.BAD,) * 3)
    told = asked("promote", state, f"{state.revision}/w5")
    assert isinstance(told, Declined) and told.refused and "was rolled back" in told.message


def test_a_promotion_may_name_its_candidate_and_no_other() -> None:
    state = REACHED["observing"]
    assert promoted_now(state, text=f"{state.revision}/w10") == promoted_now(state)
    for wrong in ("w11", "baseline", "w10/w10"):
        told = asked("promote", state, f"{state.revision}/{wrong}")
        assert isinstance(told, Declined) and told.refused and "with one of w10" in told.message
    told = asked("abort", state, f"{state.revision}/w10")
    assert isinstance(told, Declined) and told.refused and "names no candidate" in told.message


def test_an_abort_after_a_promotion_is_a_verdict_of_its_own_that_names_the_one_before() -> None:
    promoted = REACHED["promoted"]
    first = verdict_spec("qa", UID, promoted)
    after = aborted(promoted)
    second = verdict_spec("qa", UID, after)
    assert second["previous"] == first["digest"] and second["revision"] == first["revision"]
    assert verdict_name("qa", after) == verdict_name("qa", promoted) + "-2"
    assert promoted.certified is not None and after.certified is None
    assert "after its decision Promote (NonInferiorAndSaving)" in second["message"]


def test_an_abort_takes_no_certificate_that_an_earlier_campaign_earned() -> None:
    certified = REACHED["promoted"].certified
    running = replace(REACHED["observing"], certified=certified)
    assert aborted(running).certified == certified
    assert aborted(carried_out(promoted_now(running))).certified == certified
    assert aborted(replace(REACHED["promoting"], certified=certified)).certified == certified


def test_a_verdict_that_a_person_asked_for_needs_no_proof_but_true_counts_and_a_name() -> None:
    spec = json.loads(json.dumps(verdict_spec("qa", UID, REACHED["promoted by request"])))
    assert spec["requestedBy"] == ALICE and differences(spec) == []

    def signed(**changes: object) -> dict[str, object]:
        changed = {key: value for key, value in {**spec, **changes}.items() if value is not None}
        return {**changed, "digest": digest_of(changed)}

    assert "does not say who asked" in " ".join(differences(signed(requestedBy=None)))
    assert "its reason is NonInferiorAndSaving" in " ".join(differences(signed(reason="NonInferiorAndSaving")))
    assert "which leads to RollBack" in " ".join(differences(signed(reason="Aborted")))
    counted = in_rows(spec)
    counted["looks"][0][6] -= 9
    counted["looks"][0][7] += 9
    assert "log e-value" in " ".join(differences({**counted, "digest": digest_of(counted)}))
    assert "The digest" in differences({**spec, "requestedBy": "user bob"})[0]


@pytest.mark.parametrize("name", ["aborted as the third decision", "promoted by request", "aborted"])
def test_who_asked_and_which_decision_it_was_outlive_a_restart(name: str) -> None:
    state = REACHED[name]
    restored, _ = from_status(to_status("qa", UID, LiveTimes.of(SPEC), state, ""))
    assert restored.decision == state.decision
    assert verdict_name("qa", restored) == verdict_name("qa", state)


def test_a_message_has_room_for_the_longest_name_and_the_most_that_can_be_unproven() -> None:
    for name in TRIED:
        text = f"{REACHED[name].revision}/{REACHED[name].comparisons[0].name}"
        state = promoted_now(REACHED[name], "user " + "x" * 128, text)
        assert state.decision is not None and len(state.decision.message) <= LONGEST_MESSAGE
        assert state.decision.message.endswith(".")


def test_what_a_terminal_would_act_on_is_never_passed_on() -> None:
    assert printable("a\x1b[31mb\n\u202ec\x00", 64) == "a?[31mb??c?"
    assert printable("ä" * 65, 64) == "ä" * 63 + "…" and len(printable("x" * 10**6, 64)) == 64
