"""A search that begins again by itself asks for its target as any other policy does."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.timing import acceptance_is_due, next_reconcile
from earlystop.rollout.next_moments import SECONDS_BETWEEN_PROPOSALS
from earlystop.rollout.state import ENDED, TRYING, Phase
from tests.unit.controller.searching_world import SearchingWorld
from tests.unit.controller.tracked_policies import manifest, tracked
from tests.unit.rollout.searching import NONE_IS_SAFE, SEARCH, World, searched

OTHER: dict[str, Any] = {"name": "other", "uid": "2222-other", "created": "2026-02-01T00:00:00Z"}
REPEATED = {"search": {**SEARCH, "repeatSeconds": 3600}}


@pytest.mark.slow
async def test_a_search_that_is_due_again_waits_for_the_policy_that_has_its_target_and_begins_after_it() -> None:
    world = SearchingWorld(NONE_IS_SAFE, REPEATED)
    async with world.open():
        await world.search()
        campaigns = world.status["campaign"]
        other = TrackedPolicy.load(world.api.put(POLICIES, manifest(**OTHER)), world.now)
        world.beside = [other]
        reconciler = world.reconciler
        assert reconciler is not None
        for _ in range(8):
            await reconciler.reconcile(other)
            await reconciler.reconcile(world.tracked)
            world.now += 21
        assert other.state.phase in TRYING and world.tracked.traffic.handover.successor == "other"
        world.now = world.tracked.state.search.ended.at + 3601  # type: ignore[union-attr]
        seen = set()
        for _ in range(200):
            for each in (world.tracked, other):
                await reconciler.reconcile(each)
            seen.add((other.state.phase in TRYING, world.status["campaign"] > campaigns))
            assert not (other.state.phase in TRYING and world.status["campaign"] > campaigns)
            if world.status["campaign"] > campaigns:
                break
            world.now += 21
        assert (True, False) in seen and world.tracked.state.phase in TRYING, "it begins once the other one is over"
        assert other.traffic.handover.successor == "qa" and other.observations.refusal is None


@pytest.mark.parametrize("strategy", ["External", "Ladder"])
def test_a_search_that_is_due_again_is_checked_first_and_one_that_does_not_begin_is_not_asked_all_the_time(
    strategy: str,
) -> None:
    extra = {"strategy": strategy, "repeatSeconds": 3600, "failureBudget": 1, "budget": {"seconds": 100}}
    ended = World(searched(), NONE_IS_SAFE).run()
    assert ended.search is not None and ended.search.ended is not None
    due = float(ended.search.ended.at + 3600)
    found = tracked(ended, due, changes={"candidates": None, "search": {**SEARCH, **extra}})
    found.acceptance.generation, found.acceptance.checked_at = found.generation, due - 1
    assert not acceptance_is_due(found, due - 0.5) and acceptance_is_due(found, due)
    found.acceptance.checked_at, found.traffic.recheck = due, False
    assert found.state.phase in ENDED and found.state.phase is Phase.ROLLED_BACK
    assert next_reconcile(found, 5.0, 1, due) >= min(due + SECONDS_BETWEEN_PROPOSALS, due + 1)
