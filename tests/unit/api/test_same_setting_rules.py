"""An A/A stage that a policy cannot mean is refused, with a sentence that says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.offline_check import problems_of
from tests.unit.api.cohort_policies import BY_HEADER, IN_BODIES
from tests.unit.rollout.policies import written


def _problems(changes: dict[str, Any], **rollout: Any) -> str:
    said = {"strategy": "ABTest", "steps": None, "aaSeconds": 600, **rollout}
    manifest = {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopPolicy",
        "metadata": {"name": "qa", "namespace": "llm"},
        "spec": written({"delivery": BY_HEADER, "rollout": said, **changes}),
    }
    return " ".join(map(str, problems_of(manifest)))


def _objective(**exact: Any) -> dict[str, Any]:
    return {"objective": {"exactMatch": {"assumeIndependent": None, **exact}}}


@pytest.mark.parametrize("exact", [{}, {"assumeIndependent": True}, {"dispersion": "2"}, {"longestSessionSeconds": 60}])
def test_cohorts_may_have_the_same_setting_first_whatever_is_known_of_their_sessions(exact: dict[str, Any]) -> None:
    assert _problems(_objective(**exact)) == ""


def test_other_modes_have_no_cohorts_that_stay() -> None:
    said = _problems({"delivery": {}}, steps=[{"weight": 5}], strategy=None)
    assert (
        "rollout.aaSeconds compares cohorts of users that stay as they are" in said
        and "HeaderCohort alone has them" in said
    )


def test_cohorts_whose_settings_stand_in_bodies_may_have_the_same_setting_first() -> None:
    said = _problems({"delivery": IN_BODIES})
    assert "rollout.aaSeconds" not in said and "rollout.steps" not in said


@pytest.mark.parametrize(
    "more",
    [
        {"guardrails": [{"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"}]},
        {"queryClasses": [{"name": "hard", "margin": "0.03"}]},
    ],
)
def test_claims_that_no_such_stage_bounds_are_refused_beside_it(more: dict[str, Any]) -> None:
    assert "remove objective.guardrails and queryClasses" in _problems({"objective": more})


def test_pairs_need_none() -> None:
    assert "pairs are answers to the same question" in _problems(_objective(evidence="Pairs"))


def test_two_ways_to_learn_before_are_refused() -> None:
    assert "remove learnSeconds" in _problems({}, learnSeconds=600)


def test_a_stage_that_leaves_no_time_is_refused() -> None:
    assert "leaves time before deadlineSeconds" in _problems({}, aaSeconds=3600, deadlineSeconds=3600)
