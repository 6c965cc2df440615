"""Early-stopping self-consistency: what a sample says, where sampling stops, who wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.demo.voting import MAXIMUM_SAMPLES, MAXIMUM_WINDOW, Vote, read_sample, vote
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


@pytest.mark.parametrize("agreement", [0, -0.5, 1.01, float("nan")])
def test_an_agreement_out_of_range_is_refused(agreement: float) -> None:
    with pytest.raises(ValueError, match="write a share above 0 and at most 1"):
        vote(samples("a"), 1, agreement)


@pytest.mark.parametrize("least", [0, -1, MAXIMUM_SAMPLES + 1])
def test_least_samples_out_of_range_are_refused(least: int) -> None:
    with pytest.raises(ValueError, match="write a whole number from 1 to 40"):
        vote(samples("a"), 1, 1.0, least)


def test_sampling_stops_at_the_first_window_in_which_a_large_enough_share_agrees() -> None:
    drawn = samples("a", "b", "c", "b", "b", "d", "e", "f", "g")
    assert vote(drawn, 3, 0.66) == Vote("b", samples=6, words=60)
    assert vote(drawn, 3, 0.67) == Vote("b", samples=9, words=90)


@pytest.mark.parametrize(("agreement", "window", "agree"), [(0.6, 5, 3), (0.8, 5, 4), (0.3, 10, 3), (0.7, 10, 7)])
def test_a_share_of_a_window_is_met_by_just_that_share(agreement: float, window: int, agree: int) -> None:
    others = [str(number) for number in range(window)]
    enough = samples(*["a"] * agree, *others[agree:], *others)
    too_few = samples(*["a"] * (agree - 1), *others[agree - 1 :], *others)
    assert vote(enough, window, agreement).samples == window
    assert vote(too_few, window, agreement).samples == 2 * window


def test_a_silent_sample_agrees_with_none() -> None:
    assert vote(samples("a", None, None, "a", "b", "b"), 3, 0.5) == Vote("a", samples=6, words=60)


def test_no_window_stops_before_the_least_samples_are_drawn() -> None:
    drawn = samples("a", "a", "b", "c", "b", "b", "d", "e")
    assert [vote(drawn, 2, 1.0, least).samples for least in (1, 2, 3, 6, 7)] == [2, 2, 6, 6, 8]


@pytest.mark.slow
@given(
    answers=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=50),
    window=st.integers(1, MAXIMUM_WINDOW),
    percent=st.integers(1, 100),
    least=st.integers(1, MAXIMUM_SAMPLES),
)
def test_the_vote_agrees_with_the_definition_word_by_word(
    answers: list[str | None], window: int, percent: int, least: int
) -> None:
    used: list[str | None] = []
    for start in range(0, len(answers), window):
        used += (drawn := answers[start : start + window])
        most = max(drawn.count(answer) if answer is not None else 0 for answer in drawn)
        if most and 100 * most >= percent * len(drawn) and len(used) >= least:
            break
    present = [answer for answer in used if answer is not None]
    winner = min(present, key=lambda answer: (-present.count(answer), present.index(answer)), default=None)
    assert vote(samples(*answers), window, percent / 100, least) == Vote(winner, len(used), 10 * len(used))
