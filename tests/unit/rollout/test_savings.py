"""The savings ledger adds up, whatever order steps, campaigns and restarts come in."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings import (
    Arm,
    Asked,
    SavingsBook,
    StepCounts,
    Sums,
    booked,
    counts_of_step,
    unpacked,
    worth,
)
from earlystop.rollout.savings_codec import restore_savings, savings_status
from tests.unit.rollout.policies import NOW, examples

COUNT = st.integers(0, 10**6)
GOLDEN = st.integers(0, 10**3)
USERS = st.builds(lambda completed, failed, tokens: Tally(0, completed, failed, tokens=tokens), COUNT, COUNT, COUNT)
QUESTIONS = st.builds(lambda completed, tokens: Tally(0, completed, tokens=tokens), GOLDEN, GOLDEN)
LOOK = st.tuples(st.booleans(), USERS, QUESTIONS, USERS, QUESTIONS)
"""Whether a step begins with it; and what users and golden questions have added since, of the baseline and others."""
BASELINE, OTHERS = Arm(completed=100, tokens=60_000), Arm(completed=50, tokens=20_000)


def split(baseline: Arm = BASELINE, others: Arm = OTHERS) -> StepCounts:
    """100 requests of the baseline with 600 tokens each, and 50 of a candidate with 400, unless otherwise said."""
    return StepCounts(1, 0, baseline, others)


def test_requests_of_a_candidate_save_what_they_would_have_taken_by_the_baseline() -> None:
    assert worth(split()).saved == 50 * (600 - 400)
    assert worth(split(others=Arm(50, 0, 40_000))).saved == 50 * (600 - 800)


def test_golden_questions_save_nothing_and_their_own_tokens_are_taken_off() -> None:
    golden = Asked(Tally(completed=10, tokens=50), Tally(completed=10, tokens=30))
    baseline, candidate = Tally(completed=110, tokens=60_050), Tally(completed=60, tokens=20_030)
    sums = worth(counts_of_step(1, 0, StageKind.SPLIT, baseline, [candidate], asked=golden))
    assert (sums.requests, sums.golden) == (150, 80)
    assert sums.saved == 50 * (600 - 400)
    assert sums.net(shadows_cost=False) == 50 * 200 - 80


def test_golden_questions_of_each_look_add_up_within_a_step() -> None:
    asked = Asked(Tally(completed=1, tokens=5), Tally(completed=1, tokens=3))
    book: SavingsBook | None = None
    for look in range(1, 4):
        baseline, candidate = Tally(completed=101 * look, tokens=605 * look), Tally(completed=look, tokens=3 * look)
        counts = counts_of_step(1, 0, StageKind.SPLIT, baseline, [candidate], asked=asked)
        book = booked(book, counts, NOW + look)
    assert book is not None and book.sums.golden == 3 * 8 and book.sums.requests == 300


def test_failures_beyond_the_baselines_rate_are_lost_and_no_others() -> None:
    # The baseline fails once in 100 of 101; of 50 + 6 ended requests 56/101 failures would be its rate.
    sums = worth(split(Arm(100, 1, 60_000), Arm(50, 6, 20_000)))
    assert sums.lost == round((6 - Fraction(56, 101)) * 600)
    assert worth(split(Arm(100, 50, 60_000), Arm(50, 6, 20_000))).lost == 0


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
    assert worth(split(Arm())).saved == 0


def test_reading_a_moment_again_books_nothing_twice() -> None:
    book = booked(None, split(), NOW)
    assert booked(book, split(), NOW) == book


def test_counts_that_fell_are_of_something_new_and_what_was_booked_before_stays() -> None:
    book = booked(booked(None, split(), NOW), split(Arm(10, 0, 6_000)), NOW + 15)
    assert book.sums.tokens == 80_000 + 26_000


@settings(examples, max_examples=20)
@given(st.lists(LOOK, min_size=1, max_size=5))
def test_books_balance_to_the_token_in_every_step_and_over_all_of_them(
    looks: list[tuple[bool, Tally, Tally, Tally, Tally]],
) -> None:
    book: SavingsBook | None = None
    step, baseline, others, served = 0, Tally(), Tally(), 0
    for at, (begins, users_b, golden_b, users_o, golden_o) in enumerate(looks):
        step, baseline, others = (step + 1, Tally(), Tally()) if begins else (step, baseline, others)
        baseline, others = baseline + users_b + golden_b, others + users_o + golden_o
        counts = counts_of_step(1, step, StageKind.SPLIT, baseline, [others], asked=Asked(golden_b, golden_o))
        book, served = booked(book, counts, NOW + at), served + users_b.tokens + users_o.tokens
        sums = book.sums
        assert sums.tokens - sums.golden == served
        assert sums.without == served + sums.saved
        assert min(sums.requests, sums.golden, sums.lost, sums.without) >= 0
        assert restore_savings(savings_status(book)) == book
    assert book is not None and book.until == NOW + len(looks) - 1


def test_a_status_that_holds_no_ledger_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"status\.savings\.packed"):
        unpacked("1,2;3", NOW, NOW)
