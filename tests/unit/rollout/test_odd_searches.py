"""Searches that hardly anybody would write, and that are valid: they end, promote what is proven, and every verdict
verifies; and an edit at any phase begins another search in which nothing of the last one counts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.state import ACTING, ENDED, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.turns import Turns
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import SAFE_BUT_LAST, Truth, World, searched

USUAL = searched()
MOST = 400
"""Things that are done in any of these searches, with what is done again after a death."""
MANY = [
    {"name": "window", "range": {"from": "1", "to": "20", "step": "1"}},
    {"name": "patience", "range": {"from": "0", "to": "9", "step": "1"}},
]
ODD = {
    "one setting": searched({"parameters": [{"name": "window", "values": ["20"]}], "failureBudget": 1}),
    "the fewest requests": searched({"budget": {"requests": 1000}, "incumbentWeight": 98}),
    "the least time": searched({"budget": {"seconds": 60}, "incumbentWeight": 1}),
    "a floor above the baseline": searched(objective={"exactMatch": {"floor": "0.95"}}),
    "hardly any horizon": searched({"horizonRequests": 2000}),
    "shares at their bounds": searched(
        {"incumbentWeight": 98, "budget": {"requests": 20_000}}, rollout={"steps": [{"weight": 99}]}
    ),
    "200 settings": searched({"strategy": "Bayesian", "parameters": MANY}),
}
WORLDS = {
    "all hold": (Truth(mean_tokens=300),),
    "none holds": (Truth(0.4, 300),),
    "every other holds": (Truth(mean_tokens=300), Truth(0.4, 200)),
    "no answer is right or has more than a token": (Truth(0.0, 1),),
    "all cost what the baseline does": (Truth(),),
}


def true_of(spec: PolicySpec, kinds: tuple[Truth, ...]) -> Mapping[str, Truth]:
    """The truth of each setting that the search may try."""
    return {each.name: kinds[at % len(kinds)] for at, each in enumerate(settings_of(spec))}


def check(world: World) -> None:
    """What holds at each moment of any search."""
    state, percents = world.state, weights(world.state)
    assert percents is not None and sum(percents) + incumbent_weight(state) == 100
    assert from_status(to_status("qa", UID, LiveTimes.of(world.spec), state, ""))[0] == state
    ledger = world.written[-1]["search"]
    assert float(ledger["riskSpent"]) <= float(ledger["risk"]) * (1 + 1e-5)


@pytest.mark.slow
@every_row("kinds", WORLDS)
@every_row("spec", ODD)
def test_a_search_at_the_bounds_of_what_may_be_written_ends_with_what_is_proven_and_verifies(
    spec: str, kinds: str
) -> None:
    world = World(ODD[spec], true_of(ODD[spec], WORLDS[kinds]), dies=lambda done: done % 5 == 0)
    phase = world.state.phase
    turns = Turns()
    while world.state.phase not in ENDED and turns.another():
        assert world.done < MOST, f"still {world.state.phase}"
        world.go_on()
        if world.state.phase is not phase:
            check(world)
            phase = world.state.phase
    search = world.state.search
    assert search is not None and search.ended is not None
    certified = {each.name for each in search.trials if each.outcome.end is TrialEnd.CERTIFIED}
    assert (search.incumbent is not None) == (world.state.phase is Phase.PROMOTED) == bool(certified)
    assert search.incumbent is None or search.incumbent.name in certified
    margin = float(ODD[spec].objective.exact_match.margin)
    assert all(0.8 - world.truth[name].exact_match <= margin for name in certified)
    verdicts = list(world.verdicts.values())
    assert [object_differences(each) + chain_differences(each, verdicts) for each in verdicts] == [[]] * len(verdicts)


@pytest.mark.slow
def test_an_edit_at_any_phase_waits_for_what_is_decided_and_then_begins_a_search_in_which_nothing_counts() -> None:
    world, met = World(USUAL, SAFE_BUT_LAST), set[tuple[Phase, bool]]()
    turns = Turns()
    while world.state.phase not in ENDED and turns.another():
        world.go_on()
        kind = world.state.phase, world.state.pinned_plan.incumbent is not None
        if kind in met:
            continue
        met.add(kind)
        edited = World(ODD["one setting"], SAFE_BUT_LAST, state=world.state, now=world.now + 1)
        edited.retry, begun = world.retry, edited.start()
        if kind[0] in ACTING:
            assert begun is world.state, "what is decided is carried out first"
        else:
            check_begun(begun, world.state)
    assert {phase for phase, _ in met} >= {Phase.APPLYING, Phase.SETTLING, Phase.OBSERVING, Phase.CHOOSING}


def check_begun(begun: RolloutState, before: RolloutState) -> None:
    search, last = begun.search, before.search
    assert search is not None and last is not None
    assert (search.number, search.trials, search.incumbent) == (last.number + 1, (), None)
    assert begun.phase is Phase.APPLYING and begun.campaign == before.campaign + 1
    assert not any(each.looks for each in begun.comparisons)
