"""Kinds of traffic, one by one: each is a cell of the table that a bench prints, and may be run by itself.

What a run has found stands in a file, a line a cell, so that a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path

from tests.bench.statistics_rivals import RISK


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of traffic: shares of campaigns that were promoted and rolled back wrongly, and how many there were."""

    kind: str
    promoted: float
    rolled_back: float
    runs: int

    @property
    def holds(self) -> bool:
        """Whether both shares agree with the risk, two standard errors allowed."""
        return max(self.promoted, self.rolled_back) <= RISK + 2 * sqrt(RISK * (1 - RISK) / self.runs)


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of traffic. errors: number of campaigns -> shares that are promoted and that are rolled back wrongly."""

    kind: str
    errors: Callable[[int], tuple[float, float]]

    def row(self, runs: int) -> Row:
        """What so many campaigns of it come to."""
        return Row(self.kind, *self.errors(runs), runs)


def rows_of(cells: Iterable[Cell], runs: int) -> list[Row]:
    """What so many campaigns of each cell come to."""
    return [cell.row(runs) for cell in cells]


def known_rows(path: Path | None, runs: int) -> dict[str, Row]:
    """Kind -> what a file of results has of it, as far as it had so many campaigns. A last line that was cut off by an
    interruption is left out."""
    if path is None or not path.exists():
        return {}
    found = {}
    for line in path.read_text().splitlines():
        try:
            row = Row(**json.loads(line))
        except json.JSONDecodeError:
            continue
        if row.runs == runs:
            found[row.kind] = row
    return found


def run_cells(
    cells: Callable[[], Mapping[str, Cell]], kinds: Sequence[str], runs: int, path: Path | None, processes: int
) -> Iterator[Row]:
    """Rows of kinds, first those that the file has already, then the others as they are finished; these are added to
    it. cells: makes them anew in each process, kind -> cell."""
    known = known_rows(path, runs)
    yield from (known[kind] for kind in kinds if kind in known)
    left = [kind for kind in kinds if kind not in known]
    with ProcessPoolExecutor(processes) as pool:
        for done in as_completed([pool.submit(_row, cells, kind, runs) for kind in left]):
            row = done.result()
            if path is not None:
                # A line of its own, whatever an interruption left of the last one.
                with path.open("a") as file:
                    file.write(f"\n{json.dumps(asdict(row))}\n")
            yield row


def _row(cells: Callable[[], Mapping[str, Cell]], kind: str, runs: int) -> Row:
    return cells()[kind].row(runs)
