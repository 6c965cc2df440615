"""A reader of counts whose answers a test gives by the names of the questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.reading_ahead import Readings
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading


class NamedAnswers(CountBatcher):
    """Each question that a subclass has a method for, such as `read_unseen(source, question, at)`, is answered by it,
    and any other by the source."""

    async def answer(self, source: str, question: Any, at: int, read: Callable[..., Any]) -> Any:
        named = getattr(self, read.__name__, None)
        return await (super().answer(source, question, at, read) if named is None else named(source, question, at))

    async def read_ahead(self, source: str, request: CountRequest, moments: range) -> Readings:
        found = {at: await self.read(source, request, at) for at in moments}
        return {at: each for at, each in found.items() if isinstance(each, Reading)}
