"""Watching over what users get while no weight moves: by probes, by counts, and by what comes past the overlay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import aiohttp

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.cross_check import look_for_disagreement, take_back_if_over, with_disagreement
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.controller.traffic.unseen_requests import look_for_unseen, with_unseen
from earlystop.controller.traffic.watch_candidates import watch_candidates
from earlystop.controller.traffic.watch_counts import watch_counts
from earlystop.delivery.split import TrafficSplit


async def watch(
    http: aiohttp.ClientSession,
    reader: CountBatcher,
    tracked: TrackedPolicy,
    split: TrafficSplit,
    policies: int,
    clock: Callable[[], float],
    delay: float,
    turns: TrafficTurns,
) -> None:
    """Ask for the candidates, for their share of the counts, and for requests that come past the overlay, where any of
    these is due.

    policies: how many the operator tracks. clock: Unix seconds. delay: seconds until counts are complete. turns: bounds
    how many policies of a namespace send probes at once.
    """
    await watch_candidates(http, tracked, split, policies, clock(), turns)
    await watch_counts(reader, tracked, split, policies, clock(), delay)
    await look_for_unseen(reader, tracked, int(clock() - delay))
    traffic = with_unseen(tracked, tracked.observations.traffic)
    await look_for_disagreement(reader, tracked, int(clock() - delay))
    take_back_if_over(tracked, tracked.state, clock())  # it may stand in a status of an earlier release
    said, read = tracked.observations, tracked.cross_check.read
    metrics = said.metrics if read.status is not said.metrics.status else with_disagreement(tracked, read)
    tracked.observe(replace(said, traffic=traffic, metrics=metrics), clock())
