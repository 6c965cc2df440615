"""Of every decision there is one occurrence, with the verdict that it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.certificate.binding import Binding
from earlystop.rollout.certificate.follow import follow_certificate
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.hooks.happened import FAILURES_IN_A_ROW, LONGEST_SENTENCE, occurrences, with_occurrences
from earlystop.rollout.hooks.occurrence import Occurrence, occurrence_id
from earlystop.rollout.hooks.outbox import Outbox, following_hooks
from earlystop.rollout.state import Certified, Decision, Phase, RolloutState, Verdict
from earlystop.rollout.verdict import verdict_name, verdict_spec
from tests.unit.every_row import every_row
from tests.unit.rollout.asking import Campaign
from tests.unit.rollout.hooks.occurred import POLICY, hook, occurred
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.traffic import SAVING

HOOKS = (hook(),)


def decided(verdict: Verdict, number: int = 1, message: str = "It was decided.", at: int = NOW) -> RolloutState:
    decision = Decision(verdict, "Aborted", message, at, "w10", number=number)
    state = replace(started(policy()), phase=Phase.ROLLING_BACK, decision=decision)
    return replace(state, outbox=following_hooks(None, HOOKS))


def waiting(state: RolloutState) -> tuple[Occurrence, ...]:
    assert state.outbox is not None
    return state.outbox.waiting


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.PROMOTE, OccurrenceKind.PROMOTED),
        (Verdict.ROLL_BACK, OccurrenceKind.ROLLED_BACK),
        (Verdict.INCONCLUSIVE, OccurrenceKind.ENDED),
        (Verdict.RECOMMEND, OccurrenceKind.ENDED),
    ],
)
def test_a_decision_is_told_with_its_verdict(verdict: Verdict, kind: OccurrenceKind) -> None:
    after = decided(verdict)
    (found,) = occurrences(POLICY, started(policy()), after)
    assert (found.kind, found.sentence, found.at) == (kind, "It was decided.", NOW)
    assert found.verdict is not None and found.verdict.name == verdict_name("qa", after)
    assert found.verdict.digest == verdict_spec("qa", UID, after)["digest"]


def test_a_lapse_is_told_once_and_again_only_when_something_else_changes_too() -> None:
    bound = Binding(NOW, "qa-server", template="t1", images="i1", model="m1", parameters="p1")
    begun = follow_certificate(RolloutState(certified=Certified({"window": "10"}, NOW)), bound, NOW)
    assert occurrences(POLICY, RolloutState(), begun) == ()
    images = follow_certificate(begun, replace(bound, images="i2"), NOW + 5)
    (found,) = occurrences(POLICY, begun, images)
    assert (found.kind, found.reason, found.at) == (OccurrenceKind.LAPSED, "ImagesChanged", NOW + 5)
    assert "the images of Deployment qa-server changed" in found.sentence and found.verdict is None
    back = follow_certificate(images, bound, NOW + 6)
    again = follow_certificate(back, replace(bound, images="i2"), NOW + 7)
    assert occurrences(POLICY, images, back) == occurrences(POLICY, back, again) == ()
    (both,) = occurrences(POLICY, again, follow_certificate(again, replace(bound, images="i2", model="m2"), NOW + 8))
    assert both.reason == "ModelChanged"


def test_an_alarm_of_a_guard_is_told_as_one() -> None:
    before, after = decided(Verdict.PROMOTE), decided(Verdict.ROLL_BACK, number=2)
    assert after.decision is not None
    alarmed = replace(after, decision=replace(after.decision, reason=GUARD_ALARM))
    (found,) = occurrences(POLICY, before, alarmed)
    assert (found.kind, found.reason) == (OccurrenceKind.ALARM, GUARD_ALARM)


def test_what_follows_from_a_decision_is_no_second_occurrence() -> None:
    before = decided(Verdict.ROLL_BACK)
    assert occurrences(POLICY, before, replace(before, phase=Phase.ROLLED_BACK)) == ()


def test_a_second_decision_of_a_campaign_is_told_too() -> None:
    before = decided(Verdict.PROMOTE)
    (found,) = occurrences(POLICY, before, decided(Verdict.ROLL_BACK, number=2))
    assert found.kind is OccurrenceKind.ROLLED_BACK


@every_row("name", REACHED)
def test_every_situation_that_a_search_or_a_campaign_reaches_can_be_told(name: str) -> None:
    after = REACHED[name]
    found = occurrences(POLICY, RolloutState(), after)
    assert bool(found) is (after.decision is not None or after.awaiting is not None)
    assert all(each.sentence and each.reason and each.revision == after.revision for each in found)


def test_a_policy_without_hooks_keeps_nothing() -> None:
    after = replace(decided(Verdict.PROMOTE), outbox=None)
    assert with_occurrences(POLICY, (), started(policy()), after) is after


def test_a_sentence_takes_no_more_room_than_a_status_has() -> None:
    (found,) = occurrences(POLICY, started(policy()), decided(Verdict.PROMOTE, message="word " * 200))
    assert len(found.sentence) <= LONGEST_SENTENCE and found.sentence.endswith("word…")


def test_an_id_is_the_same_whenever_it_is_asked_for_and_of_one_occurrence_alone() -> None:
    kinds = (OccurrenceKind.PROMOTED, OccurrenceKind.ROLLED_BACK)
    known = [occurred(kind, number) for kind in kinds for number in (1, 2)]
    others = [replace(each, revision="r2") for each in known]
    ids = [occurrence_id(uid, each) for uid in (UID, "other") for each in (*known, *others)]
    assert len(set(ids)) == len(ids)
    assert occurrence_id(UID, occurred(number=3)) == occurrence_id(UID, replace(occurred(number=3), sentence="Else."))


def test_campaigns_in_a_row_that_promote_nothing_are_told_once_for_every_three_of_them() -> None:
    ends = [Verdict.ROLL_BACK, Verdict.INCONCLUSIVE, Verdict.PROMOTE, *[Verdict.ROLL_BACK] * (2 * FAILURES_IN_A_ROW)]
    repeated, outbox = [], Outbox()
    for number, verdict in enumerate(ends):
        after = replace(decided(verdict, at=NOW + number), outbox=following_hooks(replace(outbox, waiting=()), HOOKS))
        told = with_occurrences(POLICY, HOOKS, started(policy()), after)
        kinds = [each.kind for each in waiting(told)]
        assert kinds[0] is not OccurrenceKind.REPEATED_FAILURE
        repeated.append(OccurrenceKind.REPEATED_FAILURE in kinds)
        assert told.outbox is not None
        outbox = told.outbox
    assert repeated == [False] * 5 + [True, False, False, True]


def test_a_decision_that_waits_for_people_is_told_once_while_it_waits() -> None:
    campaign = Campaign()
    before = campaign.state
    after = campaign.until_it_waits()
    (found,) = occurrences(POLICY, before, after)
    assert found.kind is OccurrenceKind.AWAITING_APPROVAL and "kubectl earlystop approve" in found.sentence
    assert occurrences(POLICY, after, campaign.look(SAVING)) == ()
