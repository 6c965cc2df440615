"""How many requests Shadow needs until each candidate is certified or shown to be harmful: `make bench-shadow`.

Offline: the recorded answers are drawn with replacement, as live traffic is, the baseline (window 40) serves them, and
all candidates are judged on the same stream by pairs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Look, Tally, total
from earlystop.api.wire import MATCH, pair_outcome
from earlystop.demo.recordings import Recording
from earlystop.demo.replay import Replay, Reply
from earlystop.evidence.engine import Verdict, assess, begin, update
from earlystop.evidence.objective import Basis, Objective
from tests.unit.demo.recorded import real_source, recordings

BASELINE = 40
WINDOWS = (20, 10, 5, 3, 2, 1)
REQUESTS_A_LOOK = 20
MOST_REQUESTS = 20_000
EVEN = 50
"""Each candidate has as many started requests as the baseline."""

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05, basis=Basis.PAIRS)


@dataclass(frozen=True, slots=True)
class Ended:
    """The first verdict of one candidate in one order of requests, and after how many; None: none within the most."""

    verdict: Verdict
    requests: int | None


class Recorded:
    """Replies of each window to each recorded question."""

    def __init__(self, recorded: Sequence[Recording], windows: Sequence[int]) -> None:
        replay = Replay(recorded)
        self._questions = [each.question for each in recorded]
        self._replies = {window: self._all(replay, window) for window in (BASELINE, *windows)}

    def _all(self, replay: Replay, window: int) -> list[Reply]:
        found = [replay.reply(question, window) for question in self._questions]
        return [reply for reply in found if reply is not None]

    def looks(self, window: int, seed: int) -> Iterator[Look]:
        """Looks without end at a candidate of this window; with one seed, all windows see the same requests."""
        rng, at = random.Random(seed), 0
        while True:
            at += 1
            drawn = [int(rng.random() * len(self._questions)) for _ in range(REQUESTS_A_LOOK)]
            full = [self._replies[BASELINE][place] for place in drawn]
            early = [self._replies[window][place] for place in drawn]
            outcomes = [pair_outcome(a.result == MATCH, b.result == MATCH) for a, b in zip(full, early, strict=True)]
            pairs = Tally(**{f"pairs_{outcome}": outcomes.count(outcome) for outcome in set(outcomes)})
            yield Look(at, 0, EVEN, _sum(full), _sum(early) + pairs)


def _sum(replies: Sequence[Reply]) -> Tally:
    return total([_tally(reply) for reply in replies])


def _tally(reply: Reply) -> Tally:
    words = reply.vote.words
    scored = Tally(match=1) if reply.result == MATCH else Tally(mismatch=1)
    return scored + Tally(started=1, completed=1, tokens=words, tokens_squared=words * words)


def judged(looks: Iterator[Look], most: int = MOST_REQUESTS) -> Ended:
    """Reads looks until the evidence decides."""
    state = begin(OBJECTIVE)
    for number in range(1, most // REQUESTS_A_LOOK + 1):
        state = update(state, next(looks))
        verdict = assess(state).verdict
        if verdict is not Verdict.CONTINUE:
            return Ended(verdict, number * REQUESTS_A_LOOK)
    return Ended(Verdict.CONTINUE, None)


def orders(
    source: str, windows: Sequence[int], seeds: Sequence[int], most: int = MOST_REQUESTS
) -> Mapping[int, list[Ended]]:
    """By window, what each order of requests ended with."""
    recorded = Recorded(recordings(source), windows)
    return {window: [judged(recorded.looks(window, seed), most) for seed in seeds] for window in windows}


def main() -> None:
    """Print the table for 20 orders of the recorded GPT-3.5 answers, or of the shipped set."""
    source = real_source() or "builtin"
    table = Table(title=f"requests until Shadow decides; baseline window {BASELINE}, {source.rsplit('/', 1)[-1]}")
    for column in ("window", "promoted", "rolled back", "open", "median", "mean", "least", "most"):
        table.add_column(column, justify="right")
    for window, ended in orders(source, WINDOWS, range(20)).items():
        verdicts = [one.verdict for one in ended]
        needed = sorted(one.requests for one in ended if one.requests is not None)
        figures = (
            [f"{median(needed):,.0f}", f"{mean(needed):,.0f}", f"{needed[0]:,}", f"{needed[-1]:,}"] if needed else []
        )
        counts = [verdicts.count(each) for each in (Verdict.PROMOTE, Verdict.ROLL_BACK, Verdict.CONTINUE)]
        table.add_row(str(window), *map(str, counts), *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
