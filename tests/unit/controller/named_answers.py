"""A reader of counts whose answers a test gives by the names of the questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from earlystop.controller.counts.count_batcher import CountBatcher


class NamedAnswers(CountBatcher):
    """Each question that a subclass has a method for, such as `read_unseen(source, question, at)`, is answered by it,
    and any other by the source."""

    async def answer(self, source: str, question: Any, at: int, read: Callable[..., Any]) -> Any:
        named = getattr(self, read.__name__, None)
        return await (super().answer(source, question, at, read) if named is None else named(source, question, at))
