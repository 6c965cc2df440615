"""A split is proven by what is counted under its own revision, also where that is no longer the campaign's."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.counts import Tally
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.desired_split import desired_split
from earlystop.controller.traffic.proof_by_servers import proof_by_counts
from earlystop.delivery.decisions import SplitStatus
from earlystop.metrics.convention.ledger import Ledger, SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED


class Reader(CountBatcher):
    """Every variant has 40 requests of the step, under each revision that is asked for."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.step, self.asked = step, list[str]()

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        self.asked.append(request.revision)
        return Reading(at, {key(self.step, name): Tally(started=40) for name in ("baseline", "candidate")}, at, 0)


def key(step: int, variant: str) -> SeriesKey:
    return SeriesKey(step, variant, "default", "p1")


async def test_a_promoted_split_whose_token_is_lost_is_proven_by_the_counts_of_its_new_revision() -> None:
    found = tracked(REACHED["promoted"])
    split, step = desired_split(found.state), found.state.step
    assert split is not None
    found.ledger = Ledger({key(step, name): Tally(started=4000) for name in ("baseline", "candidate")})
    reader = Reader(step)
    assert await proof_by_counts(reader, found, split, NOW) is None, "nothing new under the campaign's own revision"
    led = replace(split, revision="0123456789")
    result = await proof_by_counts(reader, found, led, NOW)
    assert result is not None and result.status is SplitStatus.PROVEN
    assert reader.asked == [found.state.revision, "0123456789"]
