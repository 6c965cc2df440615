"""Proposals are read as watches show them, and each is told what became of it; none moves any request."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.proposal import ACCEPTED, TRIED
from earlystop.controller.cluster import PROPOSALS, ClusterError
from earlystop.controller.condition_writer import AGAIN_SECONDS, WRITES_AT_ONCE
from earlystop.controller.proposals import Proposals
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import SearchView, fates
from earlystop.rollout.search.trial import Setting, TrialEnd, TrialOutcome
from tests.unit.controller.memory import Memory

SETTINGS = [Setting(f"window-{each}", (("window", each),), (0.5,)) for each in ("20", "10", "5")]
QA = ("llm", "qa")


class World:
    """An API server with proposals, and a policy whose search takes them."""

    def __init__(self) -> None:
        self.api, self.now, self.woken = Memory(), 1000.0, list[tuple[str, str]]()
        self.views: dict[tuple[str, str], SearchView | str] = {QA: SearchView(SETTINGS, {"window": "40"}, (), 2)}
        self.proposals = Proposals(self.api, self.view, self.woken.append, lambda: self.now)

    def view(self, policy: tuple[str, str]) -> SearchView | str:
        return self.views.get(policy, "There is no such policy.")

    def propose(self, name: str, window: str, proposer: str = "ana", policy: str = "qa") -> dict[str, Any]:
        spec = {
            "policyRef": {"name": policy},
            "proposer": proposer,
            "values": [{"name": "window", "value": window}],
        }
        metadata = {"name": name, "namespace": "llm", "creationTimestamp": f"2026-01-01T00:00:0{len(self.woken)}Z"}
        stored = self.api.put(PROPOSALS, {"metadata": metadata, "spec": spec})
        self.proposals.shown(stored)
        return stored

    def told(self, name: str) -> dict[str, tuple[str, str]]:
        stored = self.api.at(PROPOSALS, "llm", name).get("status", {}).get("conditions", [])
        return {each["type"]: (each["status"], each["reason"]) for each in stored}


async def test_a_proposal_wakes_its_policy_waits_in_the_order_of_arrival_and_is_told_so() -> None:
    world = World()
    world.propose("b", "10")
    world.propose("a", "5.0", "ben")
    assert world.woken == [QA, QA]
    assert world.proposals.waiting_for(QA) == (WaitingOffer(1, "ana", "b"), WaitingOffer(2, "ben", "a"))
    await world.proposals.write_due()
    assert world.told("a") == world.told("b") == {ACCEPTED: ("True", "Waiting")}


async def test_what_came_of_its_trial_is_on_the_proposal_and_nothing_is_written_twice() -> None:
    world = World()
    world.propose("a", "10")
    await world.proposals.write_due()
    tried = TrialOutcome(1, TrialEnd.CERTIFIED, 0.01, None, None, 4000, "ana")
    world.views[QA] = SearchView(SETTINGS, {"window": "40"}, (tried,), 2)
    await world.proposals.write_due()
    assert world.told("a") == {ACCEPTED: ("True", "TrialCertified"), TRIED: ("True", "TrialCertified")}
    assert world.proposals.waiting_for(QA) == ()
    world.api.calls.clear()
    assert not await world.proposals.write_due()
    assert world.api.calls == []


async def test_proposals_to_a_policy_that_is_none_or_takes_none_are_refused_with_its_sentence() -> None:
    world = World()
    world.propose("a", "10", policy="other")
    await world.proposals.write_due()
    assert world.told("a") == {ACCEPTED: ("False", "TakesNoProposals")}
    (condition,) = world.api.at(PROPOSALS, "llm", "a")["status"]["conditions"]
    assert condition["message"] == "There is no such policy."
    assert world.proposals.waiting_for(("llm", "other")) == ()


async def test_values_outside_the_bounds_are_refused_and_wait_for_nothing() -> None:
    world = World()
    world.propose("a", "41")
    await world.proposals.write_due()
    assert world.told("a") == {ACCEPTED: ("False", "NoSuchSetting")} and world.proposals.waiting_for(QA) == ()


async def test_a_proposal_that_is_deleted_before_its_trial_is_not_tried() -> None:
    world = World()
    world.proposals.deleted(world.propose("a", "10"))
    assert world.proposals.waiting_for(QA) == ()
    assert not await world.proposals.write_due() and world.told("a") == {}


async def test_a_proposal_that_nobody_could_have_created_is_passed_over() -> None:
    world = World()
    for made_up in ({"spec": {"values": "all"}}, {"spec": None}, {}):
        world.proposals.shown({"metadata": {"name": "a", "namespace": "llm"}, **made_up})
    assert world.woken == [] and not await world.proposals.write_due()


@pytest.mark.parametrize("fault", [ClusterError(403, "forbidden"), RuntimeError("a fault of the operator's own")])
async def test_a_status_that_is_refused_holds_up_no_other_and_is_tried_again_later(fault: Exception) -> None:
    world = World()
    world.propose("a", "10")
    world.propose("b", "5")
    replace = world.api.replace

    async def refusing(resource: Any, namespace: Any, manifest: Any, subresource: str = "") -> Any:
        if manifest["metadata"]["name"] == "a" and world.now < 1000 + AGAIN_SECONDS:
            raise fault
        return await replace(resource, namespace, manifest, subresource)

    world.api.replace = refusing  # type: ignore[method-assign]
    await world.proposals.write_due()
    assert (world.told("a"), world.told("b")) == ({}, {ACCEPTED: ("True", "Waiting")})
    world.now += AGAIN_SECONDS
    await world.proposals.write_due()
    assert world.told("a") == {ACCEPTED: ("True", "Waiting")}


async def test_a_proposal_that_was_deleted_while_no_watch_saw_it_is_not_tried() -> None:
    world = World()
    world.propose("a", "10")
    world.propose("b", "5")
    del world.api.objects[PROPOSALS.path("llm", "a")]
    await world.proposals.compare_with_list((None,))
    assert world.proposals.waiting_for(QA) == (WaitingOffer(2, "ana", "b"),)


async def test_a_proposal_that_is_gone_when_it_is_to_be_told_something_is_forgotten() -> None:
    world = World()
    world.propose("a", "10")
    del world.api.objects[PROPOSALS.path("llm", "a")]
    await world.proposals.write_due()
    assert world.proposals.waiting_for(QA) == ()


async def test_a_proposal_of_a_known_name_to_another_policy_takes_the_place_of_the_one_that_was_deleted() -> None:
    world = World()
    other = ("llm", "other")
    world.views[other] = world.views[QA]
    world.propose("a", "10")
    world.propose("a", "10", policy="other")
    assert world.proposals.waiting_for(QA) == ()
    assert world.proposals.waiting_for(other) == (WaitingOffer(1, "ana", "a"),)


async def test_nobodys_proposals_wait_behind_the_thousands_of_another_namespace() -> None:
    world = World()
    for number in range(3 * WRITES_AT_ONCE):
        world.propose(f"p{number}", "10", f"user{number}")
    spec = {"policyRef": {"name": "qa"}, "proposer": "ben", "values": [{"name": "window", "value": "5"}]}
    metadata = {"name": "one", "namespace": "other", "creationTimestamp": "2026-01-01T00:00:00Z"}
    world.proposals.shown(world.api.put(PROPOSALS, {"metadata": metadata, "spec": spec}))
    assert await world.proposals.write_due()
    assert world.api.at(PROPOSALS, "other", "one")["status"]["conditions"]


async def test_what_becomes_of_proposals_is_worked_out_again_only_after_something_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, times = World(), list[int]()

    def counting(offers: Any, view: Any) -> Any:
        times.append(len(offers))
        return fates(offers, view)

    monkeypatch.setattr("earlystop.controller.proposals.fates", counting)
    world.propose("a", "10")
    world.propose("b", "5")
    for _ in range(3):
        world.proposals.waiting_for(QA)
        await world.proposals.write_due()
    assert times == [2]
    world.views[QA] = SearchView(SETTINGS, {"window": "40"}, (), 2, closed="It is over.")
    await world.proposals.write_due()
    assert world.told("a") == {ACCEPTED: ("False", "TakesNoProposals")}
    world.proposals.deleted(world.propose("c", "20"))
    assert world.proposals.waiting_for(QA) == () and times == [2, 2, 2]
