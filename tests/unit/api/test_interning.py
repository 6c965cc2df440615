"""Specs that share their equal parts are still the specs that were written."""

from __future__ import annotations

from earlystop.api.interning import interned_spec
from tests.unit.rollout.policies import policy


def test_a_spec_that_shares_its_parts_equals_the_one_that_was_written() -> None:
    spec = policy()
    assert interned_spec(spec) == spec and interned_spec(spec).model_dump_json() == spec.model_dump_json()


def test_equal_parts_of_two_specs_are_one_object_and_others_stay_apart() -> None:
    one = interned_spec(policy({"targetRef": {"kind": "Deployment", "name": "one"}}))
    other = interned_spec(policy({"targetRef": {"kind": "Deployment", "name": "other"}}))
    assert one.objective is other.objective and one.parameters is other.parameters
    assert (one.target_ref.name, other.target_ref.name) == ("one", "other")
