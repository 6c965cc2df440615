"""What a plan supposes of an A/A stage: it lasts as long as it must, and the longer, the more of the margin is left."""

from __future__ import annotations

import pytest

from earlystop.evidence.own_difference import LEAST_ROOM
from earlystop.rollout.plan import Plan, parse_plan, plan_text
from earlystop.simulation.same_setting import SupposedSameSetting
from tests.unit.rollout.policies import policy

COHORTS = [{"variant": "baseline", "values": ["a"]}, {"variant": "w10", "values": ["b"]}]


def plan(seconds: int, **exact: object) -> Plan:
    """Cohorts with the same setting for so long at least."""
    return parse_plan(
        plan_text(
            policy(
                {
                    "delivery": {
                        "mode": "HeaderCohort",
                        "gatewayHeader": None,
                        "headerCohort": {"routeRef": {"name": "qa"}, "header": "x-user-cohort", "cohorts": COHORTS},
                    },
                    "rollout": {"strategy": "ABTest", "steps": None, "aaSeconds": seconds, "deadlineSeconds": 900_000},
                    "objective": {"exactMatch": {"assumeIndependent": None, **exact}},
                }
            )
        )
    )


def stage(seconds: int, rate: float, **exact: object) -> SupposedSameSetting:
    """The stage of such a plan, at so many answers a second."""
    return SupposedSameSetting(plan(seconds, **exact), 15, rate, 0.8, 1.0)


def test_the_stage_lasts_its_least_time_the_looks_that_teach_scatter_or_until_room_is_left() -> None:
    assert stage(7200, 2000).seconds == 7200
    assert stage(60, 2000).seconds == 48 * 60
    assert stage(60, 2000, longestSessionSeconds=60).seconds == 64 * 15
    assert stage(60, 2000, assumeIndependent=True).seconds == 60
    slow = stage(60, 0.02)
    assert slow.seconds > 48 * 60
    assert slow.after(slow.plan.objective).margin == pytest.approx(LEAST_ROOM * 0.05)


def test_more_answers_with_the_same_setting_leave_more_of_the_margin() -> None:
    objective = plan(60).objective
    margins = [stage(3600, rate).after(objective).margin for rate in (20, 100, 1e3, 1e6)]
    assert margins == sorted(margins) and margins[-1] == pytest.approx(objective.margin, rel=0.02)
