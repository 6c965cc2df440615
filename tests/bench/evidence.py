"""What the evidence costs: time per look, of every part, and what importing it takes.

Run as `python -m tests.bench.evidence`. A part's time is the best of several rounds, so a busy machine blurs
it little; import time and memory are measured in fresh interpreters (memory from Linux' /proc).
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import timeit
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import scipy.special as sp
import ville
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Look, Pairs, Tally
from earlystop.evidence import (
    empirical_bernstein,
    engine,
    exact_match,
    floor,
    intervals,
    mixture,
    normal_mixture,
    pairs,
    rate_ratio,
    sample_ratio,
    tokens,
)
from earlystop.evidence.exact_match import Answers, Side
from earlystop.evidence.mixture import BetGrid
from earlystop.evidence.objective import Basis, Guardrail, GuardrailKind, Objective
from earlystop.evidence.rate_ratio import Events
from earlystop.evidence.split_look import deal
from earlystop.evidence.tokens import Lengths

ROUNDS, CALLS = 7, 500
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


TALLIES = (
    Tally(105, 100, 5, 85, 15, 0, 60_000, 50_000_000, 4, 1),
    Tally(105, 100, 5, 85, 15, 0, 40_000, 25_000_000, 4, 1),
)
LOOK = Look(0, 0, 50, *TALLIES)
PAIRED = Look(0, 0, 50, TALLIES[0], replace(TALLIES[1], pairs_both=82, pairs_baseline_only=3, pairs_candidate_only=3))
PLAIN = Objective(0.02, 0.10, 0.05, 0.05)
ALL = replace(
    PLAIN,
    floor=0.8,
    guardrails=(
        Guardrail("failures", GuardrailKind.FAILURE_RATE, 1.5),
        Guardrail("unhappy", GuardrailKind.NEGATIVE_FEEDBACK, 2.0),
    ),
    longest_answer=4096,
)


def looks() -> dict[str, Callable[[], object]]:
    """One look of one policy, `update` and `assess`, in every situation: a young campaign takes its looks in parts."""

    def one(objective: Objective, look: Look, seen: int) -> Callable[[], object]:
        state = engine.replay(objective, [look] * seen)
        return lambda: engine.assess(engine.update(state, look))

    return {
        "EM, tokens, sample ratio, setting; later look": one(PLAIN, LOOK, 20),
        "  the same, young or near a verdict": one(PLAIN, LOOK, 2),
        "and floor, two guardrails, exact tokens; later look": one(ALL, LOOK, 20),
        "  all tests, young or near a verdict": one(ALL, LOOK, 2),
        "the same on pairs": one(replace(ALL, basis=Basis.PAIRS), PAIRED, 20),
    }


def parts() -> dict[str, Callable[[], object]]:
    """The calls inside a look, on a state that has seen looks of 200 requests."""
    state = engine.replay(ALL, [LOOK] * 20)
    answers, process = Answers(100, 85), exact_match.start(0.02, Side.PROMOTE)
    lengths = Lengths(100, 60_000, 50_000_000), Lengths(100, 40_000, 25_000_000)
    rate, bounded = rate_ratio.start(1.5), empirical_bernstein.start(0.1, 4096)
    return {
        "engine.update, all tests": lambda: engine.update(state, LOOK),
        "  exact_match.update (one side, one part)": lambda: exact_match.update(process, answers, answers),
        "  tokens.update": lambda: tokens.update(state.tokens, *lengths, 50),
        "  empirical_bernstein.update": lambda: empirical_bernstein.update(bounded, *lengths),
        "  floor.log_e": lambda: floor.log_e(Answers(2000, 1700), 0.8, Side.HARM),
        "  rate_ratio.update": lambda: rate_ratio.update(rate, Events(105, 5), Events(105, 5)),
        "  sample_ratio.update": lambda: sample_ratio.update(state.sample_ratio, 105, 105, 50),
        "  split_look.deal": lambda: deal(answers, answers, 7),
        "engine.assess": lambda: engine.assess(state),
        "  intervals.saving": lambda: intervals.saving(state.tokens),
        "  pairs.interval": lambda: pairs.interval(Pairs(1640, 60, 60, 240)),
    }


def rivals() -> dict[str, Callable[[], object]]:
    """One look of 200 answers in a library for sequential tests and in the reference, where its folder is there."""
    outcomes = np.array(([1] * 17 + [0] * 3) * 5, dtype=float)

    def one_arm() -> object:
        test = ville.BernoulliTest(0.85)
        return test.update(outcomes)

    def two_arms() -> object:
        return ville.AsymptoticABTest().fit(outcomes, outcomes)

    found: dict[str, Callable[[], object]] = {
        "ville.BernoulliTest, one arm against a rate": one_arm,
        "ville.AsymptoticABTest, two arms": two_arms,
    }
    folder = Path(os.environ.get("EARLYSTOP_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))
    if (folder / "anytime.py").exists():
        sys.path.insert(0, str(folder))
        anytime = importlib.import_module("anytime")
        promote, harm = anytime.TwoSampleEM(0.02), anytime.TwoSampleEM(0.02, -1)
        found["reference, EM of both sides, in numpy"] = lambda: (
            promote.update(100, 85, 100, 85),
            harm.update(100, 85, 100, 85),
        )
        gaps = [0.02 * 2 ** (k / 2) for k in range(-3, 9)]
        found["reference, EM of one side, scalar, increments alone"] = lambda: anytime.gro_increment_scalar(
            100, 85, 100, 85, 0.85, 0.02, gaps
        )
        found["reference, floor"] = lambda: anytime.floor_log_e(1700, 2000, 0.8, -1)
    return found


Twin = tuple[str, Callable[..., float], Callable[..., float], Callable[[np.random.Generator], tuple[float, ...]]]


def twins() -> tuple[Twin, ...]:
    """Functions of the evidence that scipy.special has too: name, ours, scipy's, and arguments drawn at random."""
    grid = exact_match.PROMOTE_GRID
    weights = np.array(grid.log_weights)

    def beta_tail(scored: float, match: float) -> float:
        miss = scored - match
        tail = sp.betaln(1 + miss, 1 + match) + np.log(sp.betaincc(1 + miss, 1 + match, 0.2))
        return float(tail - np.log(0.8) - sp.xlogy(miss, 0.2) - sp.xlog1py(match, -0.2))

    def answers(rng: np.random.Generator) -> tuple[float, ...]:
        scored = int(rng.integers(1, 5000))
        return scored, int(rng.binomial(scored, rng.uniform()))

    def half_square(statistic: float) -> float:
        return float(np.log(2) + 0.5 * np.log(0.5) + statistic**2 / 4 + sp.log_ndtr(statistic / np.sqrt(2)))

    return (
        (
            "mixture.log_mixture, logsumexp (32 in 16 parts)",
            lambda *capital: mixture.log_mixture(capital, grid.log_weights),
            lambda *capital: float(sp.logsumexp(np.array(capital) + weights)),
            lambda rng: tuple(rng.normal(0, 3, len(grid)).tolist()),
        ),
        (
            "floor.log_e, betaln and betaincc",
            lambda scored, match: floor.log_e(Answers(int(scored), int(match)), 0.8, Side.HARM),
            beta_tail,
            answers,
        ),
        (
            "normal_mixture.log_e, log_ndtr",
            lambda statistic: normal_mixture.log_e(statistic, 1.0, 1.0),
            half_square,
            lambda rng: (float(rng.normal(0, 4)),),
        ),
    )


def compared(console: Console) -> None:
    """Print what scipy.special would cost in place of our own functions, and how often its last digit is the same."""
    table = Table(title="functions that scipy.special has too; verdicts store their last digit", title_justify="left")
    for column in ("ours, scipy's", "microseconds", "by scipy", "last digit the same", "not finite by scipy"):
        table.add_column(column, justify="left" if column.startswith("ours") else "right")
    for name, ours, theirs, draw in twins():
        rng = np.random.default_rng(1)
        states = [draw(rng) for _ in range(2000)]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = [theirs(*state) for state in states]
            times = microseconds(lambda: ours(*states[0])), microseconds(lambda: theirs(*states[0]))  # noqa: B023
        same = np.mean([ours(*state) == value for state, value in zip(states, found, strict=True)])
        lost = 1 - np.isfinite(found).mean()
        table.add_row(name, f"{times[0]:.1f}", f"{times[1]:.1f}", f"{same:.0%}", f"{lost:.1%}")
    console.print(table)


def state_bytes(objective: Objective, look: Look) -> int:
    """Eight bytes for each number that a state holds after some looks, without the objective, which is the plan's."""
    state = engine.replay(objective, [look] * 20)
    return 8 * sum(_numbers(getattr(state, field.name)) for field in fields(state) if field.name != "objective")


def _numbers(value: object) -> int:
    if isinstance(value, int | float):
        return 1
    if isinstance(value, tuple):
        return sum(map(_numbers, value))
    if isinstance(value, BetGrid) or not is_dataclass(value):
        return 0  # a constant of the code, a name, or nothing
    return sum(_numbers(getattr(value, field.name)) for field in fields(value))


def timed(console: Console, title: str, calls: dict[str, Callable[[], object]]) -> None:
    """Print the time of each call."""
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    table.add_column("microseconds", justify="right")
    for name, call in calls.items():
        table.add_row(name, f"{microseconds(call):.1f}")
    console.print(table)


def main() -> None:
    """Print all tables."""
    console = Console(width=120)
    timed(console, "one look of one policy, update and assess, 200 answers", looks())
    timed(console, "its parts", parts())
    timed(console, "others, one look of 200 answers", rivals())

    compared(console)

    bare_time, bare_memory, _ = probe("pass")
    took, peak, heavy = probe("import earlystop.evidence.engine")
    imported = Table(title="state, and import of the engine in a fresh interpreter", title_justify="left")
    imported.add_column("figure")
    imported.add_column("value", justify="right")
    imported.add_row("state, EM, tokens, sample ratio, setting", f"{state_bytes(PLAIN, LOOK):,} bytes")
    imported.add_row("state, all tests", f"{state_bytes(ALL, LOOK):,} bytes")
    imported.add_row("import time", f"{took - bare_time:.1f} ms")
    imported.add_row("peak memory of the process", f"{peak:.1f} MiB")
    imported.add_row("of which the import", f"{peak - bare_memory:.1f} MiB")
    imported.add_row("numpy or scipy loaded", "yes" if heavy else "no")
    for module in ("scipy.special", "earlystop.exporter", "earlystop.controller.main"):
        took, peak, heavy = probe(f"import {module}")
        loaded = ", with numpy or scipy" if heavy else ""
        imported.add_row(f"import of {module}", f"{took - bare_time:.0f} ms, {peak - bare_memory:.1f} MiB{loaded}")
    console.print(imported)


if __name__ == "__main__":
    main()
