"""Which setting searches end with, and after how many requests: `make bench-search`.

Run as `python -m tests.bench.search [--runs N] [--shape NAME] [--search NAME] [--results FILE]`. Each search meets each
shape in seeded campaigns, with the evidence that runs in the cluster; a run that was interrupted goes on with its file.
`operator/docs/search-figures.md` has the figures, and what they are held to.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import typer
from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.trial import Estimate, Setting, TrialEnd, TrialOutcome
from tests.bench.search_results import Campaign, Results
from tests.bench.search_rivals import rivals
from tests.bench.search_shapes import SHAPES, SURFACE, Shape
from tests.bench.search_strategies import STRATEGIES, TERMS, Strategy

RUNS, SEED = 600, 15
HEADINGS = ("shape", "search", "violates", "ends at best", "saving", "requests, mean", "median", "saved meanwhile", "s")


@dataclass(frozen=True, slots=True)
class Cell:
    """What searches of one kind ended with on one shape.

    violates: share of campaigns that certified any setting that loses more than the margin. at_best: that ended with
    the best one. saving, most: mean of what they ended with, and of the best. requests: of each campaign. meanwhile:
    tokens that users saved during the searches, as a share of what the settings found would have saved in that time.
    """

    shape: str
    search: str
    violates: float
    at_best: float
    saving: float
    most: float
    requests: Sequence[int]
    meanwhile: float
    seconds: float


def cell(
    shape: Shape, name: str, strategy: Strategy, runs: int, seed: int = SEED, results: Results | None = None
) -> Cell:
    """So many seeded campaigns. results: those that were played before."""
    known = results or Results(None)

    def play(run: int) -> Campaign:
        return known.campaign((shape.name, name, run), lambda: strategy(shape, default_rng([seed, run])))

    ended = [play(run) for run in range(runs)]
    best = shape.curve.best(TERMS.margin, TERMS.minimum_saving)
    savings = [0.0 if each.best is None else shape.curve.settings[each.best].saving for each in ended]
    return Cell(
        shape=shape.name,
        search=name,
        violates=mean(each.violations > 0 for each in ended),
        at_best=mean(each.best == best for each in ended),
        saving=mean(savings),
        most=0.0 if best is None else shape.curve.settings[best].saving,
        requests=[each.requests for each in ended],
        meanwhile=_meanwhile(ended, savings),
        seconds=mean(each.seconds for each in ended),
    )


def _meanwhile(ended: Sequence[Campaign], savings: Sequence[float]) -> float:
    """Campaigns that ended with the baseline saved nothing in the end, and count for neither."""
    found = [(each, saving) for each, saving in zip(ended, savings, strict=True) if saving > 0]
    final = sum(each.served * saving for each, saving in found)
    return sum(each.served * each.saved for each, _ in found) / final if final else 0.0


def run(
    runs: Annotated[int, typer.Option(help="Campaigns of each search on each shape.")] = RUNS,
    shape: Annotated[str, typer.Option(help="Only shapes whose name begins so.")] = "",
    search: Annotated[str, typer.Option(help="Only searches whose name begins so.")] = "",
    results: Annotated[Path | None, typer.Option(help="File of campaigns; those in it are not played anew.")] = None,
) -> None:
    """Print the table; exit with 1 where more than the risk is violated by more than chance allows."""
    known = Results(results)
    chosen = [each for each in SHAPES if each.name.startswith(shape)]
    console, most = Console(width=140), TERMS.risk + 2 * sqrt(TERMS.risk * (1 - TERMS.risk) / runs)
    table, missed = Table(*HEADINGS, title=f"{runs} campaigns a row"), False
    for each in chosen:
        for name, strategy in (*STRATEGIES.items(), *rivals()):
            if name.startswith(search) and (each is not SURFACE or not name.startswith("Ladder")):
                found = cell(each, name, strategy, runs, results=known)
                missed = missed or (name in STRATEGIES and found.violates > most)
                table.add_row(*_row(found))
                console.print(*_row(found))
    console.print(table)
    for parameters in (1, 2, 3):
        milliseconds, mebibytes = proposal_cost(parameters)
        console.print(f"a proposal with {parameters} parameters: {milliseconds:.1f} ms, {mebibytes:.1f} MiB")
    raise typer.Exit(1 if missed else 0)


def proposal_cost(parameters: int) -> tuple[float, float]:
    """Milliseconds of a processor, the median of 20, and the largest MiB of a proposal among 200 settings of so many
    parameters, after 30 trials."""
    sizes = {1: (200,), 2: (20, 10), 3: (8, 5, 5)}[parameters]
    places = product(*([step / (size - 1) for step in range(size)] for size in sizes))
    settings = [Setting(f"setting-{number}", (), place) for number, place in enumerate(places)]
    random = default_rng(SEED)
    outcomes = [
        TrialOutcome(
            int(random.integers(200)),
            TrialEnd.CERTIFIED,
            0.01,
            Estimate(float(random.uniform(0, 0.03)), 0.004),
            Estimate(float(random.uniform(0, 0.5)), 0.01),
            20_000,
        )
        for _ in range(30)
    ]
    Bayesian().propose(settings, outcomes, TERMS, None, SEED)
    taken = []
    for _ in range(20):
        begun = time.process_time()
        Bayesian().propose(settings, outcomes, TERMS, None, SEED)
        taken.append(1000 * (time.process_time() - begun))
    tracemalloc.start()
    Bayesian().propose(settings, outcomes, TERMS, None, SEED)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return median(taken), peak


def _row(found: Cell) -> list[str]:
    return [
        found.shape,
        found.search,
        f"{found.violates:.1%}",
        f"{found.at_best:.1%}",
        f"{found.saving:.1%} of {found.most:.0%}",
        f"{mean(found.requests):,.0f}",
        f"{median(found.requests):,.0f}",
        f"{found.meanwhile:.0%}",
        f"{found.seconds:.2f}",
    ]


if __name__ == "__main__":
    typer.run(run)
