"""The error promise and its price, by simulation: the quick version of `make bench-statistics`, with fixed seeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.console import Console

from tests.bench.statistics import QUICK, SEED, Report

SECTIONS: dict[str, Callable[[Report], None]] = {
    "a tenth of the traffic": lambda report: report.main_table(0.1),
    "stress": Report.stress_table,
    "regret": Report.regret_table,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_no_bar_is_missed_by_more_than_chance_allows(section: str) -> None:
    report = Report(Console(width=160), QUICK, SEED)
    SECTIONS[section](report)
    assert report.missed == []


def test_an_even_split_misses_no_bar_and_pairs_need_at_most_a_sixth_of_its_requests() -> None:
    report = Report(Console(width=160), QUICK, SEED)
    report.main_table(0.5)
    report.paired_line()
    assert report.missed == []
