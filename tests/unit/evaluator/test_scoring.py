"""Each way of comparing, and the published examples of Exact Match."""

from __future__ import annotations

import pytest

from earlystop.evaluator.scoring import Scoring, ScoringMode, TooSlow, exact_match

# Metric card of the SQuAD scoring script: two examples with 1.0 and 0.0, and one of three questions with 2/3.
PUBLISHED = [
    ([("1976", ["1976"])], 1.0),
    ([("1999", ["1976"])], 0.0),
    ([("1976", ["1976"]), ("Beyonce", ["Beyoncé and Bruno Mars"]), ("climate change", ["climate change"])], 2 / 3),
]


@pytest.mark.parametrize(("answered", "published"), PUBLISHED)
def test_the_published_examples_of_exact_match_are_reproduced(
    answered: list[tuple[str, list[str]]], published: float
) -> None:
    right = [exact_match(prediction, gold) for prediction, gold in answered]
    assert sum(right) / len(right) == pytest.approx(published)


def test_the_best_of_several_accepted_answers_counts_in_every_mode() -> None:
    assert Scoring().matches("the Levi's Stadium", ["Santa Clara", "Levi's Stadium"])
    assert Scoring(ScoringMode.RAW).matches("b\n", ["a", "b"])
    assert Scoring(ScoringMode.NUMBER).matches("It is 7.", ["6", "7.0"])
    assert Scoring(ScoringMode.REGEX, r"answer is (\w+)").matches("The answer is B", ["A", "b"])


def test_raw_forgives_surrounding_space_and_nothing_else() -> None:
    raw = Scoring(ScoringMode.RAW)
    assert raw.matches(" Yajo ", ["Yajo"])
    assert not raw.matches("yajo", ["Yajo"])
    assert not raw.matches("Yajo.", ["Yajo"])


@pytest.mark.parametrize(
    ("text", "gold"),
    [("so 3 + 4 = 7", "7"), ("$1,200.50", "1200.5"), ("-3", "-3"), ("about 2e3", "2000"), ("42%", "42"), ("12.", "12")],
)
def test_the_last_number_of_an_answer_is_compared_by_its_value(text: str, gold: str) -> None:
    assert Scoring(ScoringMode.NUMBER).matches(text, [gold])


def test_an_answer_without_a_number_or_with_another_one_is_wrong() -> None:
    numeric = Scoring(ScoringMode.NUMBER)
    assert not numeric.matches("none", ["7"])
    assert not numeric.matches("7 or rather 8", ["7"])
    assert not numeric.matches("17", ["7"])
    assert not numeric.matches("7.01", ["7"])


def test_the_last_match_of_a_pattern_is_the_answer_and_no_match_is_none() -> None:
    scoring = Scoring(ScoringMode.REGEX, r"answer is[:\s]*['\"]?([a-zA-Z]+)")
    assert scoring.matches("The answer is 'xy'. No, the answer is Yajo.", ["yajo"])
    assert not scoring.matches("yajo", ["yajo"])


@pytest.mark.parametrize(
    ("mode", "pattern"),
    [
        (ScoringMode.REGEX, None),
        (ScoringMode.EXACT, "(a)"),
        (ScoringMode.REGEX, "a"),
        (ScoringMode.REGEX, "(a)(b)"),
        (ScoringMode.REGEX, "(a"),
    ],
)
def test_a_mode_and_a_pattern_that_do_not_fit_are_refused(mode: ScoringMode, pattern: str | None) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Scoring(mode, pattern)


def test_no_mode_scores_a_question_without_gold_answer() -> None:
    for scoring in (
        Scoring(),
        Scoring(ScoringMode.RAW),
        Scoring(ScoringMode.NUMBER),
        Scoring(ScoringMode.REGEX, "(a)"),
    ):
        with pytest.raises(ValueError, match="unscored"):
            scoring.matches("a 1", [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        (r"(a+)+$", "a" * 5000 + "!"),
        (r"(?s)(.*?,){20}P", ",".join(["111"] * 3000)),
        (r"(\s+)$", " " * 100_000 + "x"),
        (r"(\w+\s?)*$", "word " * 2000 + "!"),
    ],
)
def test_a_pattern_that_searches_without_end_is_given_up(pattern: str, answer: str) -> None:
    slow = Scoring.named(f"regex:{pattern}")
    with pytest.raises(TooSlow, match="takes too long on an answer of"):
        slow.matches(answer, ["aaa"])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a{4294967295})", "is not a regular expression"),
        ("((?:(?:a{1000}){1000}){1000})", "repeats too much"),
        ("(" * 40 + "a" + ")" * 40, "40 groups"),
        (f"({'a' * 1000})", "write at most 1000"),
        (r"(?r)(a)", "is not a regular expression"),
        (r"(a", "is not a regular expression"),
    ],
)
def test_a_pattern_that_no_search_could_hold_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Scoring.named(f"regex:{pattern}")


def test_a_pattern_means_what_it_means_in_python() -> None:
    date = Scoring.named(r"regex:(?i)on (\d{4}-\d{2}-\d{2})(?!\d)")
    assert date.matches("ON 2020-01-01, no, on 2021-02-03.", ["2021-02-03"])
    assert not date.matches("never", ["2021-02-03"])


LONG = {
    "blank lines": "\n" * 9_000,
    "spaces": " " * 9_000,
    "marks": "- " * 4_500,
    "words": "no, but " * 1_100,
    "sentences": "No. " * 2_400,
}


@pytest.mark.parametrize("filler", LONG)
@pytest.mark.parametrize(
    ("name", "stated", "gold"), [("choice", "B", "B"), ("yesno", "yes", "yes"), ("number", "7", "7")]
)
def test_what_a_model_repeats_without_end_before_its_answer_changes_nothing(
    filler: str, name: str, stated: str, gold: str
) -> None:
    assert Scoring.named(name).matches(f"Well, {LONG[filler]}\nThe answer is {stated}.", [gold])
