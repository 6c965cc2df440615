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
from typing import Any

from earlystop.api.source import SourceSpec
from earlystop.controller.fairness.turns import COMMON, FairTurns
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.several_moments import LooksAhead, chunks_of, read_moments
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
SLOW_SECONDS = 10.0
"""A query of many moments takes longer than a look's, and so does the thread that reads its answer while the operator
has all of a core to load a fleet: that is no reason to ask for each moment by itself, which would take longer still."""

Readings = Mapping[int, Reading]
Grid = tuple[str, int, int]
"""A source's name, the seconds between moments, and the first moment's rest by them."""
Exchange = Callable[[str, SourceSpec, Callable[[ExactPrometheus], Any]], Awaitable[Any]]
"""Puts a question to a source by its name and spec. Raises MetricsFailure."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Batch:
    """What is to be read of policies of one grid, by policy."""

    spec: SourceSpec
    asked: dict[str, LooksAhead] = field(default_factory=dict)
    found: dict[str, asyncio.Future[Readings]] = field(default_factory=dict)

    def join(self, looks: LooksAhead) -> asyncio.Future[Readings]:
        """Ask for one more policy's."""
        policy = looks.request.policy
        self.asked[policy] = looks
        return self.found.setdefault(policy, asyncio.get_running_loop().create_future())


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
        if not is_able or self._is_asked_one_by_one(source):
            return {}
        step = looks.moments.step
        grid = source, step, looks.moments.start % step
        batch = self._batches.get(grid)
        if batch is None:
            batch = self._batches[grid] = _Batch(spec)
            self._start(self._flush(grid))
        elif batch.spec != spec:
            return {}  # the source was edited since this batch was begun
        return await asyncio.shield(batch.join(looks))

    def _is_asked_one_by_one(self, source: str) -> bool:
        """Whether no range is asked of a source now. A clock that was set back lengthens no pause."""
        return 0 < self._one_by_one_until[source] - self._clock() <= ONE_BY_ONE_SECONDS

    async def _flush(self, grid: Grid) -> None:
        """Read one batch in the source's turn, once it is gathered. It takes requests until its turn comes. Each query
        of it has a turn of its own: others, and single looks, would wait for all of them else."""
        source, joined, until = grid[0], 0, self._clock() + MOST_GATHERING_SECONDS
        while joined < len(self._batches[grid].asked) and self._clock() < until:
            joined = len(self._batches[grid].asked)
            await asyncio.sleep(GATHER_SECONDS)
        async with self._turns(source).of(COMMON):
            batch = self._batches.pop(grid)
            first, *others = chunks_of(batch.asked.values())
            await self._answer(source, batch, first)
        for chunk in others:
            async with self._turns(source).of(COMMON):
                await self._answer(source, batch, chunk)

    async def _answer(self, source: str, batch: _Batch, chunk: Sequence[LooksAhead]) -> None:
        """Give the policies of one query their readings: none where the source has failed or was slow meanwhile."""
        readings = {} if self._is_asked_one_by_one(source) else await self._read_now(source, batch.spec, chunk)
        for policy in (each.request.policy for each in chunk):
            batch.found.pop(policy).set_result(readings.get(policy, {}))

    async def _read_now(self, source: str, spec: SourceSpec, chunk: Sequence[LooksAhead]) -> Mapping[str, Readings]:
        """The readings of policies that share a query, none where the source did not answer. Raises nothing: a look
        that then asks by itself says why."""
        began = time.monotonic()
        try:
            question = partial(_read, chunk, spec.namespace_label)
            found: dict[str, dict[int, Reading]] = await self._exchange(source, spec, question)
            audible = self._audible(source, spec, chunk, found)
        except MetricsFailure as failure:
            log.info("%s is asked for one moment at a time for a while: %s", source, failure)
            pause = AWAY_SECONDS if failure.kind in AWAY else ONE_BY_ONE_SECONDS
        except Exception:
            log.exception("reading counts of %d policies ahead failed", len(chunk))
            pause = ONE_BY_ONE_SECONDS
        else:
            if time.monotonic() - began > SLOW_SECONDS:
                self._one_by_one_until[source] = self._clock() + AWAY_SECONDS
            return audible
        self._one_by_one_until[source] = self._clock() + pause
        return {}

    def _audible(
        self, source: str, spec: SourceSpec, chunk: Sequence[LooksAhead], found: Mapping[str, Readings]
    ) -> Mapping[str, Readings]:
        """The readings but for those in which counters of a variant that should have requests are silent: their looks
        ask whether servers are up."""
        audible: dict[str, Readings] = {}
        for request in (each.request for each in chunk):
            bound = stale_after(self._interval(source, spec, request.policy))
            audible[request.policy] = {
                at: each
                for at, each in found.get(request.policy, {}).items()
                if not is_silent(each, request.liveness.variants, bound)
            }
        return audible


def _read(
    asked: Sequence[LooksAhead], namespace_label: str | None, client: ExactPrometheus
) -> dict[str, dict[int, Reading]]:
    try:
        return read_moments(client, asked, namespace_label)
    finally:
        client.release_answer()
