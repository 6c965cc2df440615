"""A report of a trial says how its search stood then, and of the last trial how the search ended, by the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from earlystop.report.page import page_of
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision
from tests.cluster.objects import verdict
from tests.unit.report.hostile import reported, stored
from tests.unit.report.tags import Tags
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, Truth, World, searched


@pytest.mark.parametrize(
    ("search", "truth"),
    [({}, SAFE_BUT_LAST), ({}, NONE_IS_SAFE), ({"budget": {"requests": 6000}}, SAFE_BUT_LAST)],
    ids=["found", "nothing found", "requests used up"],
)
def test_the_report_of_the_last_trial_says_of_the_search_what_the_status_says(
    search: dict[str, Any], truth: Mapping[str, Truth]
) -> None:
    world = World(searched(search), truth)
    over = world.run()
    assert over.search is not None and over.search.ended is not None
    *before, last = (stored(each) for each in world.verdicts.values())
    report = reported(last, *before)
    assert not report.problems
    assert report.search == over.search.ended.message
    assert report.search in " ".join(page_of(report).split())


def test_the_report_of_an_earlier_trial_says_that_the_search_went_on_and_with_what() -> None:
    world = World(searched({"budget": {"seconds": 90_000}}), SAFE_BUT_LAST)
    world.run()
    first = stored(next(iter(world.verdicts.values())))
    assert reported(first).search == (
        "The search went on after 1 trial, unless its time was over: window-20 was the best proven setting so far."
    )


def test_the_report_of_a_search_that_a_person_ended_says_so() -> None:
    world = World(searched(), SAFE_BUT_LAST)
    state = world.run(lambda state: state.phase is Phase.OBSERVING and state.pinned_plan.incumbent is not None)
    digest = digest_of_decision("qa", UID, state)
    aborted = abort(LiveTimes.of(world.spec), state, Request(state.revision, "Ada"), digest, world.now)
    assert isinstance(aborted, RolloutState)
    world.keep(aborted)
    world.run()
    *before, last = (stored(each) for each in world.verdicts.values())
    said = reported(last, *before).search
    assert "a person ended it" in said and "Proven: window-20." in said and "serves all requests" not in said


def test_the_report_of_a_campaign_that_is_no_trial_says_nothing_of_a_search() -> None:
    report = reported(stored(verdict("llm")))
    assert report.search == "" and "<dt>Search</dt>" not in page_of(report)


def test_the_report_of_a_verdict_that_does_not_verify_says_nothing_of_its_search() -> None:
    world = World(searched(), SAFE_BUT_LAST)
    world.run()
    *before, last = (stored(each) for each in world.verdicts.values())
    last["spec"]["search"]["earlier"][0]["end"] = "Harmful"
    report = reported(last, *before)
    assert report.problems and report.search == ""
    assert not Tags(page_of(report)).open
