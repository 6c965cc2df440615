"""Settings that servers read themselves, of which each user keeps a variant: steps by weights, evidence by users."""

from __future__ import annotations

import pytest

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.rollout.dispersion_terms import dispersion_source
from earlystop.rollout.plan import stages_of
from earlystop.rollout.plan_objective import objective_of
from tests.unit.rollout.policies import policy

MODES = {"ConfigMap": ("configMap", {"name": "qa-settings"}), "FeatureFlag": ("featureFlag", {"name": "qa-flags"})}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("drawn_by", ["Request", "User"])
def test_weights_are_those_of_steps_whatever_is_drawn_and_shares_of_requests_are_judged_only_where_requests_are_drawn(
    mode: str, drawn_by: str
) -> None:
    field, settings = MODES[mode]
    delivery = {"mode": mode, "gatewayHeader": None, field: {**settings, "drawnBy": drawn_by}}
    spec = policy({"delivery": delivery, "objective": {"exactMatch": {"assumeIndependent": None}}})
    assert [stage.weight for stage in stages_of(spec)] == [step.weight for step in spec.rollout.steps]
    objective = objective_of(spec)
    assert objective.split_known == (drawn_by == "Request")
    by_users = dispersion_source(spec) is DispersionSource.USERS
    assert by_users == (drawn_by == "User") == (objective.source is DispersionSource.USERS)
