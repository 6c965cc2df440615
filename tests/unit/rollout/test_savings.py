"""The savings ledger adds up, whatever order steps, campaigns and restarts come in."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings.ledger import (
    Arm,
    Asked,
    SavingsLedger,
    StepCounts,
    Sums,
    booked,
    counts_of_step,
    unpacked,
    worth,
)
from earlystop.rollout.stored.savings_codec import restore_savings, savings_status
from tests.unit.rollout.policies import NOW, examples

COUNT = st.integers(0, 10**6)
GOLDEN = st.integers(0, 10**3)
USERS = st.builds(lambda completed, failed, tokens: Tally(0, completed, failed, tokens=tokens), COUNT, COUNT, COUNT)
QUESTIONS = st.builds(lambda completed, tokens: Tally(0, completed, tokens=tokens), GOLDEN, GOLDEN)
NEW = st.lists(st.tuples(USERS, QUESTIONS), min_size=3, max_size=3)
"""What users (or shadows) and golden questions add of the baseline, of a candidate and of an incumbent beside it."""
LOOK = st.tuples(st.sampled_from([None, *StageKind]), NEW)
"""The kind of the step that begins with it, or None where the last one goes on; and what has been added since."""
ANY = st.integers(0, 2**62)
ANY_TALLY = st.builds(lambda completed, failed, tokens: Tally(0, completed, failed, tokens=tokens), ANY, ANY, ANY)
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
    ledger: SavingsLedger | None = None
    for look in range(1, 4):
        baseline, candidate = Tally(completed=101 * look, tokens=605 * look), Tally(completed=look, tokens=3 * look)
        counts = counts_of_step(1, 0, StageKind.SPLIT, baseline, [candidate], asked=asked)
        ledger = booked(ledger, counts, NOW + look)
    assert ledger is not None and ledger.sums.golden == 3 * 8 and ledger.sums.requests == 300


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
    ledger = booked(None, split(), NOW)
    assert booked(ledger, split(), NOW) == ledger


def test_counts_that_fell_are_of_something_new_and_what_was_booked_before_stays() -> None:
    ledger = booked(booked(None, split(), NOW), split(Arm(10, 0, 6_000)), NOW + 15)
    assert ledger.sums.tokens == 80_000 + 26_000


@pytest.mark.slow
@settings(examples, max_examples=30)
@given(st.lists(LOOK, min_size=1, max_size=5))
def test_books_balance_to_the_token_in_steps_of_every_kind_and_over_all_of_them(
    looks: list[tuple[StageKind | None, list[tuple[Tally, Tally]]]],
) -> None:
    ledger: SavingsLedger | None = None
    step, kind, arms = 0, StageKind.SPLIT, [Tally()] * 3
    requests = of_users = golden = shadows = 0
    for at, (begins, new) in enumerate(looks):
        step, kind, arms = (step, kind, arms) if begins is None else (step + 1, begins, [Tally()] * 3)
        arms = [arm + users + asked for arm, (users, asked) in zip(arms, new, strict=True)]
        counts = counts_of_step(1, step, kind, arms[0], [arms[1]], [arms[2]], Asked(*(asked for _, asked in new)))
        ledger = booked(ledger, counts, NOW + at)
        serving = new if kind is StageKind.SPLIT else [new[0], new[2]]
        requests += sum(users.completed for users, _ in serving)
        of_users += sum(users.tokens for users, _ in serving)
        golden += sum(asked.tokens for _, asked in new)
        shadows += 0 if kind is StageKind.SPLIT else new[1][0].tokens
        sums = ledger.sums
        assert (sums.requests, sums.golden, sums.shadows, sums.doubtful) == (requests, golden, shadows, 0)
        assert sums.tokens == of_users + golden
        assert sums.without == of_users + sums.saved
        assert restore_savings(savings_status(ledger)) == ledger
    assert ledger is not None and ledger.until == NOW + len(looks) - 1


def test_a_step_that_serves_a_candidate_to_nobody_books_its_golden_questions_as_such_and_its_shadows_without_them() -> (
    None
):
    users, shadows = Tally(1000, 1000, tokens=300_000), Tally(1000, 1000, tokens=200_000)
    asked = Asked(Tally(completed=50, tokens=15_000), Tally(completed=50, tokens=10_000))
    for kind in (StageKind.SHADOW, StageKind.LEARN):
        counts = counts_of_step(1, 0, kind, users + asked.baseline, [shadows + asked.candidates], asked=asked)
        sums = booked(None, counts, NOW).sums
        assert sums == Sums(1000, 325_000, without=300_000, golden=25_000, shadows=200_000)
        assert sums.saved == 0 and sums.net(shadows_cost=True) == -225_000


def test_a_night_without_users_in_shadow_saves_nothing_and_can_be_stored() -> None:
    asked = Asked(Tally(completed=50, tokens=15_000), Tally(completed=50, tokens=10_000))
    counts = counts_of_step(1, 0, StageKind.SHADOW, asked.baseline, [asked.candidates], asked=asked)
    told = savings_status(booked(None, counts, NOW))
    assert told is not None and (told.requests, told.saved_tokens, told.golden_tokens) == (0, 0, 25_000)


ANY_LOOK = st.tuples(st.integers(0, 1), st.sampled_from(StageKind), st.lists(ANY_TALLY, min_size=6, max_size=6))


@pytest.mark.slow
@settings(examples, max_examples=50)
@given(st.lists(ANY_LOOK, min_size=1, max_size=4))
def test_no_counts_whatever_keep_a_look_from_storing_its_books(looks: list[tuple[int, StageKind, list[Tally]]]) -> None:
    ledger: SavingsLedger | None = None
    for at, (step, kind, (baseline, candidate, beside, *asked)) in enumerate(looks):
        ledger = booked(ledger, counts_of_step(1, step, kind, baseline, [candidate], [beside], Asked(*asked)), NOW + at)
        told = savings_status(ledger)
        assert told is not None and restore_savings(told) == ledger


def test_more_golden_answers_than_answers_are_cut_and_the_step_is_told_as_doubtful() -> None:
    baseline, asked = Tally(completed=100, tokens=60_000), Asked(Tally(completed=150, tokens=90_000))
    ledger = booked(None, counts_of_step(1, 0, StageKind.SPLIT, baseline, [], asked=asked), NOW)
    assert ledger.sums == Sums(0, 60_000, without=0, golden=60_000, doubtful=1)
    ledger = booked(ledger, counts_of_step(1, 1, StageKind.SPLIT, Tally(completed=10, tokens=6_000), []), NOW + 15)
    told = savings_status(ledger)
    assert told is not None and (told.doubtful_steps, told.requests) == (1, 10)


def test_a_ledger_of_an_earlier_release_is_read_as_it_was() -> None:
    ledger = unpacked("1,2,3,4,5,6;1,0,110,0,60050,10,50,60,0,20030,10,30,7", NOW, NOW)
    assert ledger.closed == Sums(1, 2, 3, 4, 5, 6)
    assert ledger.open == StepCounts(1, 0, Arm(110, 0, 60_050, 10, 50), Arm(60, 0, 20_030, 10, 30), 7)


def test_a_status_that_holds_no_ledger_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"status\.savings\.packed"):
        unpacked("1,2;3", NOW, NOW)
