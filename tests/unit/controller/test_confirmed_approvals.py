"""Approvals are confirmed at the API server while watches go on."""

from __future__ import annotations

from typing import Any

from earlystop.controller.approvals import Approvals
from earlystop.controller.cluster import Manifest
from earlystop.rollout.waiting.approval import Asked
from tests.unit.controller.memory import Memory

DIGEST = "sha256:" + "a" * 64
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
