"""Traffic as streets have it: every error stays within its promise although the border moves, is tried again, or shown.

Run as `python -m tests.bench.street [--quick] [--cell TEXT] [--results FILE]`. The true loss is the margin on average
over requests in every cell, so each claim of either side is an error. `tests/simulations/test_street.py` runs the quick
version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from earlystop.evidence.objective import GuardrailKind, Objective
from tests.bench import (
    street_attrition,
    street_bursts,
    street_clients,
    street_cohorts,
    street_delays,
    street_floor,
    street_golden,
    street_groups,
    street_mixes,
    street_pairs,
    street_rare,
    street_recorded,
    street_retries,
    street_sessions,
    street_strange,
    street_tokens,
    street_users,
    street_walks,
)
from tests.bench.street_cells import Cell, run_cells
from tests.bench.street_tables import print_costs, print_intervals

SEED = 13


def mix_cells(seed: int) -> Iterator[Cell]:
    """Query classes whose mix moves."""
    for kind in street_mixes.MIXES:
        yield Cell(kind, partial(street_mixes.mix_errors, kind, seed=seed))


def retry_cells(seed: int, numbers: Iterable[int] = range(1, 11)) -> Iterator[Cell]:
    """The same candidate again and again."""
    for campaigns in numbers:
        kind = f"campaigns of one candidate: {campaigns}"
        yield Cell(kind, partial(street_mixes.retry_errors, campaigns, seed=seed))


def shadow_cell(seed: int) -> Cell:
    """Judged in shadow on pairs, and then on live answers."""
    return Cell("judged in shadow, then on live answers", partial(street_mixes.shadow_errors, seed=seed))


def interval_cells(seed: int) -> Iterator[Cell]:
    """The shown interval misses the truth: to lie above it is under `promoted`, below it under `rolled back`."""
    for kind in street_mixes.SHOWN:
        yield Cell(f"interval: {kind}", partial(street_mixes.interval_errors, kind, seed=seed))


def token_cells(seed: int, kinds: Iterable[str] = tuple(street_tokens.KINDS)) -> Iterator[Cell]:
    """Savings that are claimed although no more is saved than must be; nothing rolls back for tokens."""
    for weight in street_tokens.WEIGHTS:
        for number, kind in enumerate(kinds):

            def errors(runs: int, kind: str = kind, number: int = number, weight: int = weight) -> tuple[float, float]:
                return street_tokens.false_savings(kind, runs, seed + number, weight), 0.0

            yield Cell(f"tokens: {kind}" + (f", {weight} % the candidate's" if weight < 50 else ""), errors)


def session_cells(seed: int, kinds: Iterable[street_sessions.Sessions] = street_sessions.KINDS) -> Iterator[Cell]:
    """Answers of sessions that stay with a variant, for a look or for many."""
    for number, kind in enumerate(kinds):
        yield Cell(str(kind), partial(street_sessions.session_errors, kind, seed=seed + number))


def wobble_cells(seed: int) -> Iterator[Cell]:
    """Rates that wobble by 2 points: for both variants alike, and in each by itself."""
    for number, (is_shared, requests, likeness) in enumerate(
        ((True, 100, 0.9), (True, 1000, 0.0), (True, 1000, 0.9), (False, 100, 0.9))
    ):
        whose = "both variants wobble alike" if is_shared else "each variant drifts by itself"
        kind = f"{whose}, {requests} requests a look, {likeness} from look to look"
        errors = partial(street_bursts.drift_errors, requests, likeness, seed=seed + number, is_shared=is_shared)
        yield Cell(kind, errors)


def burst_cells(seed: int, lengths: Sequence[int] = (1, 5, 20, 50)) -> Iterator[Cell]:
    """Failures, votes and requests that come together in one variant; a false alarm of the split counts as an error."""
    for kind in street_bursts.RAILS:
        for length in lengths:

            def of_rail(runs: int, kind: GuardrailKind = kind, length: int = length) -> tuple[float, float]:
                return 0.0, street_bursts.burst_error(kind, length, runs, seed + length)

            yield Cell(f"guardrail {kind}: bursts of {length} in one variant", of_rail)
    yield from long_burst_cells(seed)
    for length, weight, span in ((5, 50, 1), (50, 5, 1), (10, 50, 10), (40, 50, 40)):

        def of_split(runs: int, length: int = length, weight: int = weight, span: int = span) -> tuple[float, float]:
            return 0.0, street_bursts.false_alarms(length, weight, span, runs, seed)

        where = f"{length} requests over {span} look{'s' if span > 1 else ''}, {weight} %"
        yield Cell(f"check of the split: sessions of {where}", of_split)


def long_burst_cells(
    seed: int,
    kinds: Iterable[street_bursts.Bursts | street_bursts.OneSize] = (
        *street_bursts.LONG_BURSTS,
        *street_bursts.RARE_BURSTS,
    ),
) -> Iterator[Cell]:
    """Failures in bursts that last for looks, with a heavy tail, or rare and all of one size."""
    for kind in kinds:

        def errors(runs: int, kind: street_bursts.Bursts | street_bursts.OneSize = kind) -> tuple[float, float]:
            return 0.0, street_bursts.long_burst_error(kind, runs, seed)

        yield Cell(f"guardrail FailureRate: {kind}", errors)


def user_cells(seed: int, kinds: Iterable[str] = tuple(street_users.CROWDS)) -> Iterator[Cell]:
    """The same users in every look."""
    for number, kind in enumerate(kinds):
        yield Cell(kind, partial(street_users.errors, street_users.CROWDS[kind], seed=seed + number))


def cohort_cells(seed: int, kinds: Iterable[street_cohorts.Crowd] = street_cohorts.CROWDS) -> Iterator[Cell]:
    """The same users in every look, whom nobody counts: their cohorts had the baseline's setting first."""
    for number, kind in enumerate(kinds):
        yield Cell(str(kind), partial(street_cohorts.errors, kind, seed=seed + number))


def delay_cells(seed: int, kinds: Iterable[str] = street_delays.KINDS) -> Iterator[Cell]:
    """Answers that take their time, wrong ones longer."""
    for kind in kinds:
        yield Cell(kind, partial(street_delays.errors, kind, seed=seed))


def golden_cells(seed: int, sizes: Sequence[int] = street_golden.FILES) -> Iterator[Cell]:
    """Files of golden questions that were drawn from a population which loses the margin, each question asked once."""
    for number, size in enumerate(sizes):

        def errors(runs: int, size: int = size, number: int = number) -> tuple[float, float]:
            return street_golden.golden_errors(size, runs, seed + number)[:2]

        yield Cell(f"golden questions, a file of {size:,}", errors)


def chain_cells(seed: int, looks: int = 300) -> Iterator[Cell]:
    """Promotions one after the other since a pinned baseline, with candidates that together lose the margin or more."""
    for chain in street_golden.CHAINS:
        yield Cell(chain.kind, partial(street_golden.chain_errors, chain, seed=seed, looks=looks))


def hidden_cells(seed: int, share: float | None = None) -> Iterator[Cell]:
    """Candidates that lose twice the margin and whose wrong answers vanish in part: to promote one is an error, to roll
    one back is none. share: of wrong answers, None for all kinds."""
    for number, (kind, objective, silent, loss) in enumerate(street_attrition.hidden_kinds()):
        if share in (None, silent.hidden):
            campaigns = partial(street_attrition.campaigns, objective, silent, loss, seed=seed + number)
            yield Cell(kind, lambda runs, campaigns=campaigns: (campaigns(runs=runs).promoted, 0.0))  # type: ignore[misc]


def missing_cells(seed: int, share: float | None = None) -> Iterator[Cell]:
    """As much missing in both variants, at the border. share: of all answers, None for all kinds."""
    for number, (kind, objective, silent, loss) in enumerate(street_attrition.border_kinds()):
        if share in (None, silent.equal):

            def errors(
                runs: int,
                objective: Objective = objective,
                silent: street_attrition.Silent = silent,
                loss: float = loss,
                number: int = number,
            ) -> tuple[float, float]:
                found = street_attrition.campaigns(objective, silent, loss, runs, seed + number)
                return found.promoted, found.rolled_back

            yield Cell(kind, errors)


def pair_cells(seed: int) -> Iterator[Cell]:
    """Golden questions of which answers are missing: to promote a candidate that loses the margin of what both answer
    is an error, and to roll back one that loses no more."""
    for number, (kind, objective, missing, loss) in enumerate(street_pairs.losing_kinds()):

        def errors(
            runs: int,
            objective: Objective = objective,
            missing: street_pairs.Missing = missing,
            loss: float = loss,
            number: int = number,
        ) -> tuple[float, float]:
            found = street_pairs.campaigns(objective, missing, loss, runs, seed + number)
            return found.promoted, found.rolled_back if loss <= street_pairs.MARGIN else 0.0

        yield Cell(kind, errors)


def strange_cells(seed: int, kinds: Iterable[str] = street_strange.KINDS) -> Iterator[Cell]:
    """Other laws of mixes, sessions, lengths and missing answers; a wrong saving is under `promoted`."""
    for kind in kinds:
        yield Cell(kind, partial(street_strange.errors, kind, seed=seed))


def retried_cells(seed: int, by: street_retries.Retried, parts: Sequence[float] = (0.2, 0.5, 0.8)) -> Iterator[Cell]:
    """Clients that ask a question again when its answer was wrong."""
    for part in parts:
        kind = f"{part:.0%} of wrong answers to hard questions asked again, {by}"
        yield Cell(kind, partial(street_retries.errors, by, part, seed=seed))


def walk_cells(seed: int, kinds: Iterable[str] = tuple(street_walks.KINDS)) -> Iterator[Cell]:
    """Whole campaigns through the transitions: sessions at a small weight, and a mix that moves with the ramp."""
    for kind in kinds:
        yield Cell(kind, partial(street_walks.errors, kind, seed=seed))


def floor_cells(seed: int, kinds: Iterable[str] = tuple(street_floor.KINDS)) -> Iterator[Cell]:
    """A floor that the candidate just keeps: a claim against it is a wrong rollback."""
    for kind in kinds:
        yield Cell(kind, partial(street_floor.errors, kind, seed=seed))


def recorded_cells(seed: int, kinds: Iterable[str] = tuple(street_recorded.KINDS)) -> Iterator[Cell]:
    """Laws that others have published of what their servers were asked."""
    for kind in kinds:
        yield Cell(kind, partial(street_recorded.errors, kind, seed=seed))


def client_cells(seed: int, kinds: Iterable[str] = tuple(street_clients.KINDS)) -> Iterator[Cell]:
    """Caches, clients that come in unequal sizes, ask again or hedge, and batches, by published laws."""
    for kind in kinds:
        yield Cell(kind, partial(street_clients.errors, kind, seed=seed))


def group_cells(seed: int, kinds: Iterable[str] = tuple(street_groups.KINDS)) -> Iterator[Cell]:
    """Groups of requests that stay with a variant, as large and as uneven as traffic makes them."""
    for kind in kinds:
        yield Cell(kind, partial(street_groups.errors, kind, seed=seed))


def rare_cells(seed: int) -> Iterator[Cell]:
    """Query classes that are seldom asked for, through the transitions."""
    for kind in street_rare.KINDS:
        yield Cell(kind, partial(street_rare.errors, kind, seed=seed))


def shared_risk_cells(seed: int, kinds: Iterable[street_sessions.Sessions] = street_sessions.LONGEST) -> Iterator[Cell]:
    """The longest sessions, where a risk is shared by candidates, by campaigns of one, or by what may be harmed."""
    for kind in kinds:
        for number in (4, 8):
            errors = partial(street_sessions.together_errors, kind, number, seed=seed)
            yield Cell(f"{number} candidates judged together, {kind}", errors)
        for number in (5, 10):
            errors = partial(street_sessions.retry_errors, kind, number, seed=seed)
            yield Cell(f"{number} campaigns of one candidate, {kind}", errors)
        errors = partial(street_sessions.shared_harm_error, kind, 4, seed=seed)
        yield Cell(f"4 query classes that may each roll back, {kind}", errors)


def cells_beyond() -> Mapping[str, Cell]:
    """What no promise covers; operator/docs/verdicts.md says how often that errs."""
    found = [
        *session_cells(SEED + 11, street_sessions.BEYOND),
        *strange_cells(SEED + 16, street_strange.BEYOND),
        *token_cells(SEED + 4, tuple(street_tokens.BEYOND)),
        *client_cells(SEED + 23, tuple(street_clients.BEYOND)),
        *retried_cells(SEED + 17, street_retries.Retried.OTHER),
        *retried_cells(SEED + 17, street_retries.Retried.SAME),
        *cohort_cells(SEED + 15, street_cohorts.BEYOND),
        *delay_cells(SEED + 6, street_delays.BEYOND),
        *walk_cells(SEED + 18, street_walks.BEYOND),
        *floor_cells(SEED + 19, street_floor.BEYOND),
    ]
    return {cell.kind: cell for cell in found}


def cells() -> Mapping[str, Cell]:
    """All kinds of traffic, by name; those that take longest come last."""
    found = [
        *mix_cells(SEED),
        *retry_cells(SEED + 1),
        shadow_cell(SEED + 2),
        *interval_cells(SEED + 3),
        *token_cells(SEED + 4),
        *user_cells(SEED + 5),
        *session_cells(SEED + 11),
        *session_cells(SEED + 14, street_sessions.DECLARED),
        *wobble_cells(SEED + 12),
        *burst_cells(SEED + 13),
        *golden_cells(SEED + 7),
        *hidden_cells(SEED + 9),
        *missing_cells(SEED + 10),
        *pair_cells(SEED + 24),
        *strange_cells(SEED + 16),
        *retried_cells(SEED + 17, street_retries.Retried.DRAWN),
        *walk_cells(SEED + 18),
        *floor_cells(SEED + 19),
        *rare_cells(SEED + 20),
        *shared_risk_cells(SEED + 21),
        *recorded_cells(SEED + 22),
        *client_cells(SEED + 23),
        *group_cells(SEED + 25),
        *cohort_cells(SEED + 15),
        *delay_cells(SEED + 6),
        *chain_cells(SEED + 8),
    ]
    by_kind = {cell.kind: cell for cell in found}
    assert len(by_kind) == len(found)  # each has a name of its own
    return by_kind


def run(
    quick: Annotated[bool, typer.Option(help="Few campaigns, for CI.")] = False,
    campaigns: Annotated[int | None, typer.Option(help="Campaigns of each cell; 1,000, or 50 with --quick.")] = None,
    cell: Annotated[list[str] | None, typer.Option(help="Only cells whose names hold this text.")] = None,
    results: Annotated[Path | None, typer.Option(help="File of what was found; cells in it are not run anew.")] = None,
    processes: Annotated[int, typer.Option(help="How many cells are run at once.")] = 2,
    beyond: Annotated[bool, typer.Option(help="Instead what no promise covers: no error.")] = False,
) -> None:
    """Print the table, cell by cell; exit with 1 when a promise is broken by more than chance allows."""
    console, missed, runs = Console(width=140), False, campaigns or (50 if quick else 1000)
    known = cells_beyond if beyond else cells
    kinds = [kind for kind in known() if not cell or any(text in kind for text in cell)]
    console.print(f"{len(kinds)} cells of {runs} campaigns; at the border; promoted, rolled back wrongly:")
    for row in run_cells(known, kinds, runs, results, processes):
        verdict = "" if beyond else "holds" if row.holds else "BROKEN"
        console.print(f"{verdict:6} {row.promoted:6.1%} {row.rolled_back:6.1%}  {row.kind}", highlight=False)
        missed = missed or not (row.holds or beyond)
    if not cell and not beyond:
        missed = print_intervals(console, SEED, quick=quick) or missed
        print_costs(console, SEED, quick=quick)
    raise typer.Exit(1 if missed else 0)


if __name__ == "__main__":
    typer.run(run)
