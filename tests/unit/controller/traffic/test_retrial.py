"""Users that a mode's rules were taken from are led by them again only after a trial on the operator's probes."""

from __future__ import annotations

import aiohttp
import pytest

from earlystop.controller.cluster import ROUTES
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.controller.traffic.watch_candidates import SECONDS_BETWEEN, watch_candidates
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.harm import SECONDS_OF_FIRST_REST, SECONDS_TO_SERVE
from earlystop.delivery.names import overlay_name
from earlystop.delivery.split import TrafficSplit
from tests.turns import Turns
from tests.unit.controller.traffic.gateways import in_force, leads_somebody
from tests.unit.controller.traffic.moves import HALF, Moves
from tests.unit.delivery.cluster import split

SHADOWED = split(0, step=2, shadows=1)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "wanted"), [("HeaderCohort", HALF), ("Shadow", SHADOWED)])
async def test_a_mode_that_its_gateway_ceases_to_serve_is_off_in_a_stated_time_and_is_tried_on_probes_first(
    mode: str, wanted: TrafficSplit
) -> None:
    moves = Moves(mode)
    async with in_force(moves, wanted) as played, aiohttp.ClientSession() as http:
        played.broken.add("qa")
        began = moves.now
        turns = Turns()
        while leads_somebody(moves) and turns.another():
            moves.now += SECONDS_BETWEEN
            await watch_candidates(http, moves.tracked, wanted, 1, moves.now, TrafficTurns())
            if moves.tracked.traffic.recheck:
                off = await moves.put(wanted, 0)
            assert moves.now - began <= SECONDS_TO_SERVE + 2 * SECONDS_BETWEEN
        assert off.observation.reason == "ShareNotServed" and "is tried again in 60 s, at " in off.observation.message
        await moves.put(wanted, SECONDS_OF_FIRST_REST)
        for _ in range(4):
            assert (await moves.put(wanted, 5)).status is SplitStatus.NOT_WRITTEN
            assert serves_no_user(moves.api.at(ROUTES, "llm", overlay_name("qa")))
        played.broken.clear()
        assert (await moves.put(wanted, 5)).status is SplitStatus.PROVEN
        assert not serves_no_user(moves.api.at(ROUTES, "llm", overlay_name("qa")))


@pytest.mark.parametrize(("mode", "wanted"), [("HeaderCohort", HALF), ("Shadow", SHADOWED)])
async def test_a_mode_of_core_features_needs_no_trial_before_it_leads_users_for_the_first_time(
    mode: str, wanted: TrafficSplit
) -> None:
    moves = Moves(mode)
    async with in_force(moves, wanted):
        routes = [call for call in moves.api.calls if "httproutes" in call[1]]
        assert routes == [("POST", ROUTES.path("llm"))]
