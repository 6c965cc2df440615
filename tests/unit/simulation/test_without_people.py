"""What is played ahead asks nobody: a policy that waits for people or gates is forecast up to its decision."""

from __future__ import annotations

from typing import Any

import pytest
from numpy.random import default_rng

from earlystop.simulation.simulate import simulate
from earlystop.simulation.traffic import SyntheticTraffic
from tests.unit.rollout.asking import asking
from tests.unit.rollout.policies import policy


def test_a_policy_that_asks_people_is_played_to_the_decision_that_they_would_be_asked_about() -> None:
    traffic = SyntheticTraffic(rate=40.0, saving=0.5)
    (played,) = simulate(policy(asking("Always")), traffic, default_rng(1), 1)
    assert (played.verdict, played.reason) == ("Promote", "NonInferiorAndSaving")


@pytest.mark.parametrize("before", [{"before": "Step"}, {"before": "Step", "weights": [25]}, {"before": "Promotion"}])
def test_a_policy_with_gates_is_played_as_if_each_were_open(before: dict[str, Any]) -> None:
    traffic = SyntheticTraffic(rate=40.0, saving=0.5)
    gate = {"name": "evaluation", "jobRef": {"name": "evaluate"}, **before}
    (played,) = simulate(policy({"rollout": {"steps": [{"weight": 25}], "gates": [gate]}}), traffic, default_rng(1), 1)
    assert (played.verdict, played.reason) == ("Promote", "NonInferiorAndSaving")
