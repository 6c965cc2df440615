"""The figures of the scale benchmark as values, and as a table beside the bar that they are held to."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from tests.bench.scale_fleet import Fleet


@dataclass(frozen=True, slots=True)
class Steady:
    """What the operator costs while every policy is looked at, over `seconds`. Rates are per second.

    cores: CPU of the operator in cores; others_cores: of everything else on the machine. late_*: seconds, the bound
    of the bucket that holds the quantile. writes_busiest: in the ten seconds with most writes.
    """

    seconds: float
    resident_mib: float
    peak_mib: float
    cores: float
    others_cores: float
    late_median: float
    late_99: float
    writes_a_second: float
    writes_busiest: float
    reads_a_second: float
    queries_a_second: float
    looks: int
    looks_expected: float
    looks_failed: int


@dataclass(frozen=True, slots=True)
class ColdStart:
    """A start after a kill. answering, caught_up: seconds until /metrics answers, and until all looks due are taken.

    looks: how many that were; peak_mib: memory at its peak until then; cpu_seconds: CPU time of the operator until
    then; others_cores: CPU of everything else on the machine meanwhile.
    """

    answering: float
    caught_up: float
    looks: int
    peak_mib: float
    cpu_seconds: float
    others_cores: float


@dataclass(frozen=True, slots=True)
class Bars:
    """What the figures are held to, each an upper bound; lateness and cold start in seconds."""

    memory_mib: float = 84.0
    cores: float = 0.035
    late_99: float = 1.0
    writes_a_second: float = 4.0
    reads_a_second: float = 0.1
    cold_start: float = 10.0


BARS = {200: Bars(), 1000: Bars(memory_mib=200.0, cores=0.25, writes_a_second=10.0, cold_start=15.0)}
"""By the number of active policies that they are stated for."""


def table(fleet: Fleet, processes: int, costs: Steady, again: ColdStart) -> Table:
    """Every figure, the bar where there is one, and whether it was met."""
    policies = fleet.total
    meant_for = min(BARS, key=lambda number: abs(number - policies))
    title = f"{fleet}, 2 variants x {processes} processes each, over {costs.seconds:.0f} s"
    result = Table(title=title, title_justify="left")
    for name in ("figure", "bar", "measured", "met"):
        result.add_column(name, justify="left" if name in ("figure", "met") else "right")
    for figure, bar, measured, text in _rows(costs, again, BARS[meant_for]):
        met = "" if bar is None else "yes" if measured <= bar else "no"
        result.add_row(figure, "" if bar is None else f"{bar:g}", text, met)
    if policies != meant_for:
        result.caption = f"The bar is meant for {meant_for} policies."
    return result


def _rows(costs: Steady, again: ColdStart, bars: Bars) -> list[tuple[str, float | None, float, str]]:
    peak = max(costs.peak_mib, again.peak_mib)
    return [
        ("memory at its peak, cold start included, MiB", bars.memory_mib, peak, f"{peak:.0f}"),
        ("  memory while measured, MiB", None, costs.resident_mib, f"{costs.resident_mib:.0f}"),
        ("CPU, cores", bars.cores, costs.cores, f"{costs.cores:.3f}"),
        ("lateness of a look, p99, seconds", bars.late_99, costs.late_99, f"at most {costs.late_99:g}"),
        ("  lateness, median, seconds", None, costs.late_median, f"at most {costs.late_median:g}"),
        ("API writes a second", bars.writes_a_second, costs.writes_a_second, f"{costs.writes_a_second:.2f}"),
        ("  in the busiest 10 s", None, costs.writes_busiest, f"{costs.writes_busiest:.1f}"),
        ("API reads a second", bars.reads_a_second, costs.reads_a_second, f"{costs.reads_a_second:.2f}"),
        ("Prometheus queries a second", None, costs.queries_a_second, f"{costs.queries_a_second:.2f}"),
        ("looks taken", None, costs.looks, f"{costs.looks} of {costs.looks_expected:.0f}"),
        ("  looks that failed", None, costs.looks_failed, str(costs.looks_failed)),
        ("cold start to all looks, seconds", bars.cold_start, again.caught_up, f"{again.caught_up:.1f}"),
        ("  until /metrics answers, seconds", None, again.answering, f"{again.answering:.1f}"),
        ("  looks taken by then", None, again.looks, str(again.looks)),
        ("  CPU time used by then, seconds", None, again.cpu_seconds, f"{again.cpu_seconds:.1f}"),
    ]
