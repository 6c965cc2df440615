"""A policy whose counts come from an engine's own counters, against an API in memory."""

from __future__ import annotations

from typing import Any

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.templates.reader import TemplateRequest
from tests.unit.controller.counts.template_sources import CUSTOM, SOURCE, Engine, Life
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.rollout.traffic import SAVING

ONE_STEP = {**CUSTOM, "rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 900}}
RATE = 40


class EngineCounts(Counts):
    """A source that answers from an engine's counters."""

    def __init__(self, engine: Engine, source: SourceSpec = SOURCE) -> None:
        super().__init__(SAVING)
        self.sources["default"] = source
        self.engine = engine

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        assert isinstance(request, TemplateRequest)
        try:
            return self.engine.reading(request, at)
        except MetricsFailure as failure:
            return failure


def world(*lives: Life, source: SourceSpec = SOURCE, **changes: Any) -> World:
    made = World(SAVING, {**ONE_STEP, **changes})
    made.counts = EngineCounts(Engine(lives), source)
    return made


def accepted(made: World) -> dict[str, Any]:
    return next(each for each in made.status["conditions"] if each["type"] == "Accepted")
