"""What each controller took, as values and as a table: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from rich.table import Table

from tests.bench.scale_table import ColdStart, Steady


@dataclass(frozen=True, slots=True)
class Figures:
    """What one controller took, a number of objects looked at every few seconds. Rates are per second.

    looks: taken while it was measured; looks_due: that should have been. resident_mib, peak_mib: memory while it was
    measured, and at its peak with the start after the kill. late_median, late_99: seconds by which looks came late.
    restart_seconds, restart_cpu: from the start after a kill until all were looked at, and CPU time until then.
    others_cores: CPU of everything else on the machine while it was measured.
    """

    name: str
    seconds: float
    looks: float
    looks_due: float
    cores: float
    resident_mib: float
    peak_mib: float
    reads: float
    writes: float
    queries: float
    late_median: float
    late_99: float
    restart_seconds: float
    restart_cpu: float
    others_cores: float

    @property
    def cpu_milliseconds_a_look(self) -> float:
        """CPU time for each look that was taken, NaN without any."""
        return 1000.0 * self.cores * self.seconds / self.looks if self.looks else float("nan")

    @property
    def looks_missing(self) -> float:
        """The part of the looks due that was not taken, from 0 to 1."""
        return max(0.0, 1.0 - self.looks / self.looks_due) if self.looks_due else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table. digits: after the point. ties: by how much another's may be less and both are best."""

    title: str
    field: str
    digits: int
    ties: float = 0.0


ROWS = (
    Row("CPU, cores", "cores", 3),
    Row("CPU a look taken, milliseconds", "cpu_milliseconds_a_look", 2),
    Row("memory while measured, MiB", "resident_mib", 0),
    Row("memory at its peak, restart included, MiB", "peak_mib", 0),
    Row("API reads a second", "reads", 2),
    Row("API writes a second", "writes", 2),
    Row("metric queries a second", "queries", 2),
    Row("looks due that were not taken, part of 1", "looks_missing", 3, ties=0.005),
    Row("lateness of a look, median, seconds", "late_median", 2),
    Row("lateness of a look, p99, seconds", "late_99", 2),
    Row("kill -9 and start, seconds until all are looked at", "restart_seconds", 1),
    Row("CPU time of that start, seconds", "restart_cpu", 1),
)
"""Less is better in each."""


def of_this_operator(name: str, costs: Steady, again: ColdStart) -> Figures:
    """The figures of `make bench-scale` as those of one among others."""
    return Figures(
        name=name,
        seconds=costs.seconds,
        looks=costs.looks,
        looks_due=costs.looks_expected,
        cores=costs.cores,
        resident_mib=costs.resident_mib,
        peak_mib=max(costs.peak_mib, again.peak_mib),
        reads=costs.reads_a_second,
        writes=costs.writes_a_second,
        queries=costs.queries_a_second,
        late_median=costs.late_median,
        late_99=costs.late_99,
        restart_seconds=again.caught_up,
        restart_cpu=again.cpu_seconds,
        others_cores=costs.others_cores,
    )


def best(row: Row, every: Sequence[Figures]) -> frozenset[str]:
    """Whose figure is the least, or within the ties of it. A figure that is not a number is never best."""
    found = {each.name: float(getattr(each, row.field)) for each in every}
    known = [value for value in found.values() if not isnan(value)]
    return frozenset(name for name, value in found.items() if known and value <= min(known) + row.ties)


def table(title: str, every: Sequence[Figures]) -> Table:
    """A column for each controller, and who is best in each row."""
    result = Table(title=title, title_justify="left")
    result.add_column("figure")
    for each in every:
        result.add_column(each.name, justify="right")
    result.add_column("best")
    for row in ROWS:
        measured = (f"{float(getattr(each, row.field)):.{row.digits}f}" for each in every)
        names = best(row, every)
        result.add_row(row.title, *measured, ", ".join(each.name for each in every if each.name in names))
    others = (f"{each.others_cores:.2f}" for each in every)
    result.add_row("everything else on the machine, cores", *others, "")
    return result


def as_markdown(every: Sequence[Figures]) -> str:
    """The same table for a page."""
    lines = [["figure", *(each.name for each in every)], ["---", *("---:" for _ in every)]]
    for row in ROWS:
        names = best(row, every)
        cells = [(f"{float(getattr(each, row.field)):.{row.digits}f}", each.name in names) for each in every]
        lines.append([row.title, *(f"**{text}**" if is_best else text for text, is_best in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
