"""What the evidence costs: time per look, of every part, and what importing it takes.

Run as `python -m tests.bench.evidence`. A part's time is the best of several rounds, so a busy machine blurs
it little; import time and memory are measured in fresh interpreters (memory from Linux' /proc).
"""

from __future__ import annotations

import json
import subprocess
import sys
import timeit
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine, exact_match, intervals, sample_ratio, tokens
from earlystop.evidence.exact_match import Answers, Side
from earlystop.evidence.tokens import Lengths

ROUNDS, CALLS = 7, 2000
IMPORTS = 5

PROBE = """
import json, sys, time
began = time.perf_counter()
{statement}
took = time.perf_counter() - began
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([took * 1e3, int(peak.split()[1]) / 1024, "numpy" in sys.modules or "scipy" in sys.modules]))
"""


def microseconds(call: Callable[[], object]) -> float:
    """Best mean time of one call over the rounds."""
    return min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def probe(statement: str) -> tuple[float, float, bool]:
    """Milliseconds, peak MiB of the whole process and whether numpy came along; medians over interpreters."""
    command = [sys.executable, "-c", PROBE.format(statement=statement)]
    rows = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(IMPORTS)
    ]
    return median(row[0] for row in rows), median(row[1] for row in rows), any(row[2] for row in rows)


def parts() -> dict[str, Callable[[], object]]:
    """The calls to time, on a state that has seen looks of 200 requests."""
    objective = engine.Objective(0.02, 0.10, 0.05, 0.05)
    baseline = Tally(105, 100, 0, 85, 15, 0, 60_000, 50_000_000)
    candidate = Tally(105, 100, 0, 85, 15, 0, 40_000, 25_000_000)
    look = Look(0, 0, 50, baseline, candidate)
    state = engine.replay(objective, [look] * 20)
    answers = Answers(100, 85)
    lengths = Lengths(100, 60_000, 50_000_000), Lengths(100, 40_000, 25_000_000)
    return {
        "engine.update (one look)": lambda: engine.update(state, look),
        "  exact_match.update (one side)": lambda: exact_match.update(
            exact_match.start(0.02, Side.PROMOTE), answers, answers
        ),
        "  tokens.update": lambda: tokens.update(state.tokens, *lengths, 50),
        "  sample_ratio.update": lambda: sample_ratio.update(state.sample_ratio, 105, 105, 50),
        "  intervals.add_look": lambda: intervals.add_look(state.effect, answers, answers),
        "engine.assess": lambda: engine.assess(state),
        "  intervals.effect": lambda: intervals.effect(state.effect, 0.02),
        "  intervals.saving": lambda: intervals.saving(state.tokens),
    }


def main() -> None:
    console = Console()
    times = Table(title="evidence: time per call", title_justify="left")
    times.add_column("part")
    times.add_column("microseconds", justify="right")
    for name, call in parts().items():
        times.add_row(name, f"{microseconds(call):.1f}")
    console.print(times)

    bare_time, bare_memory, _ = probe("pass")
    took, peak, heavy = probe("import earlystop.evidence.engine")
    imported = Table(title="import earlystop.evidence.engine, fresh interpreter", title_justify="left")
    imported.add_column("figure")
    imported.add_column("value", justify="right")
    imported.add_row("import time", f"{took - bare_time:.1f} ms")
    imported.add_row("peak memory of the process", f"{peak:.1f} MiB")
    imported.add_row("of which the import", f"{peak - bare_memory:.1f} MiB")
    imported.add_row("numpy or scipy loaded", "yes" if heavy else "no")
    console.print(imported)


if __name__ == "__main__":
    main()
