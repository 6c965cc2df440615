"""A search starts from what verdicts say of the settings that it may try, and says where that comes from."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.rollout.search.history import Subject, read_history
from earlystop.rollout.search.trial import Setting
from earlystop.rollout.search.warm_start import WarmStart, ordered, place_of, warm_start
from tests.unit.rollout.policies import policy
from tests.unit.rollout.search.past_verdicts import WINDOW, altered, past_verdict, window_policy

WINDOWS = ("20", "10", "5", "2", "1")
RUNGS = tuple(
    Setting(f"window-{window}", (("window", window),), (number / 4,)) for number, window in enumerate(WINDOWS)
)
SCALES = {"window": {window: number / 4 for number, window in enumerate(WINDOWS)}}
PAIR = {"window": {"20": 0.0, "5": 1.0}, "effort": {"high": 0.0, "low": 1.0}}


def learned(verdicts: list[dict[str, Any]]) -> WarmStart:
    """What a search among these windows starts with."""
    spec = window_policy()
    return warm_start(spec, RUNGS, read_history(Subject.of(spec), verdicts))


def test_what_verdicts_say_of_each_setting_is_believed() -> None:
    verdicts = [past_verdict("10", 0.0, 0.3), past_verdict("2", 0.3, 0.8, name="bold")]
    found = learned(verdicts)
    assert found.belief is not None
    losses = [each.mean for each in found.belief.loss if each is not None]
    assert losses[1] == pytest.approx(0, abs=0.02)
    assert losses[3] == pytest.approx(0.3, abs=0.05)
    assert losses[1] < losses[2] < losses[3]
    assert found.told == (
        "The order of trials starts from 2 comparisons in 2 verdicts of llm/bold, llm/qa; what each trial must show is "
        "the same.",
    )


def test_a_search_without_verdicts_starts_without_a_belief_and_says_so() -> None:
    found = learned([])
    assert found.belief is None
    assert found.told == ("No verdict says anything of these settings yet, so the search starts without history.",)


def test_a_refused_verdict_teaches_nothing_and_is_told() -> None:
    found = learned([altered(past_verdict(), message="It is better.")])
    assert found.belief is None
    assert any("is refused: " in sentence for sentence in found.told)


def test_a_setting_beyond_what_may_be_tried_teaches_nothing_and_is_told() -> None:
    found = learned([past_verdict("30")])
    assert found.belief is None
    assert "Nothing is learned from window 30: it is not among what the search may try." in found.told


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"window": "10"}, (0.25,)),
        ({"window": "15"}, (0.125,)),
        ({"window": "10.0"}, (0.25,)),
        ({"window": "1"}, (1.0,)),
        ({"window": "21"}, None),
        ({"window": "0"}, None),
        ({}, None),
        ({"window": "10", "patience": "2.5"}, (0.25,)),
        ({"window": "10", "patience": "1"}, None),
    ],
)
def test_a_setting_has_a_place_among_those_that_may_be_tried_or_none(
    values: dict[str, str], place: tuple[float, ...] | None
) -> None:
    assert place_of(values, SCALES, {"window": "40", "patience": "2.5"}) == place


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"window": "5", "effort": "high"}, (1.0, 0.0)),
        ({"window": "12.5", "effort": "low"}, (0.5, 1.0)),
        ({"window": "5", "effort": "medium"}, None),
        ({"window": "5"}, None),
    ],
)
def test_a_setting_of_two_parameters_needs_a_place_in_both(
    values: dict[str, str], place: tuple[float, ...] | None
) -> None:
    assert place_of(values, PAIR, {"window": "40", "effort": "high"}) == place


def test_a_choice_without_an_order_is_none_from_careful_to_bold() -> None:
    choice = {"name": "style", "type": "Choice", "choices": ["a", "b", "c"]}
    spec = policy(
        {
            "parameters": [WINDOW, choice],
            "baseline": {"values": [{"name": "window", "value": "40"}, {"name": "style", "value": "a"}]},
        }
    )
    rungs = [Setting("window-10-style-b", (("window", "10"), ("style", "b")), (0.0, 0.5))]
    assert ordered(spec, rungs) == (True, False)
