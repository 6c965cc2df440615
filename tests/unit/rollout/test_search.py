"""A search tries settings one after the other, keeps the best that is certified, and comes to the same end whenever the
operator dies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.wire import INCUMBENT
from earlystop.controller.desired_split import desired_split
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, abort, promote_now
from earlystop.rollout.state import BETWEEN_TRIALS, Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.verify.earlier_verdict import EarlierVerdict
from earlystop.rollout.verify.verdict import chain_differences, continuity_differences, differences, object_differences
from earlystop.rollout.words.event_notes import event_notes
from tests.unit.rollout.policies import UID, policy
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, World, ends, searched

SPEC = searched()


@pytest.fixture(scope="module")
def whole() -> World:
    """A search that went on undisturbed."""
    world = World(SPEC, SAFE_BUT_LAST)
    world.run()
    return world


def observing(world: World, *, beside_incumbent: bool) -> RolloutState:
    """The search while a trial of it is watched."""
    return world.run(
        lambda state: state.phase is Phase.OBSERVING and (state.pinned_plan.incumbent is not None) == beside_incumbent
    )


def test_the_setting_that_saves_most_within_the_margin_is_found_and_serves_all_requests(whole: World) -> None:
    state = whole.state
    assert state.search is not None and state.search.incumbent is not None and state.search.ended is not None
    assert state.phase is Phase.PROMOTED and state.search.incumbent.name == "window-10"
    assert state.certified is not None and state.certified.values["window"] == "10"
    assert dict(ends(state))["window-10"] == "Certified" and dict(ends(state)).get("window-5", "Harmful") == "Harmful"
    split = desired_split(state)
    assert split is not None and split.promoted in (INCUMBENT, "candidate")
    serving = next(each for each in split.variants if each.weight)
    assert (serving.weight, dict(serving.settings)["window"]) == (100, "10")
    assert "window-10 is the best proven one" in state.search.ended.message


@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [
        ("Ladder", [{"name": "patience", "range": {"from": "0.25", "to": "2", "step": "2", "scale": "Log"}}]),
        ("Bayesian", [{"name": "window", "values": ["20", "10"]}, {"name": "patience", "values": ["2", "1.0"]}]),
    ],
    ids=["alone", "beside a window"],
)
def test_a_patience_is_searched_like_any_number_that_stops_sooner_when_it_is_lower(
    strategy: str, parameters: list[dict[str, Any]]
) -> None:
    spec = searched({"strategy": strategy, "parameters": parameters})
    settings = spec.search_settings()
    assert len(settings) == 4 and settings[0].name.endswith("patience-2") and set(settings[-1].place) == {1.0}
    world = World(spec, {each.name: SAFE_BUT_LAST["window-20"] for each in settings})
    state = world.run()
    assert state.certified is not None and float(state.certified.values["patience"]) < 2
    assert [object_differences(each) for each in world.verdicts.values()] == [[]] * len(ends(state))


def test_from_the_first_certificate_on_the_incumbent_has_half_and_the_candidate_at_most_72_percent_of_the_rest(
    whole: World,
) -> None:
    later = [each for each in whole.history if each.phase is Phase.OBSERVING and each.pinned_plan.incumbent is not None]
    assert later
    for state in later:
        percents, serves = weights(state), incumbent_weight(state)
        assert (percents, serves) in (((25, 25), 50), ((14, 36), 50))
        assert {look.share for look in state.looks} <= {50, 72}
    assert {weights(state) for state in later} == {(25, 25), (14, 36)}
    assert {look.share for state in later for look in state.looks} == {50, 72}


def test_every_trials_verdict_verifies_with_its_proposal_and_its_risk(whole: World) -> None:
    verdicts = list(whole.verdicts.values())
    assert [each["spec"]["search"]["trial"] for each in verdicts] == list(range(1, len(verdicts) + 1))
    for verdict in verdicts:
        assert object_differences(verdict) == []
        assert chain_differences(verdict, verdicts) == []
    for verdict in verdicts[1:]:
        spent = float(verdict["spec"]["search"]["riskSpent"])
        assert spent <= float(verdict["spec"]["search"]["risk"]) == 0.05


@pytest.mark.parametrize("change", ["risk", "why", "earlier", "seed", "trial"])
def test_a_verdict_of_a_trial_that_was_not_called_for_does_not_verify(whole: World, change: str) -> None:
    verdict = list(whole.verdicts.values())[1]
    search = dict(verdict["spec"]["search"])
    made_up: dict[str, dict[str, Any]] = {
        "risk": {"riskSpent": "0.001"},
        "why": {"why": "because"},
        "earlier": {"earlier": []},
        "seed": {"strategy": "Guess"},
        "trial": {"trial": 3},
    }
    changed = {**verdict, "spec": {**verdict["spec"], "search": {**search, **made_up[change]}}}
    named = [each for each in object_differences(changed) if "digest" not in each]
    assert named


def test_the_seed_of_a_search_is_that_of_its_first_campaign_and_of_each_trial(whole: World) -> None:
    first, second, *_ = (each["spec"] for each in whole.verdicts.values())
    other = {"seed": first["search"]["seed"] + 1}
    assert first["campaign"] == 1
    changed = {**first, "search": {**first["search"], **other}}
    assert any("seed of the search" in each for each in differences(changed))
    changed = {**second, "search": {**second["search"], **other}}
    assert continuity_differences(second, [EarlierVerdict(first)]) == []
    assert any("names another seed" in each for each in continuity_differences(changed, [EarlierVerdict(first)]))


@pytest.mark.slow
def test_an_operator_that_dies_after_any_thing_that_it_does_comes_to_the_same_end(whole: World) -> None:
    for death in range(1, whole.done + 1):
        world = World(SPEC, SAFE_BUT_LAST, dies=lambda done, death=death: done == death)  # type: ignore[misc]
        world.run()
        assert (ends(world.state), world.state.phase) == (ends(whole.state), whole.state.phase), death
        assert world.verdicts == whole.verdicts


def test_each_status_of_a_search_is_read_as_it_was_written(whole: World) -> None:
    kept = {repr(from_status(status)[0]) for status in whole.written}
    assert len(kept) > 10
    assert repr(from_status(whole.written[-1])[0]) == repr(whole.state)


def test_a_search_of_harmful_settings_ends_with_the_baseline_and_says_so() -> None:
    state = World(SPEC, NONE_IS_SAFE).run()
    assert state.phase is Phase.ROLLED_BACK and weights(state) == (100, 0) and state.certified is None
    assert state.search is not None and state.search.ended is not None
    assert "the baseline serves all requests" in state.search.ended.message
    assert {end for _, end in ends(state)} == {"Harmful"} and len(ends(state)) == 3


@pytest.mark.parametrize("budget", [{"requests": 60_000}, {"seconds": 900}])
def test_a_budget_that_is_used_up_ends_the_search_with_the_best_certified_setting_or_the_baseline(
    budget: dict[str, int],
) -> None:
    world = World(searched({"budget": budget}), SAFE_BUT_LAST)
    state = world.run()
    assert state.search is not None and state.search.ended is not None
    best = state.search.incumbent
    assert (state.phase is Phase.PROMOTED) == (best is not None)
    assert (best.name if best else "the baseline") in state.search.ended.message
    if "requests" in budget:
        looks = 2 * 15 * 100  # the last look may be larger than what was left
        assert state.search.requests <= budget["requests"] + looks
    else:
        assert state.search.ended.at - state.search.started_at <= budget["seconds"] + 120


def test_a_trial_ends_without_a_verdict_when_its_requests_are_used_up_and_the_search_goes_on() -> None:
    world = World(searched({"horizonRequests": 3_000_000}), {**SAFE_BUT_LAST, "window-30": SAFE_BUT_LAST["window-5"]})
    state = observing(world, beside_incumbent=False)
    trial = state.pinned_plan.trial
    assert trial is not None
    plan = replace(state.pinned_plan, trial=replace(trial, requests=1))
    world.state = replace(state, plan=plan)
    world.go_on()
    assert world.state.decision is not None and world.state.decision.reason in ("TrialRequestsUsed", "HarmShown")


def test_an_abort_ends_the_search_at_the_baseline_and_takes_the_certificate_back() -> None:
    world = World(SPEC, SAFE_BUT_LAST)
    state = observing(world, beside_incumbent=True)
    assert incumbent_weight(state) >= 50 and state.certified is not None
    aborted = abort(LiveTimes.of(SPEC), state, Request(state.revision, "Ada"), "", world.now)
    assert isinstance(aborted, RolloutState)
    world.keep(aborted)
    assert weights(world.state) == (100, 0) and incumbent_weight(world.state) == 0
    over = world.run()
    assert over.phase is Phase.ROLLED_BACK and over.certified is None and weights(over) == (100, 0)
    assert world.start() is over, "nothing begins by itself after a person ended it"
    assert object_differences(list(world.verdicts.values())[-1]) == []


def test_an_abort_while_a_harmful_trial_is_taken_off_ends_the_search_too() -> None:
    world = World(SPEC, NONE_IS_SAFE)
    state = world.run(lambda state: state.phase is Phase.ROLLING_BACK)
    aborted = abort(LiveTimes.of(SPEC), state, Request(state.revision, "Ada"), "", world.now)
    assert isinstance(aborted, RolloutState) and aborted is not state
    world.keep(aborted)
    over = world.run()
    assert over.phase is Phase.ROLLED_BACK and over.search is not None and over.search.ended is not None
    assert over.search.ended.reason == "SearchEndedByPerson"


def test_an_abort_after_the_search_is_over_takes_its_setting_off(whole: World) -> None:
    state = abort(
        LiveTimes.of(SPEC), whole.state, Request(whole.state.revision, "Ada"), "sha256:" + "0" * 64, whole.now
    )
    assert isinstance(state, RolloutState) and weights(state) == (100, 0) and incumbent_weight(state) == 0
    assert state.certified is None
    world = replace_state(whole, state)
    over = world.run()
    assert over.phase is Phase.ROLLED_BACK and ends(over) == ends(whole.state)


def replace_state(world: World, state: RolloutState) -> World:
    """Another world of the same policy that stands there."""
    other = World(world.spec, world.truth, now=world.now)
    other.keep(state)
    return other


def test_a_promotion_by_request_keeps_the_setting_under_trial_and_certifies_nothing() -> None:
    world = World(SPEC, SAFE_BUT_LAST)
    state = observing(world, beside_incumbent=True)
    promoted = promote_now(LiveTimes.of(SPEC), state, Request(state.revision, "Ada"), "", world.now)
    assert isinstance(promoted, RolloutState)
    world.keep(promoted)
    over = world.run()
    assert over.phase is Phase.PROMOTED and weights(over) == (0, 100) and over.certified == state.certified
    assert over.search is not None and over.search.ended is not None
    assert over.search.ended.reason == "SearchEndedByPerson"
    assert object_differences(list(world.verdicts.values())[-1]) == []


def test_an_abort_after_a_promotion_by_request_takes_the_certificate_of_the_search_back_too() -> None:
    world = World(SPEC, SAFE_BUT_LAST)
    state = observing(world, beside_incumbent=True)
    for decide in (promote_now, abort):
        digest = digest_of_decision("qa", UID, world.state)
        decided = decide(LiveTimes.of(SPEC), world.state, Request(state.revision, "Ada"), digest, world.now)
        assert isinstance(decided, RolloutState)
        world.keep(decided)
        over = world.run()
        assert (over.certified is None) == (decide is abort)
    assert over.phase is Phase.ROLLED_BACK and weights(over) == (100, 0)


def test_a_promotion_of_a_trial_that_is_decided_is_declined(whole: World) -> None:
    request = Request(whole.state.revision, "Ada")
    assert isinstance(promote_now(LiveTimes.of(SPEC), whole.state, request, "", whole.now), Declined)


def test_a_retry_or_an_edit_begins_another_search_that_no_earlier_trial_counts_in(whole: World) -> None:
    world = replace_state(whole, whole.state)
    world.retry = "again"
    state = world.start()
    assert state.search is not None and (state.search.number, state.search.trials) == (2, ())
    assert state.pinned_plan.incumbent is None
    edited = replace_state(whole, whole.state)
    edited.spec = searched(objective={"exactMatch": {"margin": "0.04"}})
    assert edited.start().search == replace(state.search, started_at=edited.now)


def test_no_trial_begins_while_the_policy_is_suspended_and_the_next_begins_when_it_is_resumed() -> None:
    world = World(SPEC, SAFE_BUT_LAST)
    world.run(lambda state: state.phase in BETWEEN_TRIALS)
    resting, world.spec = world.state, searched(suspend=True)
    assert world.start() is resting
    world.spec = SPEC
    assert world.start().campaign == resting.campaign + 1


def test_the_time_of_a_search_does_not_pass_while_it_is_suspended() -> None:
    world = World(searched({"budget": {"seconds": 3000}}), SAFE_BUT_LAST)
    state = observing(world, beside_incumbent=False)
    assert state.search is not None
    paused = suspend_or_resume(replace(LiveTimes.of(SPEC), suspend=True), state, world.now)
    resumed = suspend_or_resume(LiveTimes.of(SPEC), paused, world.now + 5000)
    assert resumed.search is not None and resumed.search.started_at == state.search.started_at + 5000


@pytest.mark.slow
def test_a_repeated_search_keeps_serving_what_was_certified_and_tries_that_anew_first(whole: World) -> None:
    world = World(searched({"repeatSeconds": 3600}), SAFE_BUT_LAST)
    state = world.run()
    assert state.search is not None and state.search.ended is not None
    world.now = state.search.ended.at + 3599
    assert world.start() is state
    world.now += 1
    again = world.start()
    assert again.search is not None and again.search.number == 2 and again.search.trials == ()
    assert again.leader == "window-10" and incumbent_weight(again) >= 50
    world.keep(again)
    over = world.run()
    assert ends(over)[0] == ("window-10", "Certified") and over.phase is Phase.PROMOTED
    assert all(object_differences(each) == [] for each in world.verdicts.values())


def test_a_repeated_search_that_cannot_certify_the_setting_again_takes_it_off() -> None:
    world = World(searched({"repeatSeconds": 3600}), SAFE_BUT_LAST)
    state = world.run()
    assert state.search is not None and state.search.ended is not None
    world.now, world.truth = state.search.ended.at + 3600, NONE_IS_SAFE
    world.keep(world.start())
    over = world.run()
    assert over.phase is Phase.ROLLED_BACK and weights(over) == (100, 0) and over.certified is None
    assert ends(over)[0] == ("window-10", "Harmful")


def test_a_search_is_told_by_its_start_each_trial_and_its_end(whole: World) -> None:
    before, told = RolloutState(), []
    for state in whole.history:
        told += [note.reason for note in event_notes(before, state)]
        before = state
    trials = len(ends(whole.state))
    assert (told.count("SearchStarted"), told.count("TrialEnded"), told.count("SearchEnded")) == (1, trials, 1)
    assert told[0] == "SearchStarted" and told[-1] == "SearchEnded" and told.count("CampaignStarted") == trials


def test_a_policy_without_a_search_has_nothing_of_it_in_its_status() -> None:
    world = World(policy({"rollout": {"steps": [{"weight": 50}]}}), {"w10": SAFE_BUT_LAST["window-10"]})
    state = world.run()
    assert state.search is None and "search" not in world.written[-1]
