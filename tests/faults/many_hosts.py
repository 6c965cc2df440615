"""Clients of many hosts at once, in the process of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from earlystop.demo.load import LoadPlan, LoadSummary, run_load
from earlystop.demo.recordings import load_recordings
from tests.e2e.stage import Stage


@contextmanager
def asked(stage: Stage, hosts: Sequence[str], rate: float) -> Iterator[None]:
    """Clients of all these hosts while the block runs, none of whose requests may fail. rate: requests a second of each
    host."""
    questions = [recording.question for recording in load_recordings(stage.data)]
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    summaries: list[LoadSummary] = []

    async def ask_all() -> None:
        plans = [LoadPlan(stage.gateway.url, rate, seed=n, headers={"Host": host}) for n, host in enumerate(hosts)]
        summaries.extend(await asyncio.gather(*(run_load(plan, questions, stop) for plan in plans)))

    thread = threading.Thread(target=loop.run_until_complete, args=(ask_all(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    assert len(summaries) == len(hosts) and all(each.ok > 0 for each in summaries)
    assert [each.failures for each in summaries if each.failed] == []
