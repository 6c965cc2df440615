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


def test_a_change_of_one_interned_spec_leaves_the_fields_that_others_were_written_with() -> None:
    one, other = interned_spec(policy()), interned_spec(policy())
    suspended = one.model_copy(update={"suspend": True})
    assert one.model_fields_set == other.model_fields_set and "suspend" not in other.model_fields_set
    assert suspended.model_fields_set - other.model_fields_set == {"suspend"}


def test_the_names_of_written_fields_take_no_room_of_their_own_in_parts_that_differ() -> None:
    one, other = (interned_spec(policy({"targetRef": {"kind": "Deployment", "name": name}})) for name in ("one", "two"))
    assert one.target_ref.model_fields_set == {"kind", "name"}
    assert one.target_ref.__pydantic_fields_set__ is other.target_ref.__pydantic_fields_set__
