"""Recorded questions answered at each window: the figures that a rollout is meant to find out."""

from __future__ import annotations

import pytest

from earlystop.demo.recordings import Recording
from earlystop.demo.replay import MOST_RULES, Replay, Reply
from tests.unit.demo.recorded import SHIPPED, Expected, expected, recordings


def replies(source: str, window: int) -> list[Reply]:
    """The reply to every question, once."""
    replay = Replay(recordings(source))
    found = [replay.reply(each.question, window) for each in recordings(source)]
    return [reply for reply in found if reply is not None]


@pytest.mark.slow
@pytest.mark.parametrize("figures", [expected(), SHIPPED], ids=["recorded", "shipped"])
def test_each_window_gives_the_exact_match_and_words_that_are_stated(figures: Expected) -> None:
    for window, share in figures.exact_match.items():
        said = replies(figures.source, window)
        assert len(said) == len(recordings(figures.source))
        matches = sum(reply.result == "match" for reply in said)
        assert matches / len(said) == pytest.approx(share, abs=5e-5), window
        words = sum(reply.vote.words for reply in said) / len(said)
        assert words == pytest.approx(figures.words[window], abs=1), window


@pytest.mark.slow
def test_combined_rules_give_the_exact_match_and_words_that_are_stated() -> None:
    figures = expected()
    replay, asked = Replay(recordings(figures.source)), recordings(figures.source)
    for rule, (share, mean_words) in figures.combined.items():
        said = [reply for each in asked if (reply := replay.reply(each.question, *rule)) is not None]
        assert sum(reply.result == "match" for reply in said) / len(asked) == pytest.approx(share, abs=5e-5), rule
        assert sum(reply.vote.words for reply in said) / len(asked) == pytest.approx(mean_words, abs=1), rule


def test_a_smaller_share_saves_more_than_the_window_alone_at_no_loss() -> None:
    for figures in (SHIPPED, expected()):
        share, mean_words = figures.combined[10, 0.8, 1]
        assert share == figures.exact_match[40]
        assert mean_words < 0.8 * figures.combined[10, 1.0, 1][1]


def test_replies_of_more_rules_than_a_search_has_do_not_pile_up() -> None:
    replay, question = Replay(recordings()), recordings()[0].question
    for number in range(2 * MOST_RULES):
        replay.reply(question, 5, (number + 1) / (2 * MOST_RULES))
    assert len(replay._replies) <= MOST_RULES


def test_in_the_shipped_set_a_window_of_5_saves_tokens_at_no_loss_and_a_window_of_1_loses_clearly() -> None:
    share, words = SHIPPED.exact_match, SHIPPED.words
    assert share[5] == share[40] and words[5] < 0.4 * words[40]
    assert 0.04 <= share[40] - share[1] <= 0.05 + 1e-9


def test_an_unrecorded_question_has_no_reply() -> None:
    assert Replay(recordings()).reply("What is the answer?", 40) is None


def test_white_space_around_a_question_does_not_matter() -> None:
    question = recordings()[0].question
    replay = Replay(recordings())
    assert replay.reply(f"\n{question} ", 5) == replay.reply(question, 5)


def test_any_gold_answer_makes_a_match_and_no_answer_is_a_mismatch() -> None:
    said = ("The answer is Yajo.",)
    replay = Replay(
        [
            Recording("several", ("other", "the YAJO!"), said),
            Recording("wrong", ("other",), said),
            Recording("silent", ("other",), ("no idea",)),
        ]
    )
    results = {each: replay.reply(each, 40) for each in ("several", "wrong", "silent")}
    assert {each: reply and reply.result for each, reply in results.items()} == {
        "several": "match",
        "wrong": "mismatch",
        "silent": "mismatch",
    }
    silent = results["silent"]
    assert silent is not None and silent.text == ""
