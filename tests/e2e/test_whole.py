"""Whatever moves traffic in a rollout, no request of a client fails."""

from __future__ import annotations

from tests.e2e.stage import Stage
from tests.e2e.whole import play

RATE = 200.0


def test_no_request_fails_through_steps_a_killed_operator_a_promotion_an_abort_and_the_end(stage: Stage) -> None:
    summary = play(stage, "whole", RATE)
    assert summary["failed"] == 0, (summary["failures"], summary["examples"])
    assert set(summary["variants"]) == {"unassigned", "baseline", "candidate"}
