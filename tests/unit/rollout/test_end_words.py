"""Whoever reads how a search ended knows what was found, proven and saved, what was left untried and why, and what to
do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, promote_now
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import Incumbent, SearchProgress, TrialRecord
from earlystop.rollout.search.trial import Estimate, TrialEnd, TrialOutcome
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.trials.end_reasons import BUDGET_USED, ENDED_BY_PERSON, NOTHING_LEFT, RISK_USED
from earlystop.rollout.trials.end_words import LONGEST, Cause, cause_of, end_message
from earlystop.rollout.words.event_notes import event_notes
from earlystop.rollout.words.summary import summary
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, World, searched

NAMES = ("window-30", "window-20", "window-10", "window-5")
CERTIFIED, HARMFUL, OPEN = TrialEnd.CERTIFIED, TrialEnd.HARMFUL, TrialEnd.INCONCLUSIVE
ALL_REASONS = (NOTHING_LEFT, BUDGET_USED, RISK_USED, ENDED_BY_PERSON, "GuardAlarm", "CertificateLapsed")


def plan_of(search: dict[str, Any] | None = None) -> Plan:
    """The plan of a search's first trial."""
    return World(searched(search), SAFE_BUT_LAST).start().pinned_plan


def after(*ends: tuple[str, TrialEnd], best: str = "", requests: int = 1000) -> SearchProgress:
    """A search after these trials, in which this setting serves."""
    trials = tuple(
        TrialRecord(
            name,
            TrialOutcome(NAMES.index(name), end, 0.025, Estimate(0.001, 0.01), Estimate(0.4, 0.02), requests),
            0.36 if end is CERTIFIED else None,
            f"r{at}",
        )
        for at, (name, end) in enumerate(ends)
    )
    return SearchProgress(
        number=1, started_at=NOW, seed=1, trials=trials, incumbent=Incumbent(best, (), 0.36) if best else None
    )


FOUND = after(("window-20", CERTIFIED), ("window-10", CERTIFIED), ("window-5", HARMFUL), best="window-10")
THREE_HARM = after(("window-20", HARMFUL), ("window-30", HARMFUL), ("window-10", HARMFUL))


def test_a_search_that_found_a_setting_says_what_is_proven_of_it_what_it_saves_and_what_to_commit() -> None:
    said = end_message(plan_of(), FOUND, NOTHING_LEFT, NOW)
    assert said == (
        "The search ended after 3 trials and 3,000 compared requests: no other setting is worth a trial. "
        "Setting window-10 is the best proven one and serves all requests; it is proven to lose less than 5 points of "
        "EM and to save at least 36 % of the tokens, and seems to save 40.0 ± 2.0 %. "
        "Proven too: window-20. Harmful: window-5. "
        "Not tried, since what may be saved more is not worth the requests: window-30. "
        "Commit status.certified. If the setting will serve more than search.horizonRequests, write a larger number: "
        "another search begins, in which more trials are worth it."
    )


def test_a_search_that_found_nothing_says_that_nothing_is_saved_and_how_to_find_something() -> None:
    said = end_message(plan_of(), THREE_HARM, NOTHING_LEFT, NOW)
    assert said == (
        "The search ended after 3 trials and 3,000 compared requests: as many trials have failed as may "
        "(search.failureBudget). No setting was certified, so the baseline serves all requests and nothing is saved. "
        "Harmful: window-20, window-30, window-10. Not tried for that reason: window-5. "
        "Each setting that was tried is harmful: write more careful ones, or a larger objective.exactMatch.margin if "
        "users can do with it."
    )


def test_no_larger_budget_is_asked_for_where_every_setting_was_tried() -> None:
    tried = after(*zip(NAMES, (CERTIFIED, OPEN, HARMFUL, HARMFUL), strict=True), best="window-30")
    said = end_message(plan_of({"budget": {"requests": 1_000_000}}), tried, BUDGET_USED, NOW)
    assert said.endswith("Commit status.certified.")


def test_what_was_left_untried_is_not_laid_to_a_later_alarm_or_lapse() -> None:
    for reason in ("GuardAlarm", "CertificateLapsed"):
        said = end_message(plan_of(), FOUND, reason, NOW, decided="The guard has shown harm.")
        assert "Not tried: window-30." in said


def test_one_compared_request_is_one() -> None:
    said = end_message(plan_of(), after(("window-20", HARMFUL), requests=1), NOTHING_LEFT, NOW)
    assert "after 1 trial and 1 compared request:" in said


def test_more_careful_settings_are_asked_for_only_where_none_was_left_untried() -> None:
    bold = after(("window-10", HARMFUL))
    said = end_message(plan_of({"budget": {"requests": 1_000_000}}), bold, BUDGET_USED, NOW)
    assert "Not tried for that reason: window-30, window-5." in said
    assert "write more careful ones" not in said
    assert "A larger search.budget.requests begins another search, which may try more." in said


@pytest.mark.parametrize(
    ("search", "progress", "reason", "at", "cause", "advice"),
    [
        ({}, FOUND, NOTHING_LEFT, NOW, Cause.NOT_WORTH_IT, "search.horizonRequests"),
        ({}, THREE_HARM, NOTHING_LEFT, NOW, Cause.FAILURES_USED, "more careful ones"),
        (
            {},
            after(*((each, OPEN) for each in NAMES[:3])),
            NOTHING_LEFT,
            NOW,
            Cause.FAILURES_USED,
            "A larger search.failureBudget begins another search",
        ),
        (
            {},
            after(*((each, CERTIFIED) for each in NAMES), best="window-5"),
            NOTHING_LEFT,
            NOW,
            Cause.ALL_TRIED,
            "Commit status.certified.",
        ),
        (
            {"failureBudget": 9},
            after(*((each, OPEN) for each in NAMES)),
            NOTHING_LEFT,
            NOW,
            Cause.ALL_TRIED,
            "kubectl earlystop plan",
        ),
        (
            {"budget": {"requests": 3000}},
            FOUND,
            BUDGET_USED,
            NOW,
            Cause.REQUESTS_USED,
            "A larger search.budget.requests begins another search",
        ),
        (
            {"budget": {"seconds": 3000}},
            FOUND,
            BUDGET_USED,
            NOW + 3000,
            Cause.TIME_USED,
            "A larger search.budget.seconds begins another search",
        ),
        (
            {"budget": {"seconds": 3000, "requests": 9_000_000}},
            FOUND,
            BUDGET_USED,
            NOW + 2990,
            Cause.TIME_USED,
            "A larger search.budget.seconds begins another search",
        ),
        ({}, FOUND, RISK_USED, NOW, Cause.RISK_USED, "Retry the policy"),
        ({}, replace(FOUND, incumbent=None), ENDED_BY_PERSON, NOW, Cause.PERSON, "nothing of this one counts"),
        ({}, replace(FOUND, incumbent=None), "GuardAlarm", NOW, Cause.ALARM, "no search begins by itself"),
        ({}, replace(FOUND, incumbent=None), "CertificateLapsed", NOW, Cause.LAPSE, "proves the setting anew"),
        (
            {"strategy": "External", "failureBudget": 1},
            THREE_HARM,
            BUDGET_USED,
            NOW,
            Cause.TIME_USED,
            "more careful ones",
        ),
    ],
)
def test_every_way_in_which_a_search_ends_has_its_cause_and_its_advice(
    search: dict[str, Any], progress: SearchProgress, reason: str, at: int, cause: Cause, advice: str
) -> None:
    plan = plan_of(search) if search.get("strategy") != "External" else replace(plan_of(), spec=searched(search))
    assert cause_of(plan, progress, reason, at) is cause
    said = end_message(plan, progress, reason, at)
    assert cause.value in said and advice in said
    untried = [each for each in NAMES if each not in {trial.name for trial in progress.trials}]
    assert all(each in said for each in untried) and ("Not tried" in said) == bool(untried)


def test_a_trial_that_an_outage_interrupted_for_good_is_neither_untried_nor_failed() -> None:
    plan = plan_of({"budget": {"seconds": 3000}})
    assert plan.trial is not None
    said = end_message(plan, after(), BUDGET_USED, NOW + 3000)
    assert f"Interrupted by an outage: {plan.trial.name}." in said
    assert plan.trial.name not in said.partition("Not tried for that reason: ")[2]
    assert "after 0 trials and 0 compared requests" in said


def test_the_sentence_of_a_person_or_a_guard_comes_first_and_no_setting_is_said_to_serve() -> None:
    ended = replace(FOUND, incumbent=None)
    said = end_message(plan_of(), ended, ENDED_BY_PERSON, NOW, decided="Asked for by Ada: back to the baseline.")
    assert said.startswith("Asked for by Ada: back to the baseline. The search ended after 3 trials")
    assert "Proven: window-20, window-10." in said and "serves all requests" not in said


LONG_VALUES = [f"{'very-long-' * 3}{number:02}" for number in range(15)]
LONG_PLAN = (
    World(
        searched(
            {"parameters": [{"name": "effort", "values": LONG_VALUES}]},
            parameters=[
                {"name": "effort", "type": "Choice", "choices": [*LONG_VALUES, "all"], "stopsSooner": "WhenLower"}
            ],
            baseline={"values": [{"name": "effort", "value": "all"}]},
        ),
        {},
    )
    .start()
    .pinned_plan
)


@given(
    reason=st.sampled_from(ALL_REASONS),
    ends=st.lists(
        st.tuples(st.integers(0, 14), st.sampled_from(TrialEnd)), max_size=15, unique_by=lambda each: each[0]
    ),
    best=st.booleans(),
    decided=st.integers(0, 1100),
    below=st.integers(0, 400),
)
def test_the_words_have_room_in_the_status_and_say_who_serves_whatever_a_search_has_tried(
    reason: str, ends: list[tuple[int, TrialEnd]], best: bool, decided: int, below: int
) -> None:
    plan = LONG_PLAN
    names = [each.name for each in plan.spec.search_settings()]
    trials = tuple(
        TrialRecord(names[at], TrialOutcome(at, end, 0.01, None, None, 10**9), None, "r") for at, end in ends
    )
    serves = Incumbent(names[0], (), 0.123456) if best else None
    progress = SearchProgress(number=1, started_at=NOW, seed=1, trials=trials, incumbent=serves)
    said = end_message(plan, progress, reason, NOW, decided="d" * decided, below=f" {'b' * below}" if below else "")
    assert said and len(said) <= LONGEST
    if best and decided <= 300:
        assert f"{names[0]} is the best proven one" in said


@pytest.mark.parametrize(
    ("search", "truth"),
    [
        ({}, SAFE_BUT_LAST),
        ({}, NONE_IS_SAFE),
        ({"budget": {"requests": 6000}}, SAFE_BUT_LAST),
        ({"budget": {"seconds": 900}}, NONE_IS_SAFE),
    ],
    ids=["found", "nothing found", "requests used up", "time used up"],
)
def test_the_status_and_the_event_say_the_same_words(search: dict[str, Any], truth: Any) -> None:
    world = World(searched(search), truth)
    over = world.run()
    assert over.search is not None and over.search.ended is not None
    assert summary(over) == over.search.ended.message
    (told,) = (each for each in event_notes(world.history[-2], over) if each.reason == "SearchEnded")
    assert told.message == over.search.ended.message
    assert world.written[-1]["search"]["ended"]["message"] == over.search.ended.message


@pytest.mark.parametrize("decide", [abort, promote_now])
def test_a_search_that_a_person_ends_says_what_was_proven_before(decide: Any) -> None:
    world = World(searched(), SAFE_BUT_LAST)
    state = world.run(lambda state: state.phase is Phase.OBSERVING and state.pinned_plan.incumbent is not None)
    decided = decide(LiveTimes.of(world.spec), state, Request(state.revision, "Ada"), "", world.now)
    assert isinstance(decided, RolloutState)
    world.keep(decided)
    over = world.run()
    assert over.search is not None and over.search.ended is not None
    said = over.search.ended.message
    assert "Ada" in said and "Proven: window-20." in said and "nothing of this one counts" in said


@pytest.mark.parametrize(
    "change",
    [{"failureBudget": 9}, {"horizonRequests": 900_000_000}, {"budget": {"requests": 9_000_000}}],
    ids=lambda each: next(iter(each)),
)
def test_what_the_words_advise_to_write_begins_another_search(change: dict[str, Any]) -> None:
    world = World(searched(), NONE_IS_SAFE)
    over = world.run()
    assert world.start() is over
    world.spec = searched(change)
    again = world.start()
    assert again.search is not None and (again.search.number, again.search.trials) == (2, ())
