"""Counters at two addresses are one where neither is ever behind what the other one showed before."""

from __future__ import annotations

from earlystop.metrics.templates.read_twice import Points, rise_together
from tests.unit.every_row import every_row

SECOND = 1000
PAGE = [(15 * SECOND * at, 100 + 10 * at) for at in range(20)]


def between(more: int = 0, late: int = 7) -> Points:
    """What a scraper shows of the same page that comes some seconds later, and so many events more."""
    return [(at + late * SECOND, value + late // 2 + more) for at, value in PAGE]


TOGETHER: dict[str, Points] = {
    "the same scrapes": PAGE,
    "scrapes in between": between(),
    "a clock that is a second behind": [(at - SECOND, value) for at, value in PAGE],
    "every fourth scrape": PAGE[::4],
}
APART: dict[str, Points] = {
    "more than the other ever showed": between(more=50),
    "another pace": [(at, 100 + (value - 100) // 2) for at, value in PAGE],
    "no growth": [(at, 100) for at, _ in PAGE],
    "another time": [(at + 3600 * SECOND, value) for at, value in PAGE],
    "one look alone": PAGE[3:4],
}


@every_row("name", TOGETHER)
def test_a_page_that_is_read_twice_rises_together_with_itself(name: str) -> None:
    assert rise_together(PAGE, TOGETHER[name]) and rise_together(TOGETHER[name], PAGE)


@every_row("name", APART)
def test_other_counters_and_those_that_show_nothing_do_not(name: str) -> None:
    assert not rise_together(PAGE, APART[name]) and not rise_together(APART[name], PAGE)
