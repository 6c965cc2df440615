"""The EarlyStopProposal: a setting that somebody asks a search of strategy External to try. It moves no traffic itself.

Who may write one, RBAC decides; the API server admits none in another's name (ValidatingAdmissionPolicy `…-proposers`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.policy import Setting
from earlystop.api.status.policy import StoredCondition
from earlystop.api.values import ObjectName, Value, rules

ACCEPTED, TRIED = "Accepted", "Tried"
"""The conditions of a proposal: whether it waits for a trial or had one, and what came of that."""

Proposer = Annotated[str, Field(min_length=1, max_length=253)]


class PolicyReference(Value):
    """The policy whose search is asked."""

    name: ObjectName = Field(description="Name of a policy in the proposal's namespace.")


class ProposalSpec(Value):
    """A setting to try, and who proposes it."""

    model_config = rules(
        {"rule": "self == oldSelf", "message": "a proposal is never changed; create another one, and delete this one"}
    )

    policy_ref: PolicyReference = Field(description="The policy whose search is asked.")
    proposer: Proposer = Field(
        description="Who proposes: their own user name, as `kubectl auth whoami` says it. Each proposer has a share of "
        "the search's risk that no other can spend."
    )
    values: Annotated[
        tuple[Setting, ...], Field(min_length=1, max_length=8, json_schema_extra={"x-list-map-key": "name"})
    ] = Field(description="Values to try, of parameters that the search names; others keep the baseline's.")


class ProposalStatus(Value):
    """What became of a proposal."""

    conditions: (
        Annotated[tuple[StoredCondition, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "type"})] | None
    ) = Field(None, description="Accepted: whether it waits for a trial, or had one. Tried: what came of the trial.")
