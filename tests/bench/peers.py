"""Sequential tests that others would use, where they have an answer: errors at the border, and requests to a verdict.

Run as `python -m tests.bench.peers [--quick]`. Each test sees the same streams. O'Brien-Fleming knows its largest
number of requests beforehand, the mixture SPRT is on totals, and betting is on pairs of answers that chance puts
together. `operator/docs/peers.md` has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.multiple_testing import campaign_risk
from tests.bench import statistics_paths as paths
from tests.bench import street_mixes
from tests.bench.statistics import MARGIN, RATE, SIZE, optimum
from tests.bench.statistics_paths import Array, Stream, first_claims
from tests.bench.statistics_rivals import RISK, Decisions, Rule, Setting, mixture_sprt, obrien_fleming, ours

LOOKS_AT_BORDER, LOOKS, SEED = 300, 1000, 31
AT_99_PERCENT = 1.93
"""Requests that O'Brien-Fleming needs at most for 99 % power, over N*: (1.645 + 2.326)^2 / (1.645 + 1.282)^2 of them,
and 5 % more for its looks."""
RETRIES = 5
LARGEST_BET, PRIOR_PAIRS, PRIOR_VARIANCE = 0.5, 20.0, 0.065
"""Part of the capital that a pair may cost; pairs that the guess of a mean and a variance is worth before any look."""


def betting(stream: Stream, setting: Setting) -> Decisions:
    """Bets on the mean of (candidate - baseline + 1) / 2 over pairs of answers that chance puts together, the stake
    approximately that of the fastest growth (Waudby-Smith, Ramdas, "Estimating means of bounded random variables by
    betting", 2023). Answers of a look that find no partner are left out."""
    rng = np.random.default_rng(setting.seed)
    n_b, x_b, n_c, x_c = (
        part.sum(axis=2).astype(np.int64) for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c)
    )
    pairs = np.minimum(n_b, n_c)
    right_b = rng.hypergeometric(x_b, n_b - x_b, pairs)
    right_c = rng.hypergeometric(x_c, n_c - x_c, pairs)
    both = rng.hypergeometric(right_b, pairs - right_b, right_c)
    better, worse = right_c - both, right_b - both
    decided = {side: _capital(pairs, better, worse, setting.margin, side) >= -np.log(RISK) for side in Side}
    promote, rollback = (_first(decided[side]) for side in (Side.PROMOTE, Side.HARM))
    return Decisions(promote, rollback, pairs.shape[1])


def _capital(pairs: Array, better: Array, worse: Array, margin: float, side: Side) -> Array:
    """Logarithm of the capital after each look. A pair is worth 1 where it is better, 0 where worse, else a half."""
    border, sign = (1 - margin) / 2, float(side)
    seen, total = np.full(len(pairs), PRIOR_PAIRS), np.full(len(pairs), PRIOR_PAIRS / 2)
    squares = np.full(len(pairs), PRIOR_PAIRS * (PRIOR_VARIANCE + 0.25))
    capital, looks = np.zeros(len(pairs)), []
    for look in range(pairs.shape[1]):
        count, up, down = pairs[:, look], better[:, look], worse[:, look]
        mean = total / seen
        gap, variance = sign * (mean - border), squares / seen - mean**2
        stake = sign * np.clip(gap / (variance + gap**2), 0, LARGEST_BET / max(border, 1 - border))
        even = count - up - down
        capital = capital + up * np.log1p(stake * (1 - border)) + down * np.log1p(-stake * border)
        capital = capital + even * np.log1p(stake * (0.5 - border))
        looks.append(capital)
        seen, total, squares = seen + count, total + up + even / 2, squares + up + even / 4
    return np.stack(looks, axis=1)


def _first(reached: Array) -> np.ndarray:
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1), reached.shape[1]))


PEERS: dict[str, Rule] = {
    "O'Brien-Fleming, 20 looks, planned for 90 %": obrien_fleming(1.05),
    "O'Brien-Fleming, 20 looks, planned for 99 %": obrien_fleming(AT_99_PERCENT),
    "mSPRT on totals": mixture_sprt,
    "betting on pairs of answers": betting,
    "this operator": ours,
}


@dataclass(frozen=True, slots=True)
class Error:
    """Shares of campaigns at the border that a test promotes, and rolls back."""

    stream: str
    peer: str
    promoted: float
    rolled_back: float


def error_rows(runs: int, seed: int) -> Iterator[Error]:
    """Every test on streams whose candidate loses just the margin."""
    setting = Setting(MARGIN, SIZE, optimum(0.0, 0.5), seed)
    rng = np.random.default_rng(seed)
    mix, effects = street_mixes.MIXES["a wave of 10 looks, 10 to 90 %"]
    streams = {
        "independent answers": paths.constant(rng, runs, LOOKS_AT_BORDER, SIZE, 0.5, RATE, -MARGIN),
        "weights rise while the baseline falls": paths.varied(
            rng, runs, LOOKS_AT_BORDER, SIZE, lambda t: 0.05 + 0.45 * t, lambda t: 0.97 - 0.27 * t, -MARGIN
        ),
        "hard questions come in waves": street_mixes.mixed(rng, runs, mix, effects),
    }
    for kind, stream in streams.items():
        for peer, decide in PEERS.items():
            found = decide(stream, setting)
            yield Error(kind, peer, float(found.promoted().mean()), float(found.rolled_back().mean()))
    yield from _retried(runs, setting, rng)


def _retried(runs: int, setting: Setting, rng: np.random.Generator) -> Iterator[Error]:
    """The candidate is tried again and again: one that asks for a sequence of risks gets it."""
    wrong = {peer: np.zeros((2, runs), dtype=bool) for peer in PEERS}
    for campaign in range(1, RETRIES + 1):
        stream = paths.constant(rng, runs, LOOKS_AT_BORDER, SIZE, 0.5, RATE, -MARGIN)
        for peer, decide in PEERS.items():
            if decide is ours:
                risk = campaign_risk(RISK, campaign, RETRIES)
                claims = [first_claims(stream, MARGIN, side, default_grid(side), risk) for side in Side]
                by_side = dict(zip(Side, claims, strict=True))
                found = Decisions(by_side[Side.PROMOTE], by_side[Side.HARM], LOOKS_AT_BORDER)
            else:
                found = decide(stream, setting)
            wrong[peer] |= np.stack([found.promoted(), found.rolled_back()])
    for peer, (promoted, rolled_back) in wrong.items():
        yield Error(f"tried {RETRIES} times", peer, float(promoted.mean()), float(rolled_back.mean()))


@dataclass(frozen=True, slots=True)
class Cost:
    """Share of campaigns that a test decides as it should, and its requests until it ends, over N* and their error."""

    effect: float
    peer: str
    power: float
    mean: float
    error: float


def cost_rows(runs: int, seed: int) -> Iterator[Cost]:
    """Every test where there is something to find: no loss, a loss of half the margin, and one of two margins."""
    for number, effect in enumerate((0.0, -MARGIN / 2, -2 * MARGIN)):
        side = Side.PROMOTE if effect > -MARGIN else Side.HARM
        setting = Setting(MARGIN, SIZE, optimum(0.0, 0.5), seed)
        stream = paths.constant(np.random.default_rng([seed, number]), runs, LOOKS, SIZE, 0.5, RATE, effect)
        for peer, decide in PEERS.items():
            found = decide(stream, setting)
            hit = found.promoted() if side is Side.PROMOTE else found.rolled_back()
            used = found.ended(side) * SIZE / optimum(effect, 0.5)
            yield Cost(effect, peer, float(hit.mean()), float(used.mean()), float(used.std() / sqrt(runs)))


def run(quick: bool = typer.Option(False, help="Few runs.")) -> None:
    """Print the tables; exit with 1 where this operator breaks its promise by more than chance allows."""
    runs, console = 200 if quick else 1000, Console(width=140)
    most, missed = RISK + 2 * sqrt(RISK * (1 - RISK) / runs), False
    table = Table("at the border", "test", "promoted", "rolled back", title=f"{runs} campaigns")
    for each in error_rows(runs, SEED):
        table.add_row(each.stream, each.peer, f"{each.promoted:.1%}", f"{each.rolled_back:.1%}")
        missed = missed or (each.peer == "this operator" and max(each.promoted, each.rolled_back) > most)
    console.print(table)
    table = Table("true difference", "test", "decided rightly", "requests over N*", title=f"{runs} campaigns")
    for row in cost_rows(runs, SEED):
        table.add_row(f"{row.effect:+.2f}", row.peer, f"{row.power:.0%}", f"{row.mean:.2f} +- {row.error:.2f}")
    console.print(table)
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(run)
