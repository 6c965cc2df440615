"""Screens show the looks of a promotion that its verdict alone holds, and do without where nobody may read that."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from earlystop.cli import manual_plan
from earlystop.cli.failure import CommandFailure
from earlystop.cli.recorded import with_recorded_looks
from earlystop.cli.screen.reading import reading, screen_of
from earlystop.controller.cluster import VERDICTS, ClusterError, Manifest
from tests.unit.controller.guarded_world import GuardedWorld


def shown(policy: Manifest) -> str:
    console = Console(width=120, record=True, file=StringIO())
    console.print(screen_of(reading(policy, console)))
    return console.export_text()


async def guarded() -> GuardedWorld:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(300)
        return world


@pytest.mark.slow
async def test_the_screen_of_a_guarded_policy_shows_the_looks_of_its_trial() -> None:
    world = await guarded()
    looks = len(world.tracked.state.looks)
    assert f"in {looks} looks" not in shown(world.policy) and "Promoted" in shown(world.policy)
    assert f"in {looks} looks" in shown(await with_recorded_looks(world.api, world.policy))
    assert "recorded" not in world.policy["status"], "the object itself stays as it is"


@pytest.mark.slow
@pytest.mark.parametrize("why", ["may not be read", "is gone"])
async def test_without_the_verdict_the_screen_shows_what_the_status_says(why: str) -> None:
    world = await guarded()
    if why == "is gone":
        del world.api.objects[next(each for each in world.api.objects if each.startswith(VERDICTS.path("llm")))]
    else:
        world.api.fail("GET", ClusterError(403, "forbidden"))
    policy = await with_recorded_looks(world.api, world.policy)
    assert policy == world.policy and "Promoted" in shown(policy)


@pytest.mark.slow
async def test_a_plan_that_an_edit_has_left_to_a_verdict_is_read_from_it_or_the_verdict_is_asked_for() -> None:
    world = await guarded()
    await world.pass_time(900)
    world.edit_spec({**world.policy["spec"], "objective": {"exactMatch": {"margin": "0.07"}}})
    assert "Promoted" in shown(await with_recorded_looks(world.api, world.policy))
    world.api.fail("GET", ClusterError(403, "forbidden"))
    policy = await with_recorded_looks(world.api, world.policy)
    with pytest.raises(CommandFailure, match="Restore that verdict, or take the edit back"):
        shown(policy)
    with pytest.raises(manual_plan.Refused, match="Restore that verdict, or take the edit back"):
        manual_plan.retry(policy, "again")
