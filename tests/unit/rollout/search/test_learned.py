"""What people are shown of history: each setting once, with how often it ended how, and how likely it holds."""

from __future__ import annotations

import pytest

from earlystop.rollout.search.history import Subject, read_history
from earlystop.rollout.search.learned import Learned, learned_of, probability_to_hold
from earlystop.rollout.search.trial import Estimate
from tests.unit.rollout.policies import policy
from tests.unit.rollout.search.past_verdicts import past_verdict, window_policy

VERDICTS = [
    past_verdict("5", 0.01, 0.6),
    past_verdict("10", 0.0, 0.3, name="one"),
    past_verdict("10", 0.0, 0.35, name="two"),
    past_verdict("1", 0.4, 0.8, name="bold"),
]


def learned(margin: float | None = None) -> Learned:
    (found,) = learned_of(read_history(Subject.of(window_policy()), VERDICTS).comparisons, margin)
    return found


def test_each_setting_has_one_row_from_careful_to_bold_with_how_its_verdicts_ended() -> None:
    rows = [(row.values["window"], row.verdicts, row.promoted, row.rolled_back) for row in learned().settings]
    assert rows == [("10", 2, 2, 0), ("5", 1, 1, 0), ("1", 1, 0, 1)]


def test_a_setting_that_lost_much_is_unlikely_to_hold_and_a_larger_margin_is_held_more_likely() -> None:
    own = [row.holds for row in learned().settings]
    wider = [row.holds for row in learned(0.1).settings]
    assert own[0] is not None
    assert own[2] is not None
    assert own[0] > 0.9 > 0.01 > own[2]
    assert all(mine <= theirs for mine, theirs in zip(own, wider, strict=True) if mine is not None and theirs)


def test_without_a_margin_that_of_the_latest_verdict_counts() -> None:
    assert learned().margin == 0.05


def test_what_is_compared_with_another_baseline_stands_in_a_table_of_its_own() -> None:
    other = window_policy("10", {"baseline": {"values": [{"name": "window", "value": "20"}]}})
    verdicts = [
        *VERDICTS,
        past_verdict("10", name="elsewhere", spec=other),
        past_verdict("10", spec=policy(), name="p"),
    ]
    found = learned_of(read_history(None, verdicts).comparisons)
    assert sorted(len(each.settings) for each in found) == [1, 1, 3]


@pytest.mark.parametrize(("mean", "probability"), [(0.02, 0.5), (0.01, 0.8413), (0.03, 0.1587)])
def test_the_probability_to_hold_a_margin_is_that_of_a_normal_value(mean: float, probability: float) -> None:
    assert probability_to_hold(Estimate(mean, 0.01), 0.02) == pytest.approx(probability, abs=1e-4)


def test_nothing_is_learned_from_nothing() -> None:
    assert learned_of([]) == []
