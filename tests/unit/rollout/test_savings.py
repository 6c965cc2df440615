"""The savings ledger adds up, whatever order steps, campaigns and restarts come in."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings import SavingsBook, StepCounts, Sums, booked, counts_of_step, packed, unpacked, worth
from earlystop.rollout.savings_codec import restore_savings, savings_status
from tests.unit.rollout.policies import NOW, examples

COUNT = st.integers(0, 10**6)
COUNTS = st.builds(
    StepCounts, st.integers(1, 3), st.integers(0, 3), COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT
)


def split(**more: int) -> StepCounts:
    """100 requests of the baseline with 600 tokens each, and 50 of a candidate with 400."""
    counts = StepCounts(1, 0, baseline_completed=100, baseline_tokens=60_000, others_completed=50, others_tokens=20_000)
    return replace(counts, **more)


def test_requests_of_a_candidate_save_what_they_would_have_taken_by_the_baseline() -> None:
    assert worth(split()).saved == 50 * (600 - 400)
    assert worth(split(others_tokens=40_000)).saved == 50 * (600 - 800)


def test_golden_questions_save_nothing_and_their_tokens_of_both_variants_are_taken_off() -> None:
    sums = worth(split(pairs=10))
    assert sums.golden == 10 * (600 + 400)
    assert sums.saved == 40 * (600 - 400)
    assert sums.requests == 100 + 50 - 20
    assert sums.net(shadows_cost=False) == 40 * 200 - 10_000


def test_failures_beyond_the_baselines_rate_are_lost_and_no_others() -> None:
    # The baseline fails once in 100 of 101; of 50 + 6 ended requests 56/101 failures would be its rate.
    sums = worth(split(baseline_failed=1, others_failed=6))
    assert sums.lost == round((6 - Fraction(56, 101)) * 600)
    assert worth(split(baseline_failed=50, others_failed=6)).lost == 0


def test_shadows_cost_their_tokens_only_where_the_server_generates_them() -> None:
    baseline, shadow = Tally(completed=100, tokens=60_000), Tally(completed=100, tokens=30_000)
    sums = worth(counts_of_step(1, 0, StageKind.SHADOW, baseline, [shadow, shadow]))
    assert sums == Sums(requests=100, tokens=60_000, without=60_000, shadows=60_000)
    assert sums.net(shadows_cost=False) == 0
    assert sums.net(shadows_cost=True) == -60_000


def test_an_incumbent_saves_as_a_candidate_does() -> None:
    baseline, incumbent = Tally(completed=10, tokens=1_000), Tally(completed=80, tokens=4_000)
    counts = counts_of_step(1, 0, StageKind.SPLIT, baseline, [Tally(completed=10, tokens=700)], [incumbent])
    assert worth(counts).saved == 10 * (100 - 70) + 80 * (100 - 50)


def test_without_an_answer_of_the_baseline_nothing_is_said_to_be_saved() -> None:
    assert worth(split(baseline_completed=0, baseline_tokens=0)).saved == 0


def test_reading_a_moment_again_books_nothing_twice() -> None:
    book = booked(None, split(), NOW)
    assert booked(book, split(), NOW) == book


def test_counts_that_fell_are_of_something_new_and_what_was_booked_before_stays() -> None:
    book = booked(booked(None, split(), NOW), split(baseline_completed=10, baseline_tokens=6_000), NOW + 15)
    assert book.sums.tokens == 80_000 + 26_000


@examples
@given(st.lists(COUNTS, min_size=1, max_size=4))
def test_books_balance_to_the_token_in_every_step_and_over_all_of_them(steps: list[StepCounts]) -> None:
    book: SavingsBook | None = None
    for at, counts in enumerate(steps):
        book = booked(book, counts, NOW + at)
        assert book.sums.without == book.sums.tokens - book.sums.golden + book.sums.saved
        assert min(book.sums.requests, book.sums.golden, book.sums.shadows, book.sums.lost) >= 0
        assert unpacked(packed(book), book.since, book.until) == book
        assert restore_savings(savings_status(book)) == book
    assert book is not None and book.since == NOW and book.until == NOW + len(steps) - 1


def test_a_status_that_holds_no_ledger_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"status\.savings\.packed"):
        unpacked("1,2;3", NOW, NOW)
