"""Every verdict keeps its error promise, sooner than any rival: the tables, by simulation with fixed seeds.

Run as `python -m tests.bench.statistics [--quick]`. The quick version takes under three minutes on one core and is
what CI runs; it fails when a bar is missed by more than chance allows for its number of runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Pairs
from earlystop.evidence import pairs
from earlystop.evidence.bets import Side
from earlystop.simulation.planning import Question, fixed_sample_size
from tests.bench import statistics_regret, statistics_stress
from tests.bench.statistics_paths import constant
from tests.bench.statistics_rivals import RISK, RULES, Decisions, Setting

RATE, MARGIN, SIZE = 0.85, 0.02, 200
HORIZONS = statistics_regret.HORIZONS
EFFECTS = {"edge": -MARGIN, "equal": 0.0, "half": -0.01, "harm": -0.04}
EVEN_BARS = {"equal": 0.80, "half": 0.88, "harm": 0.82}
"""Scenario -> mean requests over N* that this operator must not exceed at an even split."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How many runs each table is given."""

    main: int
    stress: int
    regret: int
    paired: int


SEED = 2024
QUICK, FULL = Scale(1000, 800, 200, 500), Scale(4000, 4000, 2000, 2000)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule at one split; claimed, mean, error: scenario -> share decided, requests over N*, standard error."""

    rule: str
    false_promote: float
    false_rollback: float
    false_rollback_equal: float
    claimed: dict[str, float]
    mean: dict[str, float]
    error: dict[str, float]


def optimum(effect: float, share: float) -> float:
    side = Side.PROMOTE if effect > -MARGIN else Side.HARM
    return fixed_sample_size(Question(RATE, effect, MARGIN, RISK, side), share)


def main_rows(runs: int, share: float, seed: int) -> list[Row]:
    """All rules on the same streams."""
    setting = Setting(MARGIN, SIZE, optimum(0.0, share), seed)
    decided: dict[str, dict[str, Decisions]] = {rule: {} for rule in RULES}
    for number, (name, effect) in enumerate(EFFECTS.items()):
        rng = np.random.default_rng([seed, round(100 * share), number])
        for start in range(0, runs, 500):
            stream = constant(rng, min(500, runs - start), HORIZONS[share], SIZE, share, RATE, effect)
            for rule, decide in RULES.items():
                found = decide(stream, setting)
                known = decided[rule].get(name)
                decided[rule][name] = found if known is None else _joined(known, found)
    return [_row(rule, found, share) for rule, found in decided.items()]


def _joined(first: Decisions, second: Decisions) -> Decisions:
    return Decisions(
        np.concatenate([first.promote, second.promote]),
        np.concatenate([first.rollback, second.rollback]),
        first.last,
        first.exclusive,
    )


def _row(rule: str, found: dict[str, Decisions], share: float) -> Row:
    claimed, mean, error = {}, {}, {}
    for name in EVEN_BARS:
        side = Side.HARM if name == "harm" else Side.PROMOTE
        hit = found[name].rolled_back() if side is Side.HARM else found[name].promoted()
        used = found[name].ended(side) * SIZE / optimum(EFFECTS[name], share)
        claimed[name], mean[name] = float(hit.mean()), float(used.mean())
        error[name] = float(used.std() / sqrt(len(used)))
    return Row(
        rule,
        float(found["edge"].promoted().mean()),
        float(found["edge"].rolled_back().mean()),
        float(found["equal"].rolled_back().mean()),
        claimed,
        mean,
        error,
    )


def paired_requests(runs: int, seed: int, discordance: float = 0.06) -> float:
    """Mean pairs until two equal variants are shown to be so, in looks of `SIZE` pairs."""
    rng = np.random.default_rng(seed)
    used = []
    for run in range(runs):
        process, look = pairs.start(MARGIN, Side.PROMOTE), 0
        while process.log_e_max < -np.log(RISK):
            disagree = int(rng.binomial(SIZE, discordance))
            better = int(rng.binomial(disagree, 0.5))
            look += 1
            for part in pairs.deal(Pairs(SIZE - disagree, disagree - better, better, 0), 10_000 * run + look):
                process = pairs.update(process, part)
        used.append(look * SIZE)
    return float(np.mean(used))


def within(share: float, runs: int) -> bool:
    """Whether a share of errors agrees with the risk, two standard errors allowed."""
    return share <= RISK + 2 * sqrt(RISK * (1 - RISK) / runs)


class Report:
    """Prints tables and collects what misses its bar."""

    def __init__(self, console: Console, scale: Scale, seed: int) -> None:
        self.console, self.scale, self.seed = console, scale, seed
        self.missed: list[str] = []
        self.even_mean = float("nan")

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.missed.append(what)

    def main_table(self, share: float) -> None:
        runs = self.scale.main if share == 0.5 else round(self.scale.main * 0.625)
        head = ["rule", "false promotion", "false rollback", "harmless rolled back"]
        head += ["equal: power, mean/N*", "1 point worse: power, mean/N*", "4 points worse: power, mean/N*"]
        table = Table(*head, title=f"candidate's share {share:.0%}, {runs} runs", title_justify="left")
        for row in main_rows(runs, share, self.seed):
            cells = [f"{value:.1%}" for value in (row.false_promote, row.false_rollback, row.false_rollback_equal)]
            cells += [f"{row.claimed[name]:.1%}, {row.mean[name]:.2f}" for name in EVEN_BARS]
            table.add_row(row.rule, *cells)
            if row.rule == "this operator":
                self.check_ours(row, share, runs)
        self.console.print(table)

    def check_ours(self, row: Row, share: float, runs: int) -> None:
        self.expect(within(row.false_promote, runs), f"share {share}: false promotions {row.false_promote:.1%}")
        self.expect(within(row.false_rollback, runs), f"share {share}: false rollbacks {row.false_rollback:.1%}")
        if share == 0.5:
            self.even_mean = row.mean["equal"] * optimum(0.0, share)
            for name, bar in EVEN_BARS.items():
                found = f"{name}: {row.mean[name]:.3f} N*, power {row.claimed[name]:.1%}"
                self.expect(row.mean[name] <= bar + 2 * row.error[name], f"{found}, bar {bar}")
                self.expect(row.claimed[name] >= 0.99 - 2 * sqrt(0.0099 / runs), f"{found}, bar 99 %")

    def stress_table(self) -> None:
        runs = self.scale.stress
        table = Table("true loss is the margin", "false promotion", "false rollback", title=f"stress, {runs} runs")
        for row in statistics_stress.errors(runs, self.seed + 1):
            table.add_row(row.scenario, f"{row.promote:.1%}", f"{row.harm:.1%}")
            if "taken as independent" not in row.scenario:  # shown to say why the factor is needed
                kept = within(row.promote, runs) and within(row.harm, runs)
                self.expect(kept, f"{row.scenario}: {row.promote:.1%}, {row.harm:.1%}")
        self.console.print(table)

    def paired_line(self) -> None:
        mean = paired_requests(self.scale.paired, self.seed + 2)
        part = mean / self.even_mean
        self.console.print(f"pairs, 6 % of them discordant, equal variants: {mean:.0f}, {1 / part:.1f} times fewer")
        self.expect(part <= 1 / 6 * (1 + 2 * 0.8 / sqrt(self.scale.paired)), f"pairs need {part:.3f} of unpaired")

    def regret_table(self) -> None:
        runs = self.scale.regret
        head = ["side", "share", "rate", *(f"{gap:.2g} m" for gap in statistics_regret.GAPS)]
        table = Table(*head, title=f"mean requests over N* (over the reference), {runs} runs", title_justify="left")
        rows: dict[tuple[str, str, str], list[str]] = {}
        worst = 0.0
        for cell in statistics_regret.cells(runs, self.seed + 3):
            row = rows.setdefault((cell.side.name.lower(), f"{cell.share:.0%}", f"{cell.rate:.2f}"), [])
            row.append(f"{cell.ours:.2f} ({cell.excess:.2f})")
            worst = max(worst, cell.excess)
            # 100 cells: three standard errors, so that chance alone misses no bar.
            what = f"{cell.side.name} share {cell.share} rate {cell.rate} gap {cell.gap:.2g} m: {cell.excess:.3f}"
            self.expect(cell.excess <= 1.05 + 3 * cell.excess_error, f"{what} of the reference")
        for key, values in rows.items():
            table.add_row(*key, *values, *["-"] * (len(statistics_regret.GAPS) - len(values)))
        self.console.print(table)
        self.console.print(f"worst over the reference: {worst:.3f}")


def run(
    quick: bool = typer.Option(False, help="Few runs, for CI."), seed: int = typer.Option(SEED, help="First seed.")
) -> None:
    """Print all tables; exit with 1 when a bar is missed."""
    report = Report(Console(width=160), QUICK if quick else FULL, seed)
    for share in HORIZONS:
        report.main_table(share)
    report.stress_table()
    report.paired_line()
    report.regret_table()
    for line in report.missed:
        report.console.print(f"missed: {line}")
    raise typer.Exit(1 if report.missed else 0)


if __name__ == "__main__":
    typer.run(run)
