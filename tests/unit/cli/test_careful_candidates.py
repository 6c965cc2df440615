"""`validate` notes candidates that stop later than the baseline, by what the policy says of its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.cli.files.careful_candidates import careful_notes
from tests.unit.cli.capped_policy import manifest


def with_candidate(value: str, **changes: Any) -> dict[str, Any]:
    """A policy whose baseline has the cap 4096."""
    policy = manifest(None)
    policy["spec"]["candidates"] = [{"name": "tried", "values": [{"name": "cap", "value": value}]}]
    policy["spec"]["parameters"][0] |= changes
    return policy


def test_a_candidate_that_stops_later_than_the_baseline_is_noted_with_what_to_write() -> None:
    (note,) = careful_notes(with_candidate("8192"))
    assert note.startswith("spec.candidates[0]: tried stops later than the baseline (cap 8192 in place of 4096")
    assert "stopsSooner: WhenLower" in note and note.endswith("write a bolder value, or turn stopsSooner round.")
    (turned,) = careful_notes(with_candidate("512", stopsSooner="WhenHigher"))
    assert "stopsSooner: WhenHigher" in turned


@pytest.mark.parametrize("policy", [with_candidate("512"), manifest(None, baseline=None), {"spec": 7}])
def test_a_bolder_candidate_one_beside_an_unknown_baseline_and_a_malformed_policy_have_no_note(
    policy: dict[str, Any],
) -> None:
    assert not list(careful_notes(policy))


def test_a_candidate_that_is_bolder_in_one_parameter_may_be_more_careful_in_another() -> None:
    policy = with_candidate("8192")
    policy["spec"]["parameters"].append(
        {"name": "budget", "type": "Integer", "minimum": "1", "maximum": "8192", "stopsSooner": "WhenLower"}
    )
    policy["spec"]["baseline"]["values"].append({"name": "budget", "value": "1024"})
    policy["spec"]["candidates"][0]["values"].append({"name": "budget", "value": "256"})
    assert not list(careful_notes(policy))
