"""Campaigns of the bench of searches, one a line in a file, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.simulated_search import SimulatedSearch


@dataclass(frozen=True, slots=True)
class Campaign:
    """How one campaign of a search on a shape ended.

    run: its number, from which all that it draws follows. best, violations, requests, served, saved: as in
    `SimulatedSearch`. seconds: of a processor.
    """

    shape: str
    search: str
    run: int
    best: int | None
    violations: int
    requests: int
    served: float
    saved: float
    seconds: float


Key = tuple[str, str, int]


class Results:
    """What is known of campaigns, in memory and in a file where there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._known = path, _read(path)

    def campaign(self, key: Key, play: Callable[[], SimulatedSearch]) -> Campaign:
        """One campaign, from the file if it is there; else it is played, and added to the file. key: shape, search and
        number of the campaign."""
        if key not in self._known:
            begun = time.process_time()
            ended = play()
            seconds = time.process_time() - begun
            self._known[key] = Campaign(
                *key, ended.best, ended.violations, ended.requests, ended.served, ended.saved, seconds
            )
            self._add(self._known[key])
        return self._known[key]

    def _add(self, campaign: Campaign) -> None:
        if self._path is not None:
            # A line of its own, whatever an interruption left of the last one.
            with self._path.open("a") as file:
                file.write(f"\n{json.dumps(asdict(campaign))}\n")


def _read(path: Path | None) -> dict[Key, Campaign]:
    """Campaigns of a file. A line that an interruption cut off is left out."""
    if path is None or not path.exists():
        return {}
    found = [_parsed(line) for line in path.read_text().splitlines()]
    return {(each.shape, each.search, each.run): each for each in found if each is not None}


def _parsed(line: str) -> Campaign | None:
    try:
        return Campaign(**json.loads(line))
    except (json.JSONDecodeError, TypeError):
        return None
