"""Looks that are behind are read at several moments at once, together with those of other policies on the same grid.

After a start a fleet has missed looks, each at its own moment. They are taken one after the other, but their counts
need not be asked for so: a range query holds those of all moments that differ by the spacing of looks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.separation import SLOW_SECONDS
from earlystop.controller.fairness.turns import COMMON, FairTurns
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.several_moments import MAX_POLICIES_A_QUERY, LooksAhead, read_moments
from earlystop.metrics.silence import is_silent
from earlystop.metrics.source.client import EVALUATES_RANGES_ALIKE, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.staleness import stale_after

GATHER_SECONDS, MOST_GATHERING_SECONDS = 0.3, 3.0
"""A batch is asked for when nobody has joined it for so long, and after the second time at the latest. While a fleet is
being loaded, more of it joins all the time, and each query costs as much as many policies in it."""
ONE_BY_ONE_SECONDS = 300.0
"""So long no range is asked of a source that has refused one: a proxy before it may let no such query pass."""
AWAY = frozenset({FailureKind.UNREACHABLE, FailureKind.SERVER_ERROR, FailureKind.THROTTLED})
AWAY_SECONDS = 15.0
"""So long of one that seems to be away: once it is back, all looks are behind. And so long of one that took more than
`SLOW_SECONDS` for a query: single looks find out meanwhile whose series make it slow."""

Readings = Mapping[int, Reading]
Grid = tuple[str, int, int]
"""A source's name, the seconds between moments, and the first moment's rest by them."""
Exchange = Callable[[str, SourceSpec, Callable[[ExactPrometheus], Any]], Awaitable[Any]]
"""Puts a question to a source by its name and spec. Raises MetricsFailure."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Batch:
    spec: SourceSpec
    results: asyncio.Future[Mapping[str, Readings]]
    asked: dict[str, LooksAhead] = field(default_factory=dict)


class ReadingAhead:
    """Reads counts of policies that are behind, in the turns of their source."""

    def __init__(
        self,
        turns: Callable[[str], FairTurns],
        exchange: Exchange,
        interval: Callable[[str, SourceSpec, str], float],
        start: Callable[[Coroutine[None, None, None]], None],
        clock: Callable[[], float],
    ) -> None:
        """turns: of a source. interval: seconds between scrapes of a policy's targets, by source and spec. start: runs
        something in the background. clock: Unix seconds."""
        self._turns, self._exchange, self._interval = turns, exchange, interval
        self._start, self._clock = start, clock
        self._batches: dict[Grid, _Batch] = {}
        self._one_by_one_until: defaultdict[str, float] = defaultdict(float)

    async def read(self, source: str, spec: SourceSpec, looks: LooksAhead) -> Readings:
        """The readings of one policy by moment, as far as nothing speaks against its counts: none where the source
        cannot be asked so."""
        is_able = spec.flavour in EVALUATES_RANGES_ALIKE and looks.request.users is None
        if not is_able or self._clock() < self._one_by_one_until[source]:
            return {}
        step = looks.moments.step
        grid = source, step, looks.moments.start % step
        batch = self._batches.get(grid)
        if batch is None:
            batch = self._batches[grid] = _Batch(spec, asyncio.get_running_loop().create_future())
            self._start(self._flush(grid))
        batch.asked[looks.request.policy] = looks
        found: Readings = (await asyncio.shield(batch.results)).get(looks.request.policy, {})
        return found

    async def _flush(self, grid: Grid) -> None:
        """Read one batch in the source's turn, once it is gathered. It takes requests until its turn comes."""
        source, joined, until = grid[0], 0, self._clock() + MOST_GATHERING_SECONDS
        while joined < len(self._batches[grid].asked) and self._clock() < until:
            joined = len(self._batches[grid].asked)
            await asyncio.sleep(GATHER_SECONDS)
        async with self._turns(source).of(COMMON):
            batch = self._batches.pop(grid)
            batch.results.set_result(await self._read_now(source, batch))

    async def _read_now(self, source: str, batch: _Batch) -> Mapping[str, Readings]:
        """The readings of all policies of a batch, none where the source did not answer. Raises nothing: a look that
        then asks by itself says why."""
        began = time.monotonic()
        try:
            question = partial(_read, list(batch.asked.values()), batch.spec.namespace_label)
            found: dict[str, dict[int, Reading]] = await self._exchange(source, batch.spec, question)
        except MetricsFailure as failure:
            log.info("%s is asked for one moment at a time for a while: %s", source, failure)
            pause = AWAY_SECONDS if failure.kind in AWAY else ONE_BY_ONE_SECONDS
        except Exception:
            log.exception("reading counts of %d policies ahead failed", len(batch.asked))
            pause = ONE_BY_ONE_SECONDS
        else:
            if (time.monotonic() - began) / ceil(len(batch.asked) / MAX_POLICIES_A_QUERY) > SLOW_SECONDS:
                self._one_by_one_until[source] = self._clock() + AWAY_SECONDS
            return self._audible(source, batch, found)
        self._one_by_one_until[source] = self._clock() + pause
        return {}

    def _audible(self, source: str, batch: _Batch, found: Mapping[str, Readings]) -> Mapping[str, Readings]:
        """The readings but for those in which counters of a variant that should have requests are silent: their looks
        ask whether servers are up."""

        def is_audible(policy: str, reading: Reading) -> bool:
            bound = stale_after(self._interval(source, batch.spec, policy))
            return not is_silent(reading, batch.asked[policy].request.liveness.variants, bound)

        return {
            policy: {at: each for at, each in readings.items() if is_audible(policy, each)}
            for policy, readings in found.items()
        }


def _read(
    asked: Sequence[LooksAhead], namespace_label: str | None, client: ExactPrometheus
) -> dict[str, dict[int, Reading]]:
    try:
        return read_moments(client, asked, namespace_label)
    finally:
        client.release_answer()
