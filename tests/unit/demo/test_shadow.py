"""Which windows can be judged on the baseline's samples, and what the header that names them may look like."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.demo.shadow import MOST_CANDIDATES, MOST_CHARACTERS, ShadowedRule, can_be_judged, read_shadows
from earlystop.demo.voting import MAXIMUM_WINDOW, SampledAnswer, StopRule, vote
from tests.unit.demo.sampled_answers import samples
from tests.unit.every_row import every_row

PAIRS_OF_WINDOWS = [(window, full) for full in range(1, MAXIMUM_WINDOW + 1) for window in range(1, MAXIMUM_WINDOW + 1)]
UNBOUNDED = 10**9


def draw(rng: random.Random, count: int) -> list[SampledAnswer]:
    """Answers that agree often, now and then a silent one, all of different lengths."""
    return [SampledAnswer(rng.choice(["a", "a", "a", "a", "b", None]), rng.randint(1, 99)) for _ in range(count)]


@pytest.mark.slow
def test_what_is_judged_from_the_baselines_samples_is_what_the_window_itself_would_have_answered_and_used() -> None:
    rng = random.Random(1)
    for window, full in PAIRS_OF_WINDOWS:
        for _ in range(4):
            made = draw(rng, rng.choice([7, 40]))
            used = made[: vote(made, full).samples]
            if can_be_judged(StopRule(window), StopRule(full), len(made)):
                assert vote(used, window) == vote(made, window), (window, full)


@pytest.mark.slow
def test_a_window_that_is_left_out_needs_more_samples_than_the_baseline_made_for_some_answers() -> None:
    left_out = [
        (window, full)
        for window, full in PAIRS_OF_WINDOWS
        if not can_be_judged(StopRule(window), StopRule(full), UNBOUNDED)
    ]
    assert (4, 5) in left_out and (10, 5) in left_out and (2, 3) not in left_out
    distinct = samples(*map(str, range(MAXIMUM_WINDOW * (MAXIMUM_WINDOW + 3))))
    for window, full in left_out:
        needs_more = False
        for number in range(window + 1):  # the baseline agrees in its window `number`, and nowhere else
            made = distinct[: full * (number + 1) + 2 * window]
            start = full * number
            made[start : start + full] = samples(*["a"] * full)
            needs_more = needs_more or vote(made, window).samples > vote(made, full).samples
        assert needs_more or window == 1, (window, full)


def test_a_baseline_that_makes_all_samples_whatever_they_say_has_those_of_every_window() -> None:
    assert can_be_judged(StopRule(4), StopRule(5), 5) and not can_be_judged(StopRule(4), StopRule(5), 6)


@pytest.mark.parametrize("window", [20, 10, 5, 3, 2, 1, 40])
def test_a_run_of_full_length_has_the_samples_of_every_window(window: int) -> None:
    assert can_be_judged(StopRule(window), StopRule(40), 40)


def rules(rng: random.Random, windows: range) -> StopRule:
    return StopRule(rng.choice(windows), rng.choice([1.0, 0.8, 0.5]), rng.choice([1, 1, 5, 12]))


@pytest.mark.slow
def test_what_is_judged_of_combined_rules_is_what_the_rule_itself_would_have_answered_and_used() -> None:
    rng, judged = random.Random(2), 0
    for _ in range(20_000):
        made = draw(rng, rng.choice([7, 40]))
        rule, full = rules(rng, range(1, 13)), rules(rng, range(1, 41))
        if can_be_judged(rule, full, len(made)):
            judged += 1
            used = made[: vote(made, *full).samples]
            assert vote(used, *rule) == vote(made, *rule), (rule, full)
    assert judged > 1000


@pytest.mark.parametrize("rule", [StopRule(w, a, n) for w in (20, 10, 5, 3) for a in (1.0, 0.8, 0.5) for n in (1, 10)])
def test_a_run_of_full_length_has_the_samples_of_every_combined_rule(rule: StopRule) -> None:
    assert can_be_judged(rule, StopRule(40), 40)
    assert can_be_judged(rule, StopRule(5, 0.5, 40), 40)


@pytest.mark.parametrize(
    ("rule", "baseline", "judged"),
    [
        (StopRule(5, 0.8), StopRule(10), True),
        (StopRule(5, 0.8), StopRule(10, 0.9), False),
        (StopRule(5, 0.8, 5), StopRule(10), True),
        (StopRule(5, 0.8, 6), StopRule(10), False),
        (StopRule(5, 0.8, 6), StopRule(10, 1.0, 8), False),
        (StopRule(10, 0.9), StopRule(10, 0.9), True),
    ],
)
def test_a_rule_is_judged_only_where_the_baseline_surely_made_its_samples(
    rule: StopRule, baseline: StopRule, judged: bool
) -> None:
    assert can_be_judged(rule, baseline, 40) is judged


def test_candidates_with_several_parameters_are_read_and_take_the_rest_from_the_request_itself() -> None:
    header = "a;window=5;agreement=0.8, b;agreement=0.6;least-samples=10, c;least-samples=3; window=2"
    found = read_shadows([header], StopRule(40, 1.0, 2))
    assert [(each.variant, *each.rule) for each in found] == [
        ("a", 5, 0.8, 2),
        ("b", 40, 0.6, 10),
        ("c", 2, 1.0, 3),
    ]


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("w10;window=10, w5;window=5", [("w10", 10), ("w5", 5)]),
        ("w10; window=10,w5;window=5", [("w10", 10), ("w5", 5)]),
        ("candidate;window=40", [("candidate", 40)]),
        ("  10-bold;window=1\t", [("10-bold", 1)]),
    ],
)
def test_a_list_of_candidates_with_their_windows_is_read(header: str, read: list[tuple[str, int]]) -> None:
    assert read_shadows([header]) == tuple(ShadowedRule(name, StopRule(window)) for name, window in read)


@every_row(
    "header",
    [
        "",
        ",",
        "w10",
        "w10;window",
        "w10;window=",
        "w10;window=0",
        "w10;window=41",
        "w10;window=-5",
        "w10;window=5.0",
        "w10;window=05",
        "w10;window=٥",
        "w10;window=100",
        "w10;window=5;window=6",
        "w10;window=5;patience=6",
        "w10;patience=6",
        "w10;window=5;agreement=1.1",
        "w10;window=5;agreement=0",
        "w10;window=5;agreement=.5",
        "w10;agreement=0.8;agreement=0.8",
        "w10;window=5;least-samples=0",
        "w10;window=5;least-samples=41",
        "w10;least_samples=5",
        "w10;window=5;agreement",
        "w10;WINDOW=5",
        "w10 ;window=5",
        "w10;window =5",
        "w10;window=5,",
        ",w10;window=5",
        "w10;window=5,,w5;window=5",
        "w10;window=5 w5;window=5",
        "w10;window=5, w10;window=6",
        "baseline;window=5",
        "unassigned;window=5",
        '"w10";window=5',
        "(w10);window=5",
        "w/10;window=5",
        f"{'x' * 65};window=5",
        "w10;window=5, w5;window=odd",
        ", ".join(f"w{n};window=5" for n in range(MOST_CANDIDATES + 1)),
        ", ".join(f"w{n:04d}-{'x' * 58};window=5;agreement=0.800000;least-samples=0000000010" for n in range(200)),
        "w10;window=5," + " " * MOST_CHARACTERS + "w5;window=5",
    ],
)
def test_an_odd_header_is_ignored_as_a_whole(header: str) -> None:
    assert read_shadows([header]) == ()


def test_no_header_or_two_of_them_name_nobody() -> None:
    assert read_shadows([]) == read_shadows(["w10;window=10", "w5;window=5"]) == ()


@pytest.mark.slow
@given(st.text(max_size=60) | st.from_regex(r"[a-z0-9]{0,3}[;, ]window=[0-9]{0,3}[;, ]?[a-z]{0,2}", fullmatch=True))
def test_whatever_a_client_writes_is_read_within_bounds_or_not_at_all(header: str) -> None:
    for each in read_shadows([header]):
        assert 1 <= each.rule.window <= MAXIMUM_WINDOW and each.variant not in ("", "baseline", "unassigned")
