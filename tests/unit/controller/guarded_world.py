"""The cluster in memory with a guarded policy, whose candidate turns bad at a moment that the test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from earlystop.api.counts import Tally, Variant
from earlystop.controller.cluster import ROUTES
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import Quality

STEPS = 6
GOOD = Quality(mean_tokens=300, requests=40)
BAD = Quality(exact_match=0.3, mean_tokens=300, requests=40)


class TurningCounts(Counts):
    """As `Counts`, but that from `turns_at` on candidates answer otherwise: counters go on from where they are."""

    turns_at = inf

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        if self.failure is not None:
            return self.failure
        good, bad = min(at, self.turns_at) - NOW, max(0, at - self.turns_at)
        observed = dict(self.crowd)
        for step, weight in enumerate(self.weights):
            before, after = GOOD.at(weight), BAD.at(weight)
            for variant in (Variant.BASELINE, Variant.CANDIDATE):
                rows = getattr(before, variant.value).row(), getattr(after, variant.value).row()
                counts = (int(good * one + bad * other) for one, other in zip(*rows, strict=True))
                observed[SeriesKey(step, variant, "qa", "p1")] = Tally(*counts)
        return Reading(at, observed, float(at), 0)


class GuardedWorld(World):
    """A policy with a guard. The servers count alike under the label of each step, whoever put it in force."""

    def __init__(self, guard: Mapping[str, Any] | None = None) -> None:
        super().__init__(GOOD, {"guard": dict(guard or {"holdbackWeight": 10})})
        self.turning = TurningCounts(GOOD)
        self.counts = self.turning
        self.counts.weights = (5, 25, 50, *[90] * STEPS)

    def route_weights(self) -> dict[str, int]:
        """Percent of each Service in the last rule of the overlay, which users meet."""
        overlays = [each for path, each in self.api.objects.items() if path.startswith(ROUTES.path("llm"))]
        (overlay,) = [each for each in overlays if each["metadata"]["name"] != "qa"]
        return {each["name"]: each["weight"] for each in overlay["spec"]["rules"][-1]["backendRefs"]}
