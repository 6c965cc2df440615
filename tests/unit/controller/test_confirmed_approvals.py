"""Approvals are confirmed at the API server while watches go on."""

from __future__ import annotations

from typing import Any

from earlystop.controller.approvals import Approvals
from earlystop.controller.cluster import Manifest
from earlystop.rollout.waiting.approval import Asked
from tests.unit.controller.memory import Memory

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
APPROVAL: Manifest = {
    "apiVersion": "earlystop.dev/v1alpha1",
    "kind": "EarlyStopApproval",
    "metadata": {"name": "x", "namespace": "llm", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {"policy": "qa", "policyUid": "u", "decisionDigest": DIGEST, "answer": "Approve", "by": "ben"},
}


async def test_an_approval_that_a_watch_shows_deleted_while_it_is_confirmed_counts_no_more() -> None:
    class Deleting(Memory):
        async def get(self, *_: Any) -> Manifest | None:
            approvals.deleted(APPROVAL)
            return None

    asks = Asked(uid="u", digest=DIGEST, since=0, until=2**40)
    approvals = Approvals(Deleting(), lambda _: asks, lambda _: None, lambda: 0.0)
    approvals.shown(APPROVAL)
    assert await approvals.confirmed(("llm", "qa")) == ()


def approval(name: str, by: str, *, digest: str = DIGEST, second: int = 0) -> Manifest:
    metadata = APPROVAL["metadata"] | {"name": name, "uid": name, "creationTimestamp": f"2026-01-01T00:00:{second:02}Z"}
    return APPROVAL | {"metadata": metadata, "spec": APPROVAL["spec"] | {"by": by, "decisionDigest": digest}}


async def test_of_whoever_floods_a_decision_with_approvals_only_what_counts_is_asked_for() -> None:
    asked_for: list[str] = []
    stored = {f"flood-{each:04}": approval(f"flood-{each:04}", "eve", second=1) for each in range(2000)}
    others = [approval(f"old-{each}", "ben", digest=OTHER_DIGEST) for each in range(50)]
    others.append(approval("ben-1", "ben", second=2))
    stored |= {each["metadata"]["name"]: each for each in others}
    gone = {"flood-0000", "flood-0001"}

    class Recording(Memory):
        async def get(self, *words: Any) -> Manifest | None:
            asked_for.append(words[2])
            return None if words[2] in gone else stored[words[2]]

    asks = Asked(uid="u", digest=DIGEST, since=0, until=2**40)
    approvals = Approvals(Recording(), lambda _: asks, lambda _: None, lambda: 0.0)
    for each in stored.values():
        approvals.shown(each)
    given = await approvals.confirmed(("llm", "qa"))
    assert asked_for == ["ben-1", "flood-0000", "flood-0001", "flood-0002"]
    assert len(given) == len(stored) - len(gone)
