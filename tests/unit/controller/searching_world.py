"""A cluster in memory whose policy searches: counts follow from the setting under trial and the weights in force."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import INCUMBENT
from earlystop.controller.cluster import Manifest
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.state import ENDED
from earlystop.rollout.stored.status_codec import from_status
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import RATE, SAFE_BUT_LAST, SEARCH, Truth, tried
from tests.unit.rollout.traffic import SAVING, answers

SEARCHED: dict[str, Any] = {
    "candidates": None,
    "search": SEARCH,
    "rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}], "lookSeconds": 5, "settleSeconds": 5},
}


class Killed(BaseException):
    """The operator's process ends here."""


class Mortal(Memory):
    """A Kubernetes API that kills the operator after its write of a number."""

    def __init__(self, objects: dict[str, Manifest], kill_at: int | None = None) -> None:
        super().__init__()
        self.objects, self.kill_at, self.writes = objects, kill_at, 0

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        answer = await super()._call(method, path, body, content_type)
        if method != "GET":
            self.writes += 1
            if self.writes == self.kill_at:
                raise Killed
        return answer


class SearchingWorld(World):
    """A policy that searches among settings of known quality."""

    def __init__(self, truth: Mapping[str, Truth] = SAFE_BUT_LAST, changes: Mapping[str, Any] | None = None) -> None:
        super().__init__(SAVING, {**SEARCHED, **(changes or {})})
        self.truth = truth
        self.counts.read = self._read  # type: ignore[method-assign]
        self.api = Mortal(copy.deepcopy(self.api.objects))

    async def _read(self, source: str, request: AnyRequest, at: int) -> Result:
        state = from_status(self.status)[0]
        percents = weights(state) or (100, 0)
        elapsed = at - NOW
        baseline, candidate = (RATE * elapsed * percent // 100 for percent in percents)
        observed: dict[SeriesKey, Tally] = {
            SeriesKey(state.clock.step, Variant.BASELINE, "qa", "p1"): answers(baseline),
            SeriesKey(state.clock.step, Variant.CANDIDATE, "qa", "p1"): tried(candidate, self.truth[state.leader]),
        }
        if state.pinned_plan.incumbent is not None:
            served = RATE * elapsed * incumbent_weight(state) // 100
            observed[SeriesKey(state.clock.step, INCUMBENT, "qa", "p1")] = answers(served)
        return Reading(at, observed, float(at), 0)

    async def search(self, reconciliations: int = 600) -> None:
        """Go on until the search is over; a killed operator is followed by another one."""
        for _ in range(reconciliations):
            if self.status.get("phase") in {phase.value for phase in ENDED}:
                return
            try:
                await self.reconcile()
            except Killed:
                self.now += 1
                self.tracked = TrackedPolicy.load(self.policy, self.now)
        raise AssertionError(f"the search stands at {self.status.get('phase')} after {reconciliations} visits")

    @property
    def trials(self) -> list[tuple[str, str]]:
        """Setting and end of each trial that is over."""
        return [(each["setting"], each["end"]) for each in self.status["search"]["trials"]]
