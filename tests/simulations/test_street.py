"""Errors on the traffic that people have, at the border: the quick version of `make bench-street`, with fixed seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.bench import street, verdict_streams
from tests.bench.street import SEED, Row

RUNS = 500

SECTIONS: dict[str, Callable[[], Iterable[Row]]] = {
    "the mix of query classes moves": lambda: street.mix_rows(RUNS, SEED),
    "a candidate is tried again": lambda: street.retry_rows(RUNS, SEED + 1),
    "a candidate is judged in shadow first": lambda: [street.shadow_row(RUNS, SEED + 2)],
    "lengths of answers are no independent draws": lambda: street.token_rows(60, SEED + 4),
    "wrong answers vanish": lambda: street.hidden_rows(40, SEED + 5, 0.25),
    "as much is missing in both variants": lambda: street.missing_rows(25, SEED + 6, 0.05),
    "an interval is shown": lambda: street.interval_rows(200, SEED + 3),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_no_error_is_more_frequent_than_the_risk_when(section: str) -> None:
    assert [row for row in SECTIONS[section]() if not row.holds] == []


@pytest.mark.parametrize("name", verdict_streams.OBJECTIVES)
def test_no_interval_contradicts_its_verdict_with_the_objective(name: str) -> None:
    problems, decided = verdict_streams.contradictions(verdict_streams.OBJECTIVES[name], 40, SEED)
    assert problems == []
    assert decided >= 5


def test_a_stake_that_follows_the_mix_of_its_look_would_not_pass() -> None:
    # What version 1 of the engine did: nearly each of these is promoted though the loss is the margin.
    assert max(row.promoted for row in street.mix_rows(100, SEED, own_mix=True)) > 0.5
