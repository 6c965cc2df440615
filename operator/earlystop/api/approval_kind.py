"""The EarlyStopApproval: a person's answer to one decision that waits. It is never changed.

Whose answer it is, and that this person may give one, the API server checks (ValidatingAdmissionPolicy `…-approvals`);
whether it is about the decision that waits, the operator checks too, and says so in its conditions.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.status.policy import StoredCondition
from earlystop.api.values import ObjectName, Value, rules

COUNTED = "Counted"
"""The condition of an approval: whether it is an answer to the decision of its policy that waits, or waited."""


class ApprovalSpec(Value):
    """Which decision is approved or rejected, and by whom."""

    model_config = rules(
        {"rule": "self == oldSelf", "message": "an approval is never changed; create another one for another decision"}
    )

    policy: ObjectName = Field(description="Name of a policy in the approval's namespace.")
    policy_uid: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="UID of that policy.")
    decision_digest: Annotated[str, Field(max_length=71, pattern=r"^sha256:[0-9a-f]{64}$")] = Field(
        description="Digest of the decision that waits, as the policy's status.awaiting.digest has it."
    )
    answer: Literal["Approve", "Reject"] = Field(
        description="Approve: the decision is carried out. Reject: the candidate gets no more requests."
    )
    by: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        description="Who answers: their own user name, as `kubectl auth whoami` says it."
    )
    comment: Annotated[str, Field(max_length=256)] = Field("", description="Why, for the record.")


class ApprovalStatus(Value):
    """What became of an approval."""

    conditions: (
        Annotated[tuple[StoredCondition, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "type"})] | None
    ) = Field(None, description="Counted: whether it is an answer to the policy's decision, and if not, why.")
