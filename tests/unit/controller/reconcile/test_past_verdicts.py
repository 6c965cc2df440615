"""A search with warmStart: History starts from verdicts of its namespace, and of others only by an admin's label."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from earlystop.api.wire import HISTORY_LABEL
from earlystop.controller.cluster import CHECKPOINTS, EVENTS, NAMESPACES, VERDICTS, ClusterError
from earlystop.controller.store.past_verdicts import PastVerdicts
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.record.checkpoint import checkpoint_object
from earlystop.rollout.record.retention import StoredVerdict
from earlystop.rollout.search.history import Subject
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import verdict_object
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.searching_world import SearchingWorld
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.record.chains import resealed
from tests.unit.rollout.searching import SEARCH
from tests.unit.rollout.traffic import Quality, Server, decided

WARM = {"search": {**SEARCH, "warmStart": "History"}}


def earlier(window: str, quality: Quality, namespace: str = "llm") -> dict[str, Any]:
    """A verdict about one window, of another policy with the same parameters and baseline."""
    values = [{"name": "window", "value": window}]
    spec = policy({"candidates": [{"name": "it", "values": values}]})
    uid = f"{namespace}-{window}"
    begun = start_campaign(spec, "", RolloutState(), NOW - 100_000, CampaignInputs(uid=uid, entropy=""))
    made = verdict_object(f"earlier-{window}", namespace, uid, decided(spec, begun, Server(), quality))
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def world(*verdicts: dict[str, Any], labels: dict[str, str | None] | None = None) -> SearchingWorld:
    """A policy that is about to search, with verdicts, and the group in which each namespace shares."""
    found = SearchingWorld(changes=WARM)
    found.api.serve(NAMESPACES)
    for each in verdicts:
        found.api.put(VERDICTS, each)
    for name, group in (labels or {}).items():
        found.api.put(NAMESPACES, {"metadata": {"name": name, "labels": {HISTORY_LABEL: group} if group else {}}})
    return found


def told(searching: SearchingWorld) -> list[str]:
    """What the events about history say."""
    events = (each for path, each in searching.api.objects.items() if path.startswith(EVENTS.path("llm")))
    return [each["message"] for each in events if each["reason"] == "HistoryRead"]


async def begun(searching: SearchingWorld) -> SearchingWorld:
    async with searching.open():
        await searching.reconcile_until("Observing")
    return searching


@pytest.mark.slow
async def test_what_verdicts_taught_is_stored_with_the_search_and_told() -> None:
    searching = await begun(world(earlier("20", Quality(mean_tokens=420)), earlier("5", Quality(0.5, 200))))
    assert searching.status["search"]["belief"]
    (note,) = told(searching)
    assert note.startswith(
        "The order of trials starts from 2 comparisons in 2 verdicts of llm/earlier-20, llm/earlier-5"
    )


@pytest.mark.slow
async def test_a_search_that_started_from_history_ends_as_well_and_its_verdicts_can_be_recomputed() -> None:
    searching = world(earlier("10", Quality(mean_tokens=300)), earlier("5", Quality(0.5, 200)))
    async with searching.open():
        await searching.search()
    assert searching.status["search"]["incumbent"]["name"] == "window-10"
    own = [each for each in searching.verdicts() if each["spec"]["policy"] == "qa"]
    assert own
    assert [object_differences(each) for each in own] == [[]] * len(own)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_search_starts_from_a_chain_that_retention_has_shortened_with_a_checkpoint_alone(kept: bool) -> None:
    gone = earlier("20", Quality(mean_tokens=420))
    gone["metadata"] |= {"uid": "object", "creationTimestamp": "2020-01-01T00:00:00Z"}
    left = resealed(earlier("20", Quality(mean_tokens=400)), previous=gone["spec"]["digest"])
    searching = world(left)
    if kept:
        removed = StoredVerdict.of(gone).removed
        searching.api.put(CHECKPOINTS, checkpoint_object("earlier-20", "llm", [removed]))
    await begun(searching)
    assert bool(searching.status["search"].get("belief")) == kept


async def test_without_warm_start_no_verdict_is_read() -> None:
    searching = SearchingWorld()
    searching.api.put(VERDICTS, earlier("20", Quality(mean_tokens=420)))
    await begun(searching)
    assert "belief" not in searching.status["search"]
    assert told(searching) == []


@pytest.mark.slow
async def test_verdicts_of_another_namespace_count_only_where_an_admin_gave_both_the_same_label() -> None:
    theirs = earlier("20", Quality(mean_tokens=420), namespace="team-b")
    shared = await begun(world(theirs, labels={"llm": "qa", "team-b": "qa"}))
    assert "team-b/earlier-20" in told(shared)[0]
    apart = await begun(world(theirs, labels={"llm": "qa", "team-b": "other"}))
    alone = await begun(world(theirs, labels={"llm": None, "team-b": None}))
    for each in (apart, alone):
        assert "belief" not in each.status["search"]
        assert told(each)[0].startswith("No verdict says anything of these settings yet")


async def test_without_the_right_to_read_namespaces_the_own_ones_verdicts_count() -> None:
    searching = world(earlier("20", Quality(mean_tokens=420)))
    call = searching.api._call

    async def refusing(method: str, path: str, *rest: Any) -> Any:
        if path.startswith(NAMESPACES.path(None)) and path.endswith("/llm"):
            raise ClusterError(403, 'User "x" cannot get resource "namespaces"')
        return await call(method, path, *rest)

    searching.api._call = refusing  # type: ignore[method-assign, assignment]
    await begun(searching)
    assert searching.status["search"]["belief"]


def test_the_policy_of_these_tests_is_about_what_the_verdicts_are_about() -> None:
    assert Subject.of(SearchingWorld(changes=WARM).tracked.spec) == Subject.of(policy())


def counting_reads(searching: SearchingWorld) -> list[int]:
    """Holds up each list of verdicts for a turn of the loop. Returns a list that gets how many were under way then."""
    call, under_way, seen = searching.api._call, [0], list[int]()

    async def counted(method: str, path: str, *rest: Any) -> Any:
        if not path.startswith(VERDICTS.path("llm") + "?limit=4"):
            return await call(method, path, *rest)
        under_way[0] += 1
        seen.append(under_way[0])
        await asyncio.sleep(0)
        found = await call(method, path, *rest)
        under_way[0] -= 1
        return found

    searching.api._call = counted  # type: ignore[method-assign, assignment]
    return seen


@pytest.mark.slow
async def test_searches_that_begin_together_read_history_one_after_the_other_and_a_few_verdicts_at_a_time() -> None:
    searching = world(*(earlier(str(window), Quality(mean_tokens=420)) for window in (5, 6, 7, 8, 9)))
    seen = counting_reads(searching)
    past = PastVerdicts(searching.api)
    found = await asyncio.gather(*(past.history_for(searching.tracked, int(searching.now)) for _ in range(3)))
    assert seen == [1] * 6  # two answers for each
    assert all(each is not None and each.belief is not None for each in found)


async def test_a_search_that_tries_what_others_propose_reads_no_history() -> None:
    searching = SearchingWorld(changes={"search": {**SEARCH, "strategy": "External", "warmStart": "History"}})
    seen = counting_reads(searching)
    assert await PastVerdicts(searching.api).history_for(searching.tracked, int(searching.now)) is None
    assert seen == []
