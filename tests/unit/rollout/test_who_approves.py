"""Whose answers count: an approval that is wrong counts for nothing, and everybody is told what became of theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from earlystop.api.signatures import PROMOTE, annotation_of, signature, signature_annotation
from earlystop.controller.memory.annotations import requests_in
from earlystop.rollout.plan import LOOK_SECONDS, PINNED, TIMES
from earlystop.rollout.state import Phase
from earlystop.rollout.waiting.approval import (
    Asked,
    Fate,
    asked,
    fates,
)
from tests.unit.api.names import DISGUISES, OTHERS
from tests.unit.rollout.asking import ALICE, BOB, DAY, Campaign, asking
from tests.unit.rollout.policies import UID
from tests.unit.rollout.traffic import SAME

WRONG: dict[str, tuple[dict[str, Any], Fate]] = {
    "another policy": ({"policy_uid": "another"}, Fate.OTHER_POLICY),
    "another decision": ({"digest": "sha256:" + "0" * 64}, Fate.NOT_PROPOSED),
    "made before there was anything to approve": ({"after": -6}, Fate.TOO_EARLY),
    "made after it had expired": ({"after": DAY + 1}, Fate.TOO_LATE),
    "by the author": ({"by": ALICE}, Fate.BY_AUTHOR),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_approval_that_is_wrong_counts_for_nothing_and_is_told_why(what: str) -> None:
    changes, fate = WRONG[what]
    campaign = Campaign(asking(notByAuthor=True), author=ALICE)
    campaign.until_it_waits()
    campaign.say(**changes)
    told = fates(campaign.given, asked(UID, campaign.spec.approval, campaign.state, ALICE))
    assert [each for _, each in told] == [fate]
    assert campaign.answered()[0].decision is None
    campaign.say(BOB)
    assert campaign.answered()[0].phase is Phase.PROMOTING


def test_who_asked_for_a_promotion_does_not_approve_it_where_authors_must_not() -> None:
    campaign = Campaign(asking(notByAuthor=True), author=ALICE)
    campaign.asked_for(f"user {BOB}")
    campaign.say(BOB)
    campaign.say(ALICE)
    assert campaign.answered()[0].decision is None
    campaign.say("dave")
    assert campaign.answered()[0].phase is Phase.PROMOTING


@pytest.mark.parametrize("name", ["Ben\u00a0Roe", "\u200bben", "ben\u202e", "бен", "ben " * 63])
def test_who_asked_for_a_promotion_does_not_approve_it_whatever_letters_the_name_has(name: str) -> None:
    campaign = Campaign(asking(notByAuthor=True), author=ALICE)
    value = campaign.state.revision
    annotations = {annotation_of(PROMOTE): value, signature_annotation(PROMOTE): signature(name, value, "2026-01-01")}
    requested = requests_in({"metadata": {"annotations": annotations}, "spec": {}}).promote
    campaign.asked_for(requested.by)
    campaign.say(name)
    assert campaign.answered()[0].decision is None
    campaign.say(BOB)
    assert campaign.answered()[0].phase is Phase.PROMOTING


@pytest.mark.parametrize("name", ["Ben\u00a0Roe", "бен"])
def test_the_author_does_not_approve_it_whatever_letters_the_name_has(name: str) -> None:
    campaign = Campaign(asking(notByAuthor=True), author=name)
    campaign.until_it_waits()
    campaign.say(name)
    assert campaign.answered()[0].decision is None


@pytest.mark.parametrize("who", ["the author", "who asked"])
def test_a_name_that_nobody_can_tell_from_an_excluded_one_does_not_approve_and_another_one_does(who: str) -> None:
    campaign = Campaign(asking(notByAuthor=True), author=ALICE)
    if who == "who asked":
        campaign.asked_for(f"user {ALICE}")
    else:
        campaign.until_it_waits()
    of = asked(UID, campaign.spec.approval, campaign.state, ALICE if who == "the author" else BOB)
    for names, fate in ((DISGUISES, Fate.BY_AUTHOR), (OTHERS, Fate.COUNTED)):
        for what, name in names.items():
            campaign.given.clear()
            campaign.say(name)
            assert [each for _, each in fates(campaign.given, of)] == [fate], what


def test_where_the_author_is_not_known_no_approval_counts_but_a_rejection_does() -> None:
    campaign = Campaign(asking(notByAuthor=True), author="")
    campaign.until_it_waits()
    campaign.say(BOB)
    of = asked(UID, campaign.spec.approval, campaign.state, "")
    assert [fate for _, fate in fates(campaign.given, of)] == [Fate.AUTHOR_UNKNOWN]
    assert campaign.answered()[0].decision is None
    campaign.say(ALICE, approves=False)
    assert campaign.answered()[0].phase is Phase.ROLLING_BACK


def test_a_promotion_that_nobody_signed_for_is_approved_by_nobody_where_authors_must_not() -> None:
    campaign = Campaign(asking(notByAuthor=True), author=ALICE)
    campaign.asked_for("field manager kubectl, name not verified")
    campaign.say(BOB)
    assert campaign.answered()[0].decision is None


def test_only_the_first_answer_of_a_person_counts() -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say(BOB, after=60)
    campaign.say(BOB, after=70, approves=False)
    told = fates(campaign.given, asked(UID, campaign.spec.approval, campaign.state, ""))
    assert [fate for _, fate in told] == [Fate.COUNTED, Fate.TWICE]


def test_an_approval_that_was_followed_is_told_so_after_the_decision_too() -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say(BOB)
    campaign.say("dave", digest="sha256:" + "0" * 64)
    campaign.answered()
    told = fates(campaign.given, asked(UID, campaign.spec.approval, campaign.state, ""))
    assert [fate for _, fate in told] == [Fate.COUNTED, Fate.NOT_PROPOSED]


def test_nobody_is_asked_without_a_decision_that_waits() -> None:
    campaign = Campaign()
    campaign.look(SAME)
    assert asked(UID, campaign.spec.approval, campaign.state, ALICE) == Asked(uid=UID)
    assert campaign.answered() == (campaign.state, None)


@pytest.mark.parametrize("name", sorted({*map(to_camel, PINNED), *TIMES, LOOK_SECONDS, "strategy", "steps", "advance"}))
def test_whoever_changes_what_a_campaign_is_pinned_to_is_its_author(name: str) -> None:
    rule = (Path(__file__).parents[3] / "charts/earlystop/templates/approvals.yaml").read_text()
    assert re.search(rf"object\.spec\.(rollout\.)?\??{name} != oldObject\.spec\.(rollout\.)?\??{name}\n", rule)
