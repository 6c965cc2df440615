"""This operator beside Argo Rollouts' and Flagger's own controllers: `python -m tests.bench.beside`.

Each in turn has a new API server, hollow node, Prometheus and exporter, and as many objects as the others in an
analysis that never ends. Prints the table of what each took; the exit code says only whether it could measure.
`operator/docs/comparison.md` says what the figures do not compare.
"""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.beside_peers import PEERS, Peer
from tests.bench.beside_stage import peer_staged
from tests.bench.beside_table import Figures, as_markdown, of_this_operator, table
from tests.bench.machine import machine
from tests.bench.scale import WARM_UP_SECONDS, cold_start, steady
from tests.bench.scale_fleet import LOOK_SECONDS, Fleet
from tests.bench.scale_stage import staged

THIS = "this operator"


def measure_peer(peer: Peer, objects: int, window: float, processes: int) -> Figures:
    """What another controller takes."""
    with peer_staged(peer, objects, processes) as stage:
        stage.start()
        stage.begin_analyses()
        time.sleep(WARM_UP_SECONDS)
        return stage.measure(window)


def measure_this(objects: int, window: float, processes: int) -> Figures:
    """What this operator takes, with Pods as the others have them."""
    with staged(Fleet(objects), processes, with_pods=True) as stage:
        stage.start_operator()
        stage.wait_observing(120.0 + objects)
        time.sleep(WARM_UP_SECONDS)
        costs = steady(stage, window)
        stage.last_looks()  # asserts that nothing was decided
        return of_this_operator(THIS, costs, cold_start(stage))


def main(
    objects: Annotated[int, typer.Option(min=1, max=450, help="Objects in analysis, of each controller.")] = 200,
    window: Annotated[float, typer.Option(min=60, max=1200, help="Seconds to measure each.")] = 120.0,
    processes: Annotated[int, typer.Option(min=1, max=32, help="Server processes an object.")] = 4,
    only: Annotated[list[str] | None, typer.Option(help="Whom to measure, by name; all without it.")] = None,
) -> None:
    """Measure each controller, one after the other, and print the figures side by side."""
    console, found = Console(), list[Figures]()
    peers = [each for each in PEERS if not only or each.name in only]
    for peer in peers:
        console.print(f"building {peer.title} where it is missing")
        peer.program()
    for peer in peers:
        console.print(f"measuring {peer.title}")
        found.append(measure_peer(peer, objects, window, processes))
        console.print(found[-1])
    if not only or THIS in only:
        console.print(f"measuring {THIS}")
        found.append(measure_this(objects, window, processes))
    console.print(table(f"{objects} objects, a look every {LOOK_SECONDS} s, over {window:.0f} s each", found))
    print(as_markdown(found))
    console.print(machine())


if __name__ == "__main__":
    typer.run(main)
