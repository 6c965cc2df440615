"""Scoring is total, answers the same each time, and never takes a wrong number or letter for the right one."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from earlystop.evaluator.scoring import Scoring, normalize_answer
from earlystop.evaluator.scoring.latex import normalize_latex
from earlystop.evaluator.scoring.typography import plain_characters
from tests.unit.evaluator.scoring_table import TABLE

PROPERTY = settings(max_examples=200, deadline=None)
NAMES = ("exact", "raw", "number", "number:unit", "choice", "yesno", "boxed", "json:a.0", r"regex:is (\S+)")
SCORINGS = tuple(map(Scoring.named, NAMES))
PIECES = st.sampled_from(
    [
        *("\\boxed{", "}", "{", "\\frac", "1", "-", "−", "½", ",", ".", " ", "the answer is ", "A", "(B)", "not ", "%"),
        *("$", "\n", "####", "10:30", "2020-12-01", "×10^", "²", '{"a": [', "yes", "\u200b", "\ud800", "٣", "**"),
        *("or ", "five ", "km"),
    ]
)
TEXTS = st.text(max_size=60) | st.lists(PIECES, max_size=14).map("".join)


@pytest.mark.slow
@PROPERTY
@given(TEXTS, TEXTS)
def test_every_answer_has_a_score_and_the_same_one_each_time(answer: str, gold: str) -> None:
    for scoring in SCORINGS:
        scoring.accepts(gold)
        assert scoring.matches(answer, [gold]) is scoring.matches(answer, [gold])
        assert scoring.matches(answer, [gold, gold]) is scoring.matches(answer, [gold])


@pytest.mark.slow
@PROPERTY
@given(TEXTS)
def test_normal_forms_are_their_own_normal_forms(text: str) -> None:
    for normal in (normalize_answer, normalize_latex, plain_characters):
        once = normal(text)
        assert normal(once) == once


IN_TWO_UNITS = (
    ("{} hours {} minutes", "minutes", 60),
    ("{}h {}min", "minutes", 60),
    ("{} feet and {} inches", "inches", 12),
    ("{}' {}\"", "inches", 12),
    ("{} pounds, {} pence", "pence", 100),
    ("{} kg {} g", "grams", 1000),
)


@pytest.mark.slow
@PROPERTY
@given(st.sampled_from(IN_TWO_UNITS), st.integers(1, 99), st.integers(1, 999), st.integers(0, 99_999))
def test_a_quantity_in_two_units_is_that_of_one_unit_and_no_other(
    how: tuple[str, str, int], upper: int, lower: int, other: int
) -> None:
    written, unit, times = how
    lower %= times
    whole = upper * times + lower
    for scoring in map(Scoring.named, ("number", "exact")):
        assert scoring.matches(written.format(upper, lower), [f"{whole} {unit}"])
        assert scoring.matches(written.format(upper, lower), [f"{other} {unit}"]) is (other == whole)


@pytest.mark.slow
@PROPERTY
@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_two_numbers_agree_only_when_they_are_equal_however_they_are_written(a: int, b: int, places: int) -> None:
    numeric, text = Scoring.named("number"), Scoring.named("exact")
    one, other = Fraction(a, 10**places), Fraction(b, 10**places)
    for number in (one, other):
        written = f"{float(number):.{places}f}" if places else str(number)
        assume(Fraction(written) == number)
        for form in (
            written,
            written.replace("-", "−"),
            f"{float(number):,.{places}f}",
            f"**{written}**",
            f"${written}$",
        ):
            for scoring in (numeric, text):
                assert scoring.matches(form, [f"{float(one):.{places}f}"]) is (number == one), form


@pytest.mark.slow
def test_a_long_answer_of_any_kind_is_scored_in_time() -> None:
    for piece in (
        "1 ",
        "A, ",
        "\\boxed{",
        "\\frac{",
        "answer is ",
        "(",
        " ",
        "\n",
        "½",
        '{"a":',
        "not A or ",
        "10 x 10^2 ",
        "1 h ",
        "5 pounds 20p ",
        "(1, 2 ",
    ):
        answer = piece * (100_000 // len(piece))
        began = time.process_time()
        for name in NAMES[:-1]:
            Scoring.named(name).matches(answer, ["42"])
        assert time.process_time() - began < 20, piece


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["2", "1,", "٢"])
def test_a_model_that_repeats_digits_without_end_costs_no_seconds_an_answer(piece: str) -> None:
    answer, scoring = piece * (10_000 // len(piece)), Scoring.named("number")
    began = time.process_time()
    for _ in range(10):
        assert not scoring.matches(answer, ["42"])
    assert time.process_time() - began < 3, "each digit is read anew from every digit before it"


@pytest.mark.parametrize("name", ["exact", "number", "choice", "boxed", "yesno", "json:answer"])
def test_a_gold_answer_of_the_table_is_right_for_itself(name: str) -> None:
    scoring = Scoring.named(name)
    for gold in {each for row in TABLE if row[0] == name for each in row[2]}:
        answer = f"\\boxed{{{gold}}}" if name == "boxed" else f'{{"answer": "{gold}"}}' if "json" in name else gold
        assert scoring.matches(answer, [gold]), gold


@pytest.mark.parametrize("piece", [" ", "\n", "the answer ", "answer (", "answer from the "])
def test_a_model_that_repeats_itself_before_more_questions_costs_no_seconds_an_answer(piece: str) -> None:
    answer = "answer" + piece * (100_000 // len(piece)) + "\nQuestion: And now?" * 30
    began = time.process_time()
    Scoring.named("number").matches(answer, ["1"])
    assert time.process_time() - began < 2, "cues are looked for along all of it for each space or question"
