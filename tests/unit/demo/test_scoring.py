"""Exact Match as SQuAD defines it."""

from __future__ import annotations

import pytest

from earlystop.evaluator.scoring import exact_match, normalize_answer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Yajo", "yajo"),
        ("  the   Eiffel\tTower\n", "eiffel tower"),
        ("U.S.A.", "usa"),
        ("'yajo'.", "yajo"),
        ("An apple, a pear", "apple pear"),
        ("theatre and anthem", "theatre and anthem"),
        ("The.", ""),
        ("self-consistency", "selfconsistency"),
        ("Zürich", "zürich"),
        ("", ""),
    ],
)
def test_case_punctuation_articles_and_spaces_do_not_count(text: str, normal: str) -> None:
    assert normalize_answer(text) == normal


def test_normalising_twice_changes_nothing() -> None:
    for text in ("The U.S.", "a the an", "the  (old) man", "th.e end"):
        once = normalize_answer(text)
        assert normalize_answer(once) == once


def test_an_answer_matches_when_any_gold_answer_does() -> None:
    assert exact_match("the NYC", ["New York", "N.Y.C."])
    assert not exact_match("New York City", ["New York", "N.Y.C."])


def test_a_part_of_the_gold_answer_is_no_match() -> None:
    assert not exact_match("yaj", ["yajo"])
    assert not exact_match("", ["yajo"])


def test_a_question_without_gold_answer_is_never_scored_as_wrong() -> None:
    with pytest.raises(ValueError, match="unscored"):
        exact_match("yajo", [])


def test_a_single_string_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match=r"\[answer\]"):
        exact_match("y", "yajo")
