"""Early-stopping self-consistency: what a sample says, where sampling stops, who wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.demo.voting import MAXIMUM_WINDOW, Vote, read_sample, vote
from tests.unit.demo.sampled_answers import samples


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So the answer is yajo.", "yajo"),
        ("The Answer IS: 'YaJo'", "yajo"),
        ('the answer is "yajo"', "yajo"),
        ("the answer is:\n yajo", "yajo"),
        ("The answer is yajo. No, the answer is jayo.", "jayo"),
        ("The answer is yajo. The answer is 42.", "yajo"),
        ("The answer is y-a-j-o", "y"),
        ("the answers are yajo", None),
        ("The answer is ...", None),
        ("", None),
    ],
)
def test_the_last_stated_answer_of_a_sample_counts_in_lower_case(text: str, answer: str | None) -> None:
    assert read_sample(text).answer == answer


def test_words_are_what_stands_between_white_space() -> None:
    assert read_sample("  The last letter of 'Tj'\tis \n 'j'.  ").words == 7
    assert read_sample("").words == 0


def test_sampling_stops_at_the_first_unanimous_window() -> None:
    assert vote(samples("a", "b", "c", "c", "d", "d"), 2) == Vote("c", samples=4, words=40)


def test_windows_follow_one_another_and_do_not_slide() -> None:
    # "b", "b" stand side by side, but across the border of two windows.
    assert vote(samples("a", "b", "b", "a", "c", "b"), 2) == Vote("b", samples=6, words=60)


def test_all_samples_vote_when_no_window_is_unanimous() -> None:
    assert vote(samples("a", "b", "b", "a", "b"), 4) == Vote("b", samples=5, words=50)


def test_a_shorter_last_window_is_the_end_like_any_other() -> None:
    assert vote(samples("a", "b", "a", "c"), 3) == Vote("a", samples=4, words=40)


def test_a_window_with_a_silent_sample_does_not_stop() -> None:
    assert vote(samples("a", None, "a", "a", "b", "b"), 2) == Vote("a", samples=4, words=40)
    assert vote(samples(None, None, "a", "a"), 2) == Vote("a", samples=4, words=40)


def test_a_lone_sample_without_an_answer_does_not_stop() -> None:
    assert vote(samples(None, "b", "a"), 1) == Vote("b", samples=2, words=20)


def test_silent_samples_cost_words_but_have_no_vote() -> None:
    assert vote(samples(None, None, None, "a"), 40) == Vote("a", samples=4, words=40)


def test_no_answer_at_all_is_no_answer_rather_than_a_guess() -> None:
    assert vote(samples(None, None), 2) == Vote(None, samples=2, words=20)


def test_the_answer_seen_first_wins_a_tie() -> None:
    assert vote(samples("b", "a", "a", "b"), 40).answer == "b"
    assert vote(samples("c", "a", "b", "b", "a"), 40).answer == "a"


@pytest.mark.parametrize("window", [0, -1, MAXIMUM_WINDOW + 1])
def test_a_window_out_of_range_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 40"):
        vote(samples("a"), window)


@given(
    answers=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=50),
    window=st.integers(1, MAXIMUM_WINDOW),
)
def test_the_vote_agrees_with_the_definition_word_by_word(answers: list[str | None], window: int) -> None:
    used: list[str | None] = []
    for start in range(0, len(answers), window):
        used += (drawn := answers[start : start + window])
        if drawn[0] is not None and all(answer == drawn[0] for answer in drawn):
            break
    present = [answer for answer in used if answer is not None]
    winner = min(present, key=lambda answer: (-present.count(answer), present.index(answer)), default=None)
    assert vote(samples(*answers), window) == Vote(winner, len(used), 10 * len(used))
