"""The cluster in memory with two certified settings, of which one serves by the load that the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from earlystop.api.counts import Tally
from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import ROUTES
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.source.answer import Sample
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import Quality, answers

STEPS = 12
TRIAL, GUARD = {"baseline": 40, "w10": 30, "w5": 30}, {"baseline": 34, "w10": 66, "w5": 66}
"""Requests a second in the step of the trial, and in each of a guard, in which one of the two is led to."""
CAREFUL, BOLD = Quality(mean_tokens=300), Quality(mean_tokens=150)
CANDIDATES = [{"name": f"w{window}", "values": [{"name": "window", "value": window}]} for window in ("10", "5")]
WHEN_BUSY: dict[str, Any] = {"load": "queue", "above": "40", "below": "10", "minimumSeconds": 60, "changesPerHour": 12}
QUERY = 'sum(vllm:num_requests_waiting{namespace="{namespace}",job="{target}"})'
SOURCE = SourceSpec.model_validate(
    {"url": "http://prometheus:9090", "loads": [{"name": "queue", "query": QUERY}]},
)


class BusyCounts(Counts):
    """Both candidates answer alike under the label of each step, and a query of the load gives these samples."""

    def __init__(self) -> None:
        super().__init__(CAREFUL)
        self.sources["default"] = SOURCE
        self.load: Sequence[float] = (3.0,)
        self.asked: list[str] = []

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        self.asked.append(query)
        return [Sample({}, value) for value in self.load]

    async def read_of_one(self, source: str, policy: str, read: Callable[[Any], Any]) -> Any:
        return read(self)

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        if self.failure is not None:
            return self.failure
        arms = {"baseline": 600, "w10": CAREFUL.mean_tokens, "w5": BOLD.mean_tokens}
        observed = {}
        for step in range(STEPS):
            for variant, tokens in arms.items():
                row = answers((GUARD if step else TRIAL)[variant], mean_tokens=tokens).row()
                observed[SeriesKey(step, variant, "qa", "p1")] = Tally(*((at - NOW) * each for each in row))
        return Reading(at, observed, float(at), 0)


class BusyWorld(World):
    """A policy whose guard lets the setting follow the load."""

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        together = {
            "candidates": CANDIDATES,
            "rollout": {"strategy": "ABTest", "steps": [{"weight": 30, "minimumSeconds": 60}]},
            "guard": {"holdbackWeight": 34, "whenBusy": WHEN_BUSY},
        }
        super().__init__(CAREFUL, {**together, **(changes or {})})
        self.busy = BusyCounts()
        self.counts = self.busy

    def most_served(self) -> str:
        """The variant that most users meet, by the last rule of the overlay."""
        overlays = [each for path, each in self.api.objects.items() if path.startswith(ROUTES.path("llm"))]
        (overlay,) = [each for each in overlays if each["metadata"]["name"] != "qa"]
        backends: dict[str, int] = {
            each["name"]: each["weight"] for each in overlay["spec"]["rules"][-1]["backendRefs"]
        }
        return max(backends, key=lambda name: backends[name]).removeprefix("qa-es-")
