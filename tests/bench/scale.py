"""The operator at scale: `python -m tests.bench.scale`. It prints what a fleet of policies costs beside the bar.

A real API server, Prometheus and operator; one synthetic exporter stands for all servers, and no gateway answers.
The exit code says only whether it could measure.
"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.machine import machine
from tests.bench.scale_fleet import DELAY_SECONDS, GUARD_LOOK_SECONDS, LOOK_SECONDS, Fleet
from tests.bench.scale_sources import (
    bound_of,
    buckets_between,
    busiest,
    cpu_seconds,
    machine_busy_seconds,
    memory_mib,
    reads_between,
    value,
    watch,
    writes_between,
)
from tests.bench.scale_stage import LOOKS, ScaleStage, staged
from tests.bench.scale_table import ColdStart, Steady, table

LATENESS = "earlystop_operator_look_lateness_seconds"
# Longer than a look's spacing and the delay together: after it every policy has a look that is due.
DOWN_SECONDS = LOOK_SECONDS + DELAY_SECONDS + 3.0
# The first looks change conditions, which are stored at once for all policies: that belongs to the start.
WARM_UP_SECONDS = 3.0 * LOOK_SECONDS
COLD_START_DEADLINE = 400.0
POLL_SECONDS = 0.25


def steady(stage: ScaleStage, seconds: float) -> Steady:
    """What the operator costs while every policy is being looked at."""
    looks, queries = stage.seen(), stage.queries()
    costs = watch(stage.pid, seconds)
    after, queries, span = stage.seen(), stage.queries() - queries, costs.seconds
    requests = stage.requests()
    writes = writes_between(requests, costs.begin, costs.end)
    late = buckets_between(looks, after, LATENESS)
    taken = value(after, LOOKS, outcome="read") - value(looks, LOOKS, outcome="read")
    return Steady(
        seconds=span,
        resident_mib=costs.resident_mib,
        peak_mib=costs.peak_mib,
        cores=costs.cores,
        others_cores=costs.others_cores,
        late_median=bound_of(late, 0.5),
        late_99=bound_of(late, 0.99),
        writes_a_second=len(writes) / span,
        writes_busiest=busiest(writes, 10.0) / 10.0,
        reads_a_second=reads_between(requests, costs.begin, costs.end) / span,
        queries_a_second=queries / span,
        looks=int(taken),
        looks_expected=stage.fleet.looks_a_second * span,
        looks_failed=int(value(after, LOOKS) - value(looks, LOOKS) - taken),
    )


def cold_start(stage: ScaleStage) -> ColdStart:
    """Kill the operator, let looks fall due for every policy, and start it again.

    It has caught up when it has taken every look that is due by then, the missed ones included; the first look of
    the last policy came no later.
    """
    stage.kill_operator()
    time.sleep(DOWN_SECONDS)
    last = stage.last_looks()
    busy = machine_busy_seconds()
    begun = stage.start_operator()
    answering: float | None = None
    while time.monotonic() - begun < COLD_START_DEADLINE:
        seen = stage.seen(LOOKS)
        if seen and answering is None:
            answering = time.monotonic() - begun
        complete = time.time() - DELAY_SECONDS
        due = sum(int((complete - each.at) // each.seconds) for each in last)
        taken = int(value(seen, LOOKS))
        if taken >= due:
            span, used = time.monotonic() - begun, cpu_seconds(stage.pid)
            busy = machine_busy_seconds() - busy - used
            return ColdStart(answering or span, span, taken, memory_mib(stage.pid), used, busy / span)
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"the operator did not catch up within {COLD_START_DEADLINE:.0f} s; its log ends:\n{_log(stage)}")


def _log(stage: ScaleStage) -> str:
    return stage.operator.tail() if stage.operator is not None else ""


def main(
    policies: Annotated[int, typer.Option(min=0, max=5000, help="Active policies.")] = 200,
    window: Annotated[float, typer.Option(min=15, max=1200, help="Seconds to measure.")] = 120.0,
    processes: Annotated[int, typer.Option(min=1, max=32, help="Server processes a policy.")] = 4,
    searching: Annotated[int, typer.Option(min=0, max=5000, help="How many of the active policies search.")] = 0,
    guarded: Annotated[int, typer.Option(min=0, max=5000, help="Further policies, promoted under guard.")] = 0,
) -> None:
    """Measure the operator with many policies and print the figures beside the bar."""
    console, fleet = Console(), Fleet(policies, min(searching, policies), guarded)
    console.print(f"preparing {fleet}, 2 variants x {processes} processes each")
    with staged(fleet, processes) as stage:
        begun = stage.start_operator()
        stage.wait_observing(120.0 + fleet.total + (10.0 * GUARD_LOOK_SECONDS if guarded else 0.0))
        console.print(f"all of them are observed, {time.monotonic() - begun:.0f} s after the operator's first start")
        time.sleep(WARM_UP_SECONDS)
        console.print(f"measuring for {window:.0f} s")
        costs = steady(stage, window)
        stage.last_looks()  # asserts that nothing was decided
        sizes = stage.guarded_bytes()
        console.print("killing the operator and starting it again")
        again = cold_start(stage)
    console.print(table(fleet, processes, costs, again))
    if sizes:
        mean = sum(sizes) / len(sizes)
        console.print(f"status of a promotion under guard: {mean:.0f} bytes on average, {max(sizes)} the largest")
    console.print(
        f"{machine()}; all but the operator used {costs.others_cores:.2f} cores while it was measured and "
        f"{again.others_cores:.2f} during its cold start"
    )


if __name__ == "__main__":
    typer.run(main)
