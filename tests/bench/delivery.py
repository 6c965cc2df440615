"""From a decision to the data plane: `python -m tests.bench.delivery`. It prints how long changes take, beside the bar.

A real API server, Traefik, Prometheus, server and operator. A decision's moment is that at which a watch of the policy
showed it stored; a change has arrived when every request that clients send from then on gets the new weights.
The exit code says only whether it could measure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from math import ceil
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.delivery_clients import AnswersByVariant, asking
from tests.bench.machine import machine
from tests.cluster.binaries import binary
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.network import POD_ADDRESS
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.scene import ROOT, Scene
from tests.e2e.stage import BUILTIN, Stage
from tests.e2e.whole import abort, play, retry

BAR_SECONDS = 2.0
RATE = 200.0
NAME = "timed"
# After a change has been carried out, so long must every request get it.
WATCHED_SECONDS = 2.0
DEADLINE_SECONDS = 300.0
# A server counts 16 revisions at most until one has been idle for long; the whole rollout has one of them.
MOST_CYCLES = 15
STEP = [{"weight": 50, "minimumSeconds": 2}]


class Phases:
    """When a watch of the policy first showed each phase, since the last change of it."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str]] = []

    async def reached(self, phases: Collection[str], since: float) -> tuple[float, str]:
        """When one of these phases was first shown after `since` (Unix seconds), and which. Raises ClusterError."""
        end = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            found = next(((at, phase) for at, phase in self.seen if phase in phases and at > since), None)
            if found is not None:
                return found
            await asyncio.sleep(0.02)
        raise ClusterError(f"none of {phases} within {DEADLINE_SECONDS:.0f} s; the last phases: {self.seen[-5:]}")


@asynccontextmanager
async def watching(stage: Stage) -> AsyncIterator[Phases]:
    """Note the policy's phases as the API server tells them."""
    phases = Phases()
    process = await asyncio.create_subprocess_exec(
        str(binary("kubectl")),
        f"--kubeconfig={stage.access.kubeconfig}",
        f"--namespace={stage.namespace}",
        *("get", f"esp/{NAME}", "--watch", "--no-headers", "--output=custom-columns=PHASE:.status.phase"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = process.stdout

    async def read() -> None:
        while line := await lines.readline():
            phases.seen.append((time.time(), line.decode().strip()))

    reader = asyncio.create_task(read())
    try:
        yield phases
    finally:
        process.terminate()
        await process.wait()
        await reader


async def timed_changes(stage: Stage, cycles: int, console: Console) -> tuple[dict[str, list[float]], AnswersByVariant]:
    """Seconds of each change: what looks decide, and aborts of what was promoted. A harmless window is rolled back by
    a look in some campaigns, as the risk of one in twenty says."""
    promotions: list[float] = []
    rollbacks: list[float] = []
    aborts: list[float] = []
    async with asking(stage.gateway.url, stage.host) as answers, watching(stage) as phases:
        since = 0.0
        while len(promotions) < cycles:
            decided, phase = await phases.reached(("Promoting", "RollingBack"), since)
            if phase == "RollingBack":
                rollbacks.append(await _arrival(phases, answers, "RolledBack", "baseline", decided))
            else:
                promotions.append(await _arrival(phases, answers, "Promoted", "candidate", decided))
                since = time.time()
                await asyncio.to_thread(abort, stage, NAME)
                decided, _ = await phases.reached(("RollingBack",), since)
                aborts.append(await _arrival(phases, answers, "RolledBack", "baseline", decided))
                console.print(f"{len(aborts)} of {cycles}: {promotions[-1]:.3f} s up, {aborts[-1]:.3f} s down")
            since = time.time()
            if len(promotions) < cycles:
                await asyncio.to_thread(retry, stage, NAME, f"{since}")
    took = {"promoted by a look, to 100 %": promotions, "aborted, to 0 %": aborts}
    return took | ({"rolled back by a look, to 0 %": rollbacks} if rollbacks else {}), answers


async def _arrival(phases: Phases, answers: AnswersByVariant, phase: str, variant: str, decided: float) -> float:
    await phases.reached((phase,), decided)
    await asyncio.sleep(WATCHED_SECONDS)
    return answers.all_from(variant, decided) - decided


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    return sorted(values)[ceil(share * len(values)) - 1]


def table(took: dict[str, list[float]]) -> Table:
    """The figures beside the bar."""
    columns = ("change", "number", "p50", "p99", "longest", f"bar: p99 below {BAR_SECONDS:.0f} s")
    shown = Table(*columns, title="from decision to clients")
    everything = [each for values in took.values() for each in values]
    for name, values in (*took.items(), ("all", everything)):
        tail = percentile(values, 0.99)
        figures = (f"{each:.3f} s" for each in (percentile(values, 0.5), tail, max(values)))
        shown.add_row(name, str(len(values)), *figures, "met" if tail < BAR_SECONDS else "MISSED")
    return shown


def main(
    cycles: Annotated[int, typer.Option(min=1, max=MOST_CYCLES, help="Promotions, with an abort each.")] = MOST_CYCLES,
    throttle: Annotated[str, typer.Option(help="How long Traefik collects changes before it acts.")] = "100ms",
) -> None:
    """Measure delivery and print the figures beside the bar."""
    console = Console()
    with Cluster(crds=(ROOT / "crds",), gateway=True, prometheus=True, throttle=throttle) as cluster:
        scene = Scene(cluster, cluster.gateway, cluster.prometheus, POD_ADDRESS, hollow=True)
        with scene.stage(data=BUILTIN) as stage:
            stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
            stage.start_operator()
            whole = play(stage, "whole", RATE)
            console.print(
                f"a whole rollout at {RATE:.0f} requests a second: {whole['sent']} sent, {whole['failed']} failed"
            )
            stage.apply_policy(NAME, 10, "0.10", risk="0.05", steps=STEP, settleSeconds=1)
            took, answers = asyncio.run(timed_changes(stage, cycles, console))
    console.print(table(took))
    console.print(
        f"while it was timed: {len(answers.variants) + len(answers.failures)} sent, {len(answers.failures)} failed; "
        f"Traefik's throttle {throttle}; {machine()}"
    )


if __name__ == "__main__":
    typer.run(main)
