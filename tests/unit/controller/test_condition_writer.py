"""Whatever people write, working out what became of it takes a bounded part of the operator's time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import count

import pytest

from earlystop.controller.cluster import APPROVALS, Manifest
from earlystop.controller.condition_writer import BUSY_FRACTION, ConditionWriter, DueConditions, rest_after
from earlystop.controller.resources import Key
from tests.unit.controller.memory import Memory

PASSES = 20


class Flooded(ConditionWriter):
    """Something changes during each pass, so that the next one is due at once. passes: so many were worked out."""

    def __init__(self) -> None:
        super().__init__(Memory(), APPROVALS, "EarlyStopApproval", lambda: 0.0)
        self.passes = 0

    def _to_write(self) -> Iterable[DueConditions]:
        self.passes += 1
        self._changed.set()
        return ()

    def _is_same(self, manifest: Manifest, due: DueConditions) -> bool:
        return True

    def _note_gone(self, key: Key) -> None:
        raise AssertionError(f"{key} was never there")

    def _note_written(self, manifest: Manifest) -> None:
        raise AssertionError("nothing was due")


def moments() -> Iterator[float]:
    """Of each pass the beginning and the end, 0.08 s apart."""
    for each in count():
        yield from (float(each), each + 0.08)


async def test_a_flood_of_objects_is_worked_out_in_a_share_of_the_time_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == PASSES:
            raise asyncio.CancelledError

    clock = moments()
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(asyncio, "sleep", rest)
    writer = Flooded()
    with pytest.raises(asyncio.CancelledError):
        await writer.run()
    assert writer.passes == PASSES
    assert 0.08 * PASSES / (0.08 * PASSES + sum(rests)) <= BUSY_FRACTION * 1.001


def test_what_takes_no_time_rests_none() -> None:
    assert rest_after(0.0) == 0.0
    assert rest_after(1.0) == pytest.approx(9.0)
