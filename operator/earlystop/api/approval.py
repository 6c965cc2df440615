"""The part of a policy that says which decisions wait for people. It is live: an edit changes nothing of the evidence.

Who may approve, RBAC decides (verb `approve` on earlystoppolicies); the same right is needed to change this part, or to
weaken what else protects people, once a policy has it, as the API server checks (ValidatingAdmissionPolicy
`…-approval-terms`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from earlystop.api.values import Value

Mode = Literal["Never", "BeforePromotion", "WhenBelowFloor", "Always"]


class Approval(Value):
    """When a person must agree."""

    mode: Mode = Field(
        "Never",
        description="Which decisions wait for an EarlyStopApproval, of which one is enough. Never: none. "
        "BeforePromotion: each promotion, "
        "whether the evidence or a person asks for it. WhenBelowFloor: a promotion while the candidate's Exact Match "
        "counted so far is below exactMatch.floor, or nothing is counted. Always: each promotion, and the report of "
        "delivery.mode Shadow. Rollbacks never wait.",
    )
    expires_seconds: int = Field(
        86_400,
        ge=60,
        le=2_592_000,
        description="How long a decision waits. Then the campaign ends without a promotion, as rollout.onInconclusive "
        "says; a promotion that a person asked for is dropped, and the campaign goes on.",
    )
    not_by_author: bool = Field(
        False,
        description="True lets nobody approve a change of their own: neither whoever last changed what the policy "
        "tries and proves (annotation earlystop.dev/changed-by, whose name the API server checks) nor whoever asked "
        "for the promotion. Where the author is not known, no approval counts.",
    )
