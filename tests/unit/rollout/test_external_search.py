"""A search tries what others propose, one after the other, and promotes only what its own evidence certifies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.margin_use import NOTHING_USED
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import FateReason, Offer
from earlystop.rollout.search.progress import TrialRecord
from earlystop.rollout.search.trial import Proposal, TrialEnd, TrialOutcome
from earlystop.rollout.state import BETWEEN_TRIALS, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.trials.sequence import begin_search, next_proposal
from earlystop.rollout.unsupported import refusal_of_spec
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.turns import Turns
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import NONE_IS_SAFE, SAFE_BUT_LAST, World, ends, searched

SPEC = searched({"strategy": "External"})


def offers(*proposed: tuple[str, str]) -> tuple[Offer, ...]:
    """Windows that these propose, one after the other."""
    return tuple(
        Offer(f"2026-01-01T00:00:{second:02}Z", f"p{second}", proposer, (("window", window),))
        for second, (proposer, window) in enumerate(proposed)
    )


def waits(state: RolloutState) -> bool:
    """Whether the search has come to where only another proposal makes it go on."""
    return state.phase in BETWEEN_TRIALS


def run_dry(world: World) -> World:
    """All that was proposed is tried, and the search waits."""
    turns = Turns()
    while (
        not waits(world.state) or any(each.reason is FateReason.WAITING for each in world.fates())
    ) and turns.another():
        world.go_on()
    return world


@pytest.fixture(scope="module")
def tried() -> World:
    """Three settings were proposed by two, and tried."""
    world = World(SPEC, SAFE_BUT_LAST, offers=offers(("ana", "20"), ("ana", "5"), ("ben", "10")))
    return run_dry(world)


def test_proposers_take_turns_and_the_best_certified_setting_serves_while_the_search_waits(tried: World) -> None:
    assert ends(tried.state) == [("window-20", "Certified"), ("window-10", "Certified"), ("window-5", "Harmful")]
    search = tried.state.search
    assert search is not None and search.ended is None and search.incumbent is not None
    assert search.incumbent.name == "window-10"
    assert [each.outcome.proposer for each in search.trials] == ["ana", "ben", "ana"]


def test_each_proposal_is_told_what_came_of_its_trial(tried: World) -> None:
    assert [(each.offer.name, each.reason) for each in tried.fates()] == [
        ("p0", FateReason.CERTIFIED),
        ("p1", FateReason.HARMFUL),
        ("p2", FateReason.CERTIFIED),
    ]


def test_every_verdict_verifies_and_no_risk_beyond_the_searchs_is_spent(tried: World) -> None:
    verdicts = list(tried.verdicts.values())
    assert len(verdicts) == 3
    for verdict in verdicts:
        assert object_differences(verdict) == [] and chain_differences(verdict, verdicts) == []
        assert float(verdict["spec"]["search"]["riskSpent"]) <= float(verdict["spec"]["search"]["risk"])
    spec = verdicts[1]["spec"]
    made_up = {**verdicts[1], "spec": {**spec, "plan": spec["plan"].replace('"ben"', '"ana"')}}
    assert any("calls for a trial" in problem for problem in object_differences(made_up)), "ana has more risk left"


@pytest.mark.slow
def test_what_others_propose_survives_the_operators_death_at_any_time(tried: World) -> None:
    for death in range(1, tried.done + 1, 7):
        world = World(SPEC, SAFE_BUT_LAST, dies=lambda done, death=death: done == death, offers=tried.offers)  # type: ignore[misc]
        run_dry(world)
        assert ends(world.state) == ends(tried.state) and world.verdicts == tried.verdicts, death
    assert repr(from_status(tried.written[-1])[0]) == repr(tried.state)


def test_without_any_proposal_no_campaign_begins_and_the_next_proposal_makes_the_search_go_on() -> None:
    world = World(SPEC, SAFE_BUT_LAST)
    for _ in range(5):
        world.go_on()
    assert world.state.phase is Phase.PENDING
    world.offers = offers(("ana", "30"))
    run_dry(world)
    assert ends(world.state) == [("window-30", "Certified")]
    world.offers = offers(("ana", "30"), ("ben", "20"))
    run_dry(world)
    assert ends(world.state) == [("window-30", "Certified"), ("window-20", "Certified")]


def test_once_all_settings_are_tried_the_search_is_over() -> None:
    world = World(SPEC, NONE_IS_SAFE, offers=offers(("a", "30"), ("b", "20"), ("c", "10"), ("d", "5")))
    state = world.run()
    assert state.phase is Phase.ROLLED_BACK and len(ends(state)) == 4
    assert state.search is not None and state.search.ended is not None


def test_the_time_of_a_search_ends_it_while_it_waits_with_the_best_certified_setting() -> None:
    world = World(
        searched({"strategy": "External", "budget": {"seconds": 3600}}), SAFE_BUT_LAST, offers=offers(("a", "20"))
    )
    waiting = run_dry(world).state.search
    assert waiting is not None and waiting.ended is None
    world.now = waiting.started_at + 3600
    state = world.run()
    assert state.phase is Phase.PROMOTED and state.search is not None and state.search.ended is not None
    assert "window-20 is the best proven" in state.search.ended.message
    world.offers = offers(("a", "20"), ("b", "10"))
    assert [each.reason for each in world.fates()] == [FateReason.CERTIFIED, FateReason.TAKES_NONE]


def test_one_whose_proposals_failed_spends_nothing_of_anothers() -> None:
    spec = searched({"strategy": "External", "failureBudget": 1})
    world = World(spec, SAFE_BUT_LAST, offers=offers(("eve", "5"), ("eve", "30"), ("ana", "20")))
    run_dry(world)
    assert ends(world.state) == [("window-5", "Harmful"), ("window-20", "Certified")]
    assert [each.reason for each in world.fates()][1] is FateReason.SHARE_SPENT


def test_the_strategy_is_built() -> None:
    assert refusal_of_spec(SPEC) is None


@pytest.mark.parametrize("how", ["retry", "due again"])
def test_a_search_that_is_over_begins_again_with_the_first_proposal_and_counts_no_earlier_trial(how: str) -> None:
    extra = {"strategy": "External", "failureBudget": 1, "budget": {"seconds": 3000}, "repeatSeconds": 3600}
    world = World(searched(extra), NONE_IS_SAFE)
    first = Offer("2026-01-01T00:00:00Z", "p0", "eve", (("window", "5"),))
    world.offers = (first,)
    world.run(lambda state: state.phase in BETWEEN_TRIALS)
    world.now += 4000
    world.keep(world.start())
    over = world.state
    assert over.search is not None and over.search.ended is not None
    world.now = over.search.ended.at + 1
    assert world.start() is over, "nobody asks for it"
    world.offers = ()
    if how == "retry":
        world.retry = "again"
    else:
        world.now += 3600
    assert world.start() is over, "it waits for a proposal"
    world.offers = (Offer("2026-01-02T00:00:00Z", "p1", "eve", (("window", "5"),)),)
    begun = world.start()
    assert begun.search is not None and (begun.search.number, begun.search.trials) == (2, ())
    assert begun.leader == "window-5" and begun.phase is Phase.APPLYING


def test_while_the_search_itself_tries_a_setting_anew_nobodys_proposal_of_it_is_said_to_wait() -> None:
    extra = {"strategy": "External", "budget": {"seconds": 3600}, "repeatSeconds": 3600}
    world = World(searched(extra), SAFE_BUT_LAST, offers=offers(("ana", "20")))
    run_dry(world)
    world.now += 4000
    world.keep(world.start())
    assert world.state.phase is Phase.PROMOTED
    world.now += 3600
    world.keep(world.start())
    assert world.state.pinned_plan.trial is not None and world.state.pinned_plan.trial.proposer == ""
    assert world.state.leader == "window-20"
    assert [each.reason for each in world.fates()] == [FateReason.ALREADY_TRIED]


@pytest.mark.parametrize(("shares", "reason"), [(4, "WaitingForProposals"), (5, "SearchBudgetUsed")])
def test_a_search_whose_requests_leave_nobody_a_look_is_over_and_waits_for_no_proposal(
    shares: int, reason: str
) -> None:
    whole = 4_000  # of which the sixth proposer would have 95
    windows = {"parameters": [{"name": "window", "values": [str(number) for number in range(1, 11)]}]}
    spec = searched({"strategy": "External", "budget": {"requests": whole}, **windows})
    begun = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
    trials = tuple(
        TrialRecord(
            f"window-{place}",
            TrialOutcome(place, TrialEnd.INCONCLUSIVE, 0.001, None, None, whole // (place * (place + 1)), f"p{place}"),
            None,
            "",
        )
        for place in range(1, shares + 1)
    )
    progress = replace(begun, trials=trials)
    late = (WaitingOffer(9, "late", "p9"),)
    assert next_proposal(spec, progress, 1, NOTHING_USED) == reason
    assert isinstance(next_proposal(spec, progress, 1, NOTHING_USED, late), Proposal)
