"""Traffic as streets have it: every error stays within its promise although the border moves, is tried again, or shown.

Run as `python -m tests.bench.street [--quick]`. The true loss is the margin on average over requests in every row, so
each claim of either side is an error. `tests/simulations/test_street.py` runs the quick version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import pi, sin, sqrt

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Pairs
from earlystop.evidence import effect_bounds, pairs
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.effect_bounds import DifferenceSums
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.multiple_testing import campaign_risk
from earlystop.rollout.plan import SHADOW_PART
from tests.bench import statistics_paths as paths
from tests.bench import (
    street_attrition,
    street_bursts,
    street_cohorts,
    street_delays,
    street_golden,
    street_sessions,
    street_tokens,
    street_users,
    verdict_streams,
)
from tests.bench.statistics_paths import Array, Stream, first_claims

MARGIN, RISK, SIZE, LOOKS = 0.02, 0.05, 200, 300
EASY, HARD = 0.97, 0.55
TOLERANCE = MARGIN / 10
SEED = 13

Mix = Callable[[int], float]
"""The share of hard questions in each look."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of traffic: shares of campaigns that were promoted and rolled back wrongly, and how many there were."""

    kind: str
    promoted: float
    rolled_back: float
    runs: int

    @property
    def holds(self) -> bool:
        """Whether both shares agree with the risk, two standard errors allowed."""
        return max(self.promoted, self.rolled_back) <= RISK + 2 * sqrt(RISK * (1 - RISK) / self.runs)


def wave(low: float, high: float, period: float, phase: float = 0.0) -> Mix:
    """A mix that swings between two shares of hard questions once in so many looks."""
    return lambda look: (low + high) / 2 + (high - low) / 2 * sin(2 * pi * look / period + phase)


def _alternating(first: float, second: float) -> Mix:
    return lambda look: second if look % 2 else first


MIXES: dict[str, tuple[Mix, tuple[float, float]]] = {
    "a constant mix": (lambda _: 0.5, (0.0, -0.04)),
    "hard questions in every second look alone": (_alternating(0, 1), (0.0, -0.04)),
    "a mix of 10 and 90 %, in turn": (_alternating(0.1, 0.9), (0.0, -0.04)),
    "the same, easy questions lose": (_alternating(0.1, 0.9), (-0.04, 0.0)),
    "a wave of 4 looks, 5 to 95 %": (wave(0.05, 0.95, 4), (0.0, -0.04)),
    "a wave of 10 looks, 10 to 90 %": (wave(0.1, 0.9, 10), (0.0, -0.04)),
    "a wave of 40 looks, 20 to 80 %, hard first": (wave(0.2, 0.8, 40), (0.0, -0.04)),
    "a wave of 40 looks, 20 to 80 %, easy first": (wave(0.2, 0.8, 40, pi), (0.0, -0.04)),
}
"""Kind -> the share of hard questions, and how much a candidate differs on easy and on hard ones."""


def mixed(rng: np.random.Generator, runs: int, mix: Mix, effects: tuple[float, float]) -> Stream:
    """Looks of easy and hard questions, split evenly by chance."""
    hard = rng.binomial(SIZE, [mix(look) for look in range(LOOKS)], (runs, LOOKS))
    total = np.stack([SIZE - hard, hard], axis=2)
    n_c = rng.binomial(total, 0.5)
    n_b = total - n_c
    n_c = np.where(n_b == 0, 0, n_c)
    x_b, x_c = rng.binomial(n_b, (EASY, HARD)), rng.binomial(n_c, np.add((EASY, HARD), effects))
    return Stream(*(part.astype(float) for part in (n_b, x_b, n_c, x_c)))


def mix_rows(runs: int, seed: int, *, own_mix: bool = False) -> Iterator[Row]:
    """Query classes whose mix moves. A claim is about the requests so far, so it is an error unless their mean loss, by
    the mix that was meant, is on its own side of the margin by more than `TOLERANCE`.

    own_mix: as version 1 of the engine bet.
    """
    for number, (kind, (mix, effects)) in enumerate(MIXES.items()):
        stream = mixed(np.random.default_rng([seed, number]), runs, mix, effects)
        hard = np.array([mix(look) for look in range(LOOKS)])
        so_far = ((1 - hard) * effects[0] + hard * effects[1]).cumsum() / np.arange(1, LOOKS + 1)
        wrong = {}
        for side in Side:
            claimed = first_claims(stream, MARGIN, side, default_grid(side), RISK, own_mix=own_mix)
            made = claimed[claimed < LOOKS]
            wrong[side] = float((float(side) * (so_far[made] + MARGIN) <= TOLERANCE).sum()) / runs
        yield Row(kind, wrong[Side.PROMOTE], wrong[Side.HARM], runs)


def retry_rows(runs: int, seed: int, numbers: Iterable[int] = range(1, 11)) -> Iterator[Row]:
    """The same candidate again and again, with `risk.campaigns` as many."""
    for campaigns in numbers:
        rng = np.random.default_rng([seed, campaigns])
        found = dict.fromkeys(Side, np.zeros(runs, dtype=bool))
        for campaign in range(1, campaigns + 1):
            risk = campaign_risk(RISK, campaign, campaigns)
            stream = paths.constant(rng, runs, LOOKS, SIZE, 0.5, 0.85, -MARGIN)
            for side in Side:
                found[side] = found[side] | (first_claims(stream, MARGIN, side, default_grid(side), risk) < LOOKS)
        shares = {side: float(found[side].mean()) for side in Side}
        yield Row(f"campaigns of one candidate: {campaigns}", shares[Side.PROMOTE], shares[Side.HARM], runs)


def shadow_row(runs: int, seed: int) -> Row:
    """Judged in shadow on pairs, 6 % of them discordant, and then on live answers: harm has its risk once."""
    rng = np.random.default_rng(seed)
    line = -np.log(RISK * SHADOW_PART)
    dropped = np.zeros(runs, dtype=bool)
    for run in range(runs):
        process = pairs.start(MARGIN, Side.HARM)
        for _ in range(60):
            both, baseline, candidate, neither = (int(each) for each in rng.multinomial(50, (0.74, 0.04, 0.02, 0.2)))
            process = pairs.update(process, Pairs(both, baseline, candidate, neither))
        dropped[run] = process.log_e_max >= line
    stream = paths.constant(rng, runs, LOOKS, SIZE, 0.5, 0.85, -MARGIN)
    live = {Side.PROMOTE: RISK, Side.HARM: RISK * (1 - SHADOW_PART)}
    claimed = {side: first_claims(stream, MARGIN, side, default_grid(side), risk) for side, risk in live.items()}
    promoted = (claimed[Side.PROMOTE] < LOOKS) & ~dropped
    rolled_back = (claimed[Side.HARM] < LOOKS) | dropped
    return Row("judged in shadow, then on live answers", float(promoted.mean()), float(rolled_back.mean()), runs)


def interval_rows(runs: int, seed: int) -> Iterator[Row]:
    """The shown interval misses the truth on a side at some look: above it, and below it."""
    rng = np.random.default_rng(seed)
    wave_mix, effects = MIXES["a wave of 10 looks, 10 to 90 %"]
    kinds: dict[str, tuple[Stream, float]] = {
        "interval: independent answers": (paths.constant(rng, runs, 150, SIZE, 0.5, 0.85, -MARGIN), 1.0),
        "interval: sessions of 5, likeness 0.3": (paths.sessions(rng, runs, 150, SIZE, 0.85, -MARGIN, 5, 0.3), 2.2),
        "interval: the baseline falls .97 to .70, rising weights": (
            paths.varied(rng, runs, 150, SIZE, lambda t: 0.05 + 0.45 * t, lambda t: 0.97 - 0.27 * t, -MARGIN),
            1.0,
        ),
        "interval: a wave of 10 looks": (mixed(rng, runs, wave_mix, effects), 1.0),
    }
    for kind, (stream, dispersion) in kinds.items():
        missed = np.array([_missed(stream, run, dispersion) for run in range(runs)])
        yield Row(kind, float(missed[:, 0].mean()), float(missed[:, 1].mean()), runs)


def _missed(stream: Stream, run: int, dispersion: float) -> tuple[bool, bool]:
    sums, above, below = DifferenceSums(MARGIN), False, False
    for look in range(150):
        columns: list[Array] = [part[run, look] for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c)]
        rows = zip(*(column.astype(int).tolist() for column in columns), strict=True)
        classes = {str(k): (Answers(nb, xb), Answers(nc, xc)) for k, (nb, xb, nc, xc) in enumerate(rows)}
        sums = effect_bounds.add_look(sums, classes, None)
        if look % 10 == 9:
            shown = effect_bounds.bounds(sums, RISK, RISK, dispersion)
            assert shown.low is not None and shown.high is not None  # there were answers
            above, below = above or shown.low > -MARGIN, below or shown.high < -MARGIN
    return above, below


def token_rows(runs: int, seed: int) -> Iterator[Row]:
    """Savings that are claimed although no more is saved than must be; nothing rolls back for tokens."""
    for number, kind in enumerate(street_tokens.KINDS):
        yield Row(f"tokens: {kind}", street_tokens.false_savings(kind, runs, seed + number), 0.0, runs)


def session_rows(
    runs: int, seed: int, kinds: Iterable[street_sessions.Sessions] = street_sessions.KINDS
) -> Iterator[Row]:
    """Answers of sessions that stay with a variant, for a look or for many."""
    for number, kind in enumerate(kinds):
        yield Row(str(kind), *street_sessions.session_errors(kind, runs, seed + number), runs)


def wobble_rows(runs: int, seed: int) -> Iterator[Row]:
    """Rates that wobble by 2 points: for both variants alike, and in each by itself."""
    for number, (is_shared, requests, likeness) in enumerate(
        ((True, 100, 0.9), (True, 1000, 0.0), (True, 1000, 0.9), (False, 100, 0.9))
    ):
        whose = "both variants wobble alike" if is_shared else "each variant drifts by itself"
        found = street_bursts.drift_errors(requests, likeness, runs, seed + number, is_shared=is_shared)
        yield Row(f"{whose}, {requests} requests a look, {likeness} from look to look", *found, runs)


def burst_rows(runs: int, seed: int, lengths: Sequence[int] = (1, 5, 20, 50)) -> Iterator[Row]:
    """Failures, votes and requests that come together in one variant; a false alarm of the split counts as an error."""
    for kind in street_bursts.RAILS:
        for length in lengths:
            found = street_bursts.burst_error(kind, length, runs, seed + length)
            yield Row(f"guardrail {kind}: bursts of {length} in one variant", 0.0, found, runs)
    for length, weight, span in ((5, 50, 1), (50, 5, 1), (10, 50, 10), (40, 50, 40)):
        found = street_bursts.false_alarms(length, weight, span, max(10, runs // 2), seed)
        where = f"{length} requests over {span} look{'s' if span > 1 else ''}, {weight} %"
        yield Row(f"check of the split: sessions of {where}", 0.0, found, max(10, runs // 2))


def user_rows(runs: int, seed: int, kinds: Iterable[str] = tuple(street_users.CROWDS)) -> Iterator[Row]:
    """The same users in every look."""
    for number, kind in enumerate(kinds):
        yield Row(kind, *street_users.errors(street_users.CROWDS[kind], runs, seed + number), runs)


def cohort_rows(runs: int, seed: int, kinds: Iterable[street_cohorts.Crowd] = street_cohorts.CROWDS) -> Iterator[Row]:
    """The same users in every look, whom nobody counts: their cohorts had the baseline's setting first."""
    for number, kind in enumerate(kinds):
        yield Row(str(kind), *street_cohorts.errors(kind, runs, seed + number), runs)


def delay_rows(runs: int, seed: int, kinds: Iterable[str] = street_delays.KINDS) -> Iterator[Row]:
    """Answers that take their time, wrong ones longer."""
    for kind in kinds:
        yield Row(kind, *street_delays.errors(kind, runs, seed), runs)


def golden_rows(runs: int, seed: int, sizes: Sequence[int] = street_golden.FILES) -> Iterator[Row]:
    """Files of golden questions that were drawn from a population which loses the margin, each question asked once."""
    for number, size in enumerate(sizes):
        promoted, rolled_back, _ = street_golden.golden_errors(size, runs, seed + number)
        yield Row(f"golden questions, a file of {size:,}", promoted, rolled_back, runs)


def chain_rows(runs: int, seed: int, looks: int = 300) -> Iterator[Row]:
    """Promotions one after the other since a pinned baseline, with candidates that together lose the margin or more."""
    for chain in street_golden.CHAINS:
        yield Row(chain.kind, *street_golden.chain_errors(chain, runs, seed, looks=looks), runs)


def hidden_rows(runs: int, seed: int, share: float | None = None) -> Iterator[Row]:
    """Candidates that lose twice the margin and whose wrong answers vanish in part: to promote one is an error, to roll
    one back is none. share: of wrong answers, None for all kinds."""
    for number, (kind, objective, silent, loss) in enumerate(street_attrition.hidden_kinds()):
        if share in (None, silent.hidden):
            found = street_attrition.campaigns(objective, silent, loss, runs, seed + number)
            yield Row(kind, found.promoted, 0.0, runs)


def missing_rows(runs: int, seed: int, share: float | None = None) -> Iterator[Row]:
    """As much missing in both variants, at the border. share: of all answers, None for all kinds."""
    for number, (kind, objective, silent, loss) in enumerate(street_attrition.border_kinds()):
        if share in (None, silent.equal):
            found = street_attrition.campaigns(objective, silent, loss, runs, seed + number)
            yield Row(kind, found.promoted, found.rolled_back, runs)


def rows(runs: int, seed: int = SEED) -> Iterator[Row]:
    """All kinds of traffic."""
    yield from mix_rows(runs, seed)
    yield from retry_rows(runs, seed + 1)
    yield shadow_row(runs, seed + 2)
    yield from interval_rows(max(100, runs // 4), seed + 3)
    yield from token_rows(max(100, runs // 4), seed + 4)
    yield from user_rows(max(50, runs // 4), seed + 5)
    yield from session_rows(max(100, runs // 2), seed + 11)
    yield from session_rows(max(100, runs // 2), seed + 14, street_sessions.DECLARED)
    yield from cohort_rows(max(50, runs // 4), seed + 15)
    yield from wobble_rows(max(100, runs // 2), seed + 12)
    yield from burst_rows(max(30, runs // 10), seed + 13)
    yield from delay_rows(runs // 2, seed + 6, street_delays.KINDS if runs >= 1000 else street_delays.QUICK)
    yield from golden_rows(max(100, runs // 2), seed + 7)
    yield from chain_rows(max(100, runs // 2), seed + 8)
    yield from hidden_rows(max(50, runs // 5), seed + 9)
    yield from missing_rows(max(50, runs // 5), seed + 10)


def run(quick: bool = typer.Option(False, help="Few runs, for CI.")) -> None:
    """Print the table; exit with 1 when a promise is broken by more than chance allows."""
    console, missed = Console(width=140), False
    table = Table("kind of traffic, true loss is the margin", "promoted", "rolled back", "campaigns", "holds")
    for row in rows(250 if quick else 2000):
        cells = (f"{row.promoted:.1%}", f"{row.rolled_back:.1%}", f"{row.runs}", "yes" if row.holds else "no")
        table.add_row(row.kind, *cells)
        missed = missed or not row.holds
    console.print(table)
    for number, (name, objective) in enumerate(verdict_streams.OBJECTIVES.items()):
        streams = 100 if quick else 10_000 // len(verdict_streams.OBJECTIVES)
        problems, decided = verdict_streams.contradictions(objective, streams, SEED + number)
        console.print(f"{name}: {streams} streams, {decided} verdicts, {len(problems)} intervals against them")
        missed = missed or bool(problems)
    cost = Table(
        "no loss: requests until a promotion", "of those with nothing missing", "of those without the check", "least"
    )
    for kind, of_whole, of_unchecked, least in street_attrition.cost_rows(40 if quick else 400, SEED):
        cost.add_row(kind, f"{of_whole:.2f}", f"{of_unchecked:.2f}", "" if least is None else f"{least:.2f}")
    console.print(cost)
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(run)
