"""On recorded answers the harmful window is dropped and a cheap harmless one chosen, side by side and in shadow."""

from __future__ import annotations

import pytest

from earlystop.api.policy import PolicySpec
from tests.bench.together import IN_SHADOW, SIDE_BY_SIDE, RecordedAnswers, choose
from tests.unit.demo.recorded import expected, recordings


@pytest.mark.parametrize("spec", [SIDE_BY_SIDE, IN_SHADOW], ids=["ABTest", "Shadow"])
def test_in_any_order_window_1_is_dropped_and_2_or_5_is_chosen(spec: PolicySpec) -> None:
    answers = RecordedAnswers(recordings(expected().source))
    for seed in range(5):
        outcome = choose(answers, spec, seed)
        assert outcome.chosen in ("w2", "w5") and set(outcome.dropped) == {"w1"}


def test_shadow_needs_a_tenth_of_the_requests_that_traffic_side_by_side_needs() -> None:
    answers = RecordedAnswers(recordings(expected().source))
    needed = [[choose(answers, spec, seed).requests for seed in range(5)] for spec in (IN_SHADOW, SIDE_BY_SIDE)]
    assert 10 * sum(needed[0]) < sum(needed[1])
