"""What is said of a policy that was deleted while its object is still there."""

from __future__ import annotations

from earlystop.controller.memory.policy_snapshot import PolicySnapshot
from earlystop.rollout.words.deletion import deletion_message
from tests.unit.controller.tracked_policies import manifest


def message(**metadata: object) -> str:
    stored = manifest()
    return deletion_message(PolicySnapshot.of({**stored, "metadata": {**stored["metadata"], **metadata}}).held_by)


def test_it_names_the_finalizers_where_there_are_some_and_is_a_sentence_where_there_is_none() -> None:
    deleted = "2026-01-01T00:00:00Z"
    one = message(deletionTimestamp=deleted, finalizers=["example.com/audit"])
    two = message(deletionTimestamp=deleted, finalizers=["example.com/audit", "example.com/bill"])
    none = message(deletionTimestamp=deleted)
    assert one.startswith("The policy was deleted, and the finalizer example.com/audit keeps its object. ")
    assert two.startswith("The policy was deleted, and the finalizers example.com/audit, example.com/bill keep its")
    assert none.startswith("The policy was deleted, and its object is still there. Its campaign ends")
