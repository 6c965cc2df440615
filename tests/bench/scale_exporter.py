"""One exporter that stands for the servers of many policies: `python -m tests.bench.scale_exporter REVISIONS`.

Both variants of a policy answer alike, with random counts that only grow, so nothing is ever decided.
"""

from __future__ import annotations

import json
import time
from itertools import zip_longest
from pathlib import Path
from random import Random

import typer
from aiohttp import web

from earlystop.api.counts import Variant
from earlystop.api.wire import FEEDBACK, FIELD_INDEX, MARKS, PAIRS

REQUESTS_A_SECOND = 4.0
EXACT_MATCH = 0.8
MEAN_TOKENS, DEVIATION_OF_TOKENS = 200.0, 60.0
KEPT_BY_THE_CANDIDATE = 2 / 3
GUARDED = "watched"
"""How the names of policies begin that are promoted and then watched over, in a step of their own."""
STEP_OF_A_GUARD = 1
HOLDBACK = 10


class Counters:
    """The counters of one process and variant of one policy in one step, in the order of Tally; their series' heads.
    part: how many of two requests it gets."""

    def __init__(
        self, policy: str, revision: str, variant: Variant, process: str, step: int = 0, part: float = 1.0
    ) -> None:
        self.part = part
        self.counts = [0] * (max(FIELD_INDEX.values()) + 1)
        self.mean_tokens = MEAN_TOKENS if variant is Variant.BASELINE else KEPT_BY_THE_CANDIDATE * MEAN_TOKENS
        labels = f'policy="{policy}",revision="{revision}",step="{step}",variant="{variant}"'
        labels += f',query_class="default",process="{process}"'
        self.series: list[tuple[str, int]] = []
        for (metric, *marks), index in FIELD_INDEX.items():
            if metric in (PAIRS, FEEDBACK):
                continue  # no votes, and nobody asks golden questions
            split = "".join(f',{name}="{text}"' for name, text in zip(MARKS, marks, strict=True) if text)
            self.series.append((f"{metric}{{{labels}{split}}}", index))

    def grow(self, requests: int, random: Random) -> None:
        """Count that many more requests of one half of all, all of them answered."""
        requests = round(self.part * requests)
        if requests == 0:
            return
        spread = (requests * EXACT_MATCH * (1 - EXACT_MATCH)) ** 0.5
        match = min(requests, max(0, round(random.gauss(requests * EXACT_MATCH, spread))))
        tokens = max(
            requests, round(requests * self.mean_tokens + random.gauss(0, DEVIATION_OF_TOKENS * requests**0.5))
        )
        squared = round(tokens * tokens / requests + requests * DEVIATION_OF_TOKENS**2)
        added = (requests, requests, 0, match, requests - match, 0, tokens, squared)
        self.counts = [count + more for count, more in zip_longest(self.counts, added, fillvalue=0)]

    def lines(self) -> list[str]:
        """The samples in the text format."""
        return [f"{head} {self.counts[index]}" for head, index in self.series]


class Servers:
    """All processes of all policies whose campaigns have begun, whose counts grow with the time between two scrapes."""

    def __init__(self, revisions: Path, processes: int, seed: int) -> None:
        self._random = Random(seed)
        self._before = time.monotonic()
        self._revisions = revisions
        self._processes = range(processes)
        self._known: set[str] = set()
        self._pairs: list[tuple[Counters, ...]] = []

    def _learn(self) -> None:
        """Begin to count for policies that were added to the file."""
        revisions = json.loads(self._revisions.read_text())
        for policy in revisions.keys() - self._known:
            names = [f"0123abcd{process:02}" for process in self._processes]
            known = policy, revisions[policy]
            self._pairs += [tuple(Counters(*known, variant, name) for variant in Variant) for name in names]
            if policy.partition("/")[2].startswith(GUARDED):
                parts = {Variant.BASELINE: HOLDBACK / 50, Variant.CANDIDATE: 2 - HOLDBACK / 50}
                self._pairs += [
                    tuple(Counters(*known, variant, name, STEP_OF_A_GUARD, parts[variant]) for variant in Variant)
                    for name in names
                ]
        self._known = set(revisions)

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer a scrape."""
        self._learn()
        now = time.monotonic()
        passed, self._before = now - self._before, now
        lines = []
        for pair in self._pairs:
            requests = round(passed * REQUESTS_A_SECOND * self._random.uniform(0.8, 1.2))
            for counters in pair:
                counters.grow(requests, self._random)
                lines.extend(counters.lines())
        return web.Response(text="\n".join(lines) + "\n", content_type="text/plain")


def main(revisions: Path, host: str = "127.0.0.1", port: int = 9200, processes: int = 4, seed: int = 1) -> None:
    """Serve /metrics; REVISIONS: a file with a JSON object of policy label to revision, read again at each scrape."""
    servers = Servers(revisions, processes, seed)
    app = web.Application()
    app.add_routes([web.get("/metrics", servers.metrics)])
    web.run_app(app, host=host, port=port, print=None, access_log=None)


if __name__ == "__main__":
    typer.run(main)
