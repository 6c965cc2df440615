"""Mode RequestBody with `cohort` is judged as mode HeaderCohort is, and by no weights."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.rollout.plan import parse_plan, plan_text, stages_of, variant_labels
from earlystop.rollout.plan_objective import objective_of
from tests.unit.delivery.cluster import COHORTS_IN_BODIES, spec_in


@pytest.mark.parametrize("candidates", [1, 2])
def test_its_stages_labels_and_expected_split_are_those_of_cohorts_by_a_header(candidates: int) -> None:
    in_bodies, by_header = spec_in(COHORTS_IN_BODIES, candidates), spec_in("HeaderCohort", candidates)
    assert stages_of(in_bodies) == stages_of(by_header) != ()
    assert variant_labels(in_bodies) == variant_labels(by_header) == ("w10", "w5")[:candidates]
    assert objective_of(in_bodies).split_known is objective_of(by_header).split_known is False
    traits, plain = in_bodies.delivery.traits, spec_in("RequestBody").delivery.traits
    assert traits.same_users and traits.through_injector and not traits.by_weights
    assert plain.by_weights and not plain.same_users


def test_its_plan_is_read_back_and_an_edit_of_its_cohorts_begins_another_campaign() -> None:
    spec = spec_in(COHORTS_IN_BODIES)
    assert parse_plan(plan_text(spec)).spec.delivery == spec.delivery
    told: dict[str, Any] = spec.delivery.wire()
    told["requestBody"]["cohort"]["cohorts"][1]["values"] = ["c"]
    edited = spec.model_copy(update={"delivery": type(spec.delivery).model_validate(told)})
    assert plan_text(edited) != plan_text(spec)
