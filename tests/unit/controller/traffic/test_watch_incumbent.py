"""The incumbent of a search is watched as a candidate is: what does not serve it takes all users to the baseline."""

from __future__ import annotations

import pytest

from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.names import alias_name
from earlystop.delivery.split import TrafficSplit
from tests.unit.controller.traffic.gateways import in_force, leads_somebody, watch
from tests.unit.controller.traffic.moves import Moves
from tests.unit.delivery.cluster import split

TRIAL, BETWEEN_TRIALS = split(20, step=2, incumbent=60), split(0, step=2, incumbent=60)


@pytest.mark.parametrize("wanted", [TRIAL, BETWEEN_TRIALS], ids=["beside a candidate", "between two trials"])
async def test_an_incumbent_that_fails_under_way_is_off_within_one_spacing_and_the_condition_names_it(
    wanted: TrafficSplit,
) -> None:
    moves = Moves(searches=True)
    async with in_force(moves, wanted) as played:
        assert not await watch(moves, wanted) and played.asked == len(wanted.in_use) - 1
        played.broken.add(alias_name("qa", "incumbent"))
        assert await watch(moves, wanted)
        off = await moves.put(wanted, 0)
        assert (off.status, off.observation.reason) == (SplitStatus.NOT_WRITTEN, "CandidateNotServed")
        assert "16 of 16 probes of incumbent" in off.observation.message and not leads_somebody(moves)


async def test_where_the_candidate_fails_the_message_names_it_and_not_the_incumbent() -> None:
    moves = Moves(searches=True)
    async with in_force(moves, TRIAL) as played:
        played.broken.add(alias_name("qa"))
        assert await watch(moves, TRIAL)
        said = (await moves.put(TRIAL, 0)).observation.message
        assert "probes of candidate did not come" in said and "of incumbent" not in said
