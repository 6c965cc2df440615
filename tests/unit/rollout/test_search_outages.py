"""A search outlives an outage of its metrics and a suspension: neither says anything of a setting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.outages import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, goes_on_at, is_interrupted
from earlystop.rollout.search.history import read_history
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, WATCHING, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.transitions import expire, lose_metrics, suspend_or_resume
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from earlystop.rollout.words.event_notes import event_notes
from earlystop.rollout.words.summary import summary
from tests.turns import Turns
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, Truth, World, ends, searched

SLOW = {**SAFE_BUT_LAST, "window-20": Truth(exact_match=0.79, mean_tokens=420)}


def with_looks(world: World, *, trials: int = 0) -> RolloutState:
    """A trial that has looks and no decision, after so many others."""
    return world.run(
        lambda state: state.phase is Phase.OBSERVING and len(state.looks) > 1 and len(ends(state)) == trials
    )


def lose(world: World) -> RolloutState:
    """Counts are missing until the trial under way is interrupted and its decision carried out."""
    world.keep(lose_metrics(world.state, world.now))
    world.now += 300
    world.keep(expire(LiveTimes.of(world.spec), world.state, world.now))
    turns = Turns()
    while world.state.phase not in BETWEEN_TRIALS | ENDED and turns.another():
        world.go_on()
    return world.state


@pytest.mark.slow
@pytest.mark.parametrize("trials", [0, 1], ids=["the baseline serves", "an incumbent serves"])
def test_an_outage_neither_fails_a_trial_nor_spends_risk_and_the_trial_goes_on_with_its_looks(trials: int) -> None:
    world = World(searched(), SLOW)
    before = with_looks(world, trials=trials)
    halted = lose(world)
    assert is_interrupted(halted) and ends(halted) == ends(before)
    assert (incumbent_weight(halted), weights(halted)) == ((100, (0, 0)) if trials else (0, (100, 0)))
    world.now = goes_on_at(halted) - 1
    assert world.start() is halted
    world.now += 1
    again = world.start()
    assert again.campaign == before.campaign + 1 and again.revision != before.revision
    assert again.plan == before.plan and again.step == before.step
    assert tuple(again.looks) == tuple(before.looks) and again.evidence == before.evidence
    undisturbed = World(searched(), SLOW).run()
    world.keep(again)
    over = world.run()
    assert ends(over) == ends(undisturbed) and over.certified is not None
    verdicts = list(world.verdicts.values())
    assert [each["spec"]["reason"] for each in verdicts].count("NoMetrics") == 1
    assert [
        found for each in verdicts for found in (*object_differences(each), *chain_differences(each, verdicts))
    ] == []
    assert [found.requests for found in read_history(None, verdicts).comparisons] == [
        each.outcome.requests for each in reversed(over.search.trials if over.search else ())
    ], "no look is learned from twice"


@pytest.mark.slow
def test_a_long_outage_is_tried_again_ever_less_often_until_the_time_of_the_search_is_over() -> None:
    world = World(searched({"budget": {"seconds": 40_000}}), SLOW)
    with_looks(world, trials=1)
    pauses = []
    turns = Turns()
    while not (state := lose(world)).search.ended and turns.another():  # type: ignore[union-attr]
        pauses.append(goes_on_at(state) - world.now)
        restored = from_status(world.written[-1])[0]
        assert goes_on_at(restored) == goes_on_at(state) and is_interrupted(restored)
        world.now = goes_on_at(state)
        world.keep(world.start())
        if world.state.phase in ENDED:
            break
        world.run(lambda state: state.phase in WATCHING)
    assert (
        pauses[:4] == [FIRST_PAUSE_SECONDS * 2**number for number in range(4)] and max(pauses) == LONGEST_PAUSE_SECONDS
    )
    over = world.state
    assert over.search is not None and over.search.ended is not None
    assert over.search.ended.reason == "SearchBudgetUsed" and len(ends(over)) == 1
    assert over.phase is Phase.PROMOTED and incumbent_weight(over) == 100, "the certified setting goes on to serve"


def test_people_are_told_what_is_interrupted_when_it_goes_on_and_who_serves_meanwhile() -> None:
    world = World(searched(), SLOW)
    with_looks(world, trials=1)
    acting = replace(world.state)
    halted = lose(world)
    assert "window-20 serves all requests meanwhile" in summary(halted) and "goes on at 20" in summary(halted)
    told = {note.reason: note for note in event_notes(acting, halted)}
    assert told["TrialInterrupted"].warning and "says nothing of" in told["TrialInterrupted"].message
    assert "TrialEnded" not in told


def test_where_a_policy_holds_on_without_counts_its_deadline_interrupts_a_trial_too() -> None:
    world = World(searched(rollout={"onNoMetrics": {"then": "Hold"}}), SLOW)
    state = lose_metrics(with_looks(world), world.now)
    times = LiveTimes.of(world.spec)
    late = state.campaign_started_at + times.deadline_seconds
    assert expire(times, state, late - 1) is state
    ended = expire(times, state, late).decision
    assert ended is not None and ended.reason == "NoMetrics"


def test_a_trial_that_was_begun_anew_without_its_looks_does_not_verify() -> None:
    world = World(searched(), SLOW)
    with_looks(world)
    halted = lose(world)
    world.now = goes_on_at(halted)
    again = world.start()
    fresh = replace(again.comparisons[0], looks=(), evidence=World(searched(), SLOW).start().comparisons[0].evidence)
    world.keep(replace(again, comparisons=(fresh,)))
    world.run(lambda state: bool(ends(state)))
    verdicts = list(world.verdicts.values())
    (found,) = chain_differences(verdicts[-1], verdicts)
    assert "without the looks" in found


def test_a_search_that_forgets_its_latest_trial_does_not_verify() -> None:
    world = World(searched({"failureBudget": 3}), NONE_IS_SAFE)
    state = world.run(lambda state: state.phase in BETWEEN_TRIALS and len(ends(state)) == 2)
    assert state.search is not None and state.search.incumbent is None, "what is forgotten left nothing that serves"
    world.state = replace(state, search=replace(state.search, trials=state.search.trials[:1]))
    world.run(lambda later: later.phase in BETWEEN_TRIALS | ENDED and later.campaign == state.campaign + 1)
    verdicts = list(world.verdicts.values())
    assert object_differences(verdicts[-1]) == []
    (found,) = chain_differences(verdicts[-1], verdicts)
    assert f"with revision {state.search.trials[1].revision}, is left out" in found


@pytest.mark.parametrize("first", ["resumed first", "begun first"])
def test_the_time_of_a_search_stands_still_while_it_is_suspended_between_two_trials(first: str) -> None:
    world = World(searched({"budget": {"seconds": 3000}}), SAFE_BUT_LAST)
    state = world.run(lambda state: state.phase in BETWEEN_TRIALS)
    paused = replace(LiveTimes.of(world.spec), suspend=True)
    world.keep(suspend_or_resume(paused, state, world.now))
    world.store()
    world.state = from_status(world.written[-1])[0]
    world.now += 50_000
    assert suspend_or_resume(paused, world.state, world.now) is world.state
    if first == "resumed first":
        world.keep(suspend_or_resume(LiveTimes.of(world.spec), world.state, world.now))
    began = world.start()
    assert began.phase is Phase.APPLYING and began.search is not None and state.search is not None
    assert began.search.started_at == state.search.started_at + 50_000 and began.suspended_at is None
