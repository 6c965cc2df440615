"""`plan` shows means beside what nine of ten rollouts take, and says why one is above the other."""

from __future__ import annotations

import pytest

from earlystop.cli.plan_remarks import COUNTED_UNTIL_THE_VERDICT, forecast_remarks
from tests.unit.rollout.policies import policy

FORECAST: dict[str, float | str] = {
    **{f"{each}_{what}": 1.0 for each in COUNTED_UNTIL_THE_VERDICT for what in ("mean", "ninety")},
    "share": 1.0,
}


@pytest.mark.parametrize("counted", COUNTED_UNTIL_THE_VERDICT)
def test_plan_says_why_a_mean_is_above_what_nine_of_ten_rollouts_take(counted: str) -> None:
    why = "A mean is above what nine of ten rollouts take, since the few others take many times as much."
    assert why in forecast_remarks(policy(), {**FORECAST, f"{counted}_mean": 1.1})
    assert why not in forecast_remarks(policy(), FORECAST)
