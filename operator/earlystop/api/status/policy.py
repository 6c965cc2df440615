"""The status of an EarlyStopPolicy: everything that a restarted operator needs, and what people read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from earlystop.api.savings import SavingsStatus
from earlystop.api.searches import MOST_TOGETHER
from earlystop.api.status.awaiting import AwaitingStatus
from earlystop.api.status.certificate import CertifiedSetting
from earlystop.api.status.compact import whole
from earlystop.api.status.evidence import ArmCounts as ArmCounts
from earlystop.api.status.evidence import Counts as Counts
from earlystop.api.status.evidence import EvidenceText as EvidenceText
from earlystop.api.status.evidence import LogEText as LogEText
from earlystop.api.status.evidence import NamedLogE as NamedLogE
from earlystop.api.status.evidence import Remainder as Remainder
from earlystop.api.status.evidence import Uncertain as Uncertain
from earlystop.api.status.gate import GatesStatus, StepGatesStatus
from earlystop.api.status.guard import GuardStatus
from earlystop.api.status.handled_requests import HandledRequests
from earlystop.api.status.hook import HooksStatus
from earlystop.api.status.packed import Former, Internal, with_internal
from earlystop.api.status.risk import MarginStatus as MarginStatus
from earlystop.api.status.risk import ProvenLossStatus as ProvenLossStatus
from earlystop.api.status.risk import RiskStatus as RiskStatus
from earlystop.api.status.search import SearchStatus
from earlystop.api.values import Count, ObjectName, Text128, Text2048, Timestamp, Value


class CandidateStatus(Value):
    """One of several candidates that are judged together."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_name(cls, stored: Any) -> Any:
        """A status that an earlier release wrote calls the state `standing`."""
        if isinstance(stored, dict) and "standing" in stored:
            return {"state" if name == "standing" else name: value for name, value in stored.items()}
        return stored

    name: Text128 = Field(description="Name of the candidate.")
    # Not required: the API server takes the former name out of what it has stored, and spec edits must go on meanwhile.
    state: Literal["Trying", "Certified", "Dropped"] | None = Field(
        None,
        description="Certified: all that a promotion needs is proven. Dropped: proven to be harmful; no requests.",
    )
    weight: Annotated[int, Field(ge=0, le=100)] = Field(description="Percent of traffic that it shall have now.")
    since: Timestamp | None = Field(None, description="When it was proven or dropped.")
    reason: Text128 | None = Field(None, description="Why it was dropped, in one word.")
    message: Text2048 | None = Field(None, description="Why it was dropped, in a sentence.")
    dropped_at_step: Count | None = Field(
        None,
        description="Number of the last step in which it had requests, from 0, as in the label step of its counters.",
    )
    counts: Counts = Field(description="Evidence so far, of the baseline and of this candidate.")
    evidence: EvidenceText | None = Field(None, description="What the evidence says so far.")


Candidates = Annotated[
    tuple[CandidateStatus, ...], Field(max_length=MOST_TOGETHER, json_schema_extra={"x-list-map-key": "name"})
]


class AttemptsStatus(Value):
    """How many campaigns of a candidate have spent risk."""

    candidate: Text128 = Field(description="Digest of the candidate's values and of risk.campaigns.")
    campaigns: Annotated[int, Field(ge=1, le=100)] = Field(description="Campaigns with evidence.")


AttemptsList = Annotated[
    tuple[AttemptsStatus, ...], Field(max_length=16, json_schema_extra={"x-list-map-key": "candidate"})
]


class DecisionStatus(Value):
    """The decision of this campaign, durable before anything acts on it."""

    verdict: Literal["Promote", "RollBack", "Inconclusive", "Recommend"] = Field(description="What was decided.")
    candidate: Text128 | None = Field(None, description="The candidate that it is about, where there are several.")
    reason: Text128 = Field(description="Why, in one word.")
    message: Text2048 = Field(description="Why, in a sentence.")
    name: ObjectName = Field(description="Name of the EarlyStopVerdict.")
    digest: Text128 = Field(description="Digest of the EarlyStopVerdict.")
    number: Annotated[int, Field(ge=1, le=24)] | None = Field(
        None,
        description="Which decision of this campaign: a person or a guard may change the first. Absent: the first.",
    )
    requested_by: Text2048 | None = Field(None, description="Who asked for it. Absent: the evidence or a deadline did.")
    at: Timestamp = Field(description="When.")
    proposal_digest: Text128 | None = Field(
        None, description="Digest of the proposal that people answered. Absent: nobody was asked."
    )
    approved_by: Annotated[tuple[Text2048, ...], Field(max_length=8)] | None = Field(None, description="Who agreed.")
    rejected_by: Text2048 | None = Field(None, description="Who rejected the promotion.")
    looks_as_text: bool | None = Field(
        None,
        description="Whether its verdict has looks as text. Absent: as rows of numbers, by an earlier release.",
    )
    guard_looks_as_text: bool | None = Field(
        None, description="The same of a guard's looks. Absent: as rows, or no guard decided it."
    )


class UnstoredDecision(Value):
    """A decision that another one of its campaign followed before its verdict was known to be stored."""

    decision: DecisionStatus = Field(description="The decision.")
    previous_digest: Text128 = Field(description="Digest of the verdict before its own.")
    guard: GuardStatus | None = Field(None, description="What its verdict says of a guard. Absent: nothing.")


class StoredCondition(Value):
    """A condition as Kubernetes knows it."""

    type: Annotated[str, Field(max_length=64)] = Field(description="Which statement.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: int | None = Field(None, ge=0, description="Generation of the spec that was looked at.")
    last_transition_time: Timestamp = Field(description="When status changed last.")
    reason: Annotated[str, Field(max_length=128)] = Field(description="Why, in one word.")
    message: Annotated[str, Field(max_length=2048)] = Field("", description="Why, and what to do.")


class PolicyStatus(Value):
    """What the operator knows and does about a policy."""

    observed_generation: int | None = Field(None, ge=0, description="Generation of the spec that was acted on.")
    phase: Text128 | None = Field(
        None,
        description="Where the rollout stands, in one word. Pending: nothing is tried yet. Applying: weights are put "
        "in force. Settling: older requests finish first. Observing: looks are evidence. Choosing: between two trials "
        "of a search. Suspended. Promoting, RollingBack, Holding, Reporting: a decision is carried out. Promoted, "
        "RolledBack, Held (nothing was decided, and weights stay), Reported (a recommendation): it is.",
    )
    campaign: Count | None = Field(
        None,
        description="Number of the campaign, from 1: one run of the policy up to a verdict. An edit of what is "
        "judged, or a retry, begins the next.",
    )
    revision: Text128 | None = Field(None, description="Label of this campaign in headers and metrics.")
    entropy: Text128 | None = Field(None, description="Random text that the revision is made from.")
    candidate: Text128 | None = Field(None, description="Name of the candidate being tried, or of the foremost one.")
    plan: Annotated[str, Field(max_length=32_768)] | None = Field(
        None, description="The part of the spec that this campaign judges, as canonical JSON."
    )
    step: Count | None = Field(
        None,
        description="Number of the current step, from 0, as in the label step of its counters; progress counts from 1.",
    )
    progress: Text128 | None = Field(
        None,
        description='The current step and the number of steps, "1/3" in the first of three; "1" where nobody '
        "knows how many there will be, since each candidate that is dropped begins one.",
    )
    weight: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="Percent of traffic that is to have a setting other than the baseline's now."
    )
    variant: Text128 | None = Field(None, description="The setting that most requests get.")
    campaign_started_at: Timestamp | None = Field(None, description="When this campaign began.")
    step_started_at: Timestamp | None = Field(None, description="When this step's weights were seen in force.")
    evidence_from: Timestamp | None = Field(
        None, description="Moment of the snapshot that this step's evidence starts from."
    )
    last_look_at: Timestamp | None = Field(None, description="Moment of the last look that is stored here.")
    next_look_at: Timestamp | None = Field(None, description="Moment of the look after that.")
    in_flight: Count | None = Field(
        None,
        description="Requests of this step that are in flight while it waits for their answers, or that were when its "
        "wait was over without them. Absent: none that are waited for.",
    )
    interrupted: bool | None = Field(
        None,
        description="Whether this step was in force before, so that its counters hold older requests: evidence waits "
        "for the answers to newer ones. Absent once these are told apart.",
    )
    suspended_at: Timestamp | None = Field(None, description="Since when the policy is suspended.")
    metrics_lost_at: Timestamp | None = Field(None, description="Since when counts cannot be read.")
    counts: Counts | None = Field(None, description="Evidence so far.")
    uncertain: Uncertain | None = Field(
        None,
        description="How many more events than in counts there may have been, with the preset Custom: growth of a "
        "counter that cannot be placed for certain is not counted. Absent: none.",
    )
    evidence: EvidenceText | None = Field(None, description="What the evidence says so far.")
    candidates: Candidates | None = Field(
        None,
        description="Each candidate, where several are judged together; counts and evidence above are of the foremost.",
    )
    dispersion: Text128 | None = Field(
        None, description="How much more the baseline's answers scatter than independent ones; evidence counts less."
    )
    decision: DecisionStatus | None = Field(None, description="The decision of this campaign.")
    risk: RiskStatus | None = Field(
        None, description="What this campaign spends of the risks of error. Absent: a campaign of an earlier release."
    )
    attempts: AttemptsList | None = Field(
        None, description="Campaigns before this one that spent risk, by candidate, the latest first."
    )
    margin: MarginStatus | None = Field(
        None, description="How much of the margin is spent and left. Absent: the policy pins no baseline."
    )
    losses: Annotated[tuple[ProvenLossStatus, ...], Field(max_length=16)] | None = Field(
        None, description="Settings that were proven since a pinned baseline, the latest first."
    )
    previous_digest: Text128 | None = Field(None, description="Digest of the verdict before this campaign's.")
    certified: CertifiedSetting | None = Field(None, description="The setting that was proven last.")
    handled_requests: HandledRequests | None = Field(
        None, description="The latest request of each verb that the operator has dealt with."
    )
    search: SearchStatus | None = Field(
        None, description="Where the search stands of which this campaign is a trial. Absent: it is none."
    )
    gates: GatesStatus | None = Field(None, description="Gates that a promotion waits for. Absent: none were asked.")
    step_gates: StepGatesStatus | None = Field(
        None, description="Gates before a step. Absent: none were asked in this campaign."
    )
    hooks: HooksStatus | None = Field(None, description="What there is to tell. Absent: the policy never had hooks.")
    awaiting: AwaitingStatus | None = Field(None, description="A decision that waits for people. Absent: none does.")
    savings: SavingsStatus | None = Field(None, description="Tokens of all campaigns. Absent: none were counted.")
    guard: GuardStatus | None = Field(None, description="What watches over the promotion, or did. Absent: nothing.")
    guard_steps: Count | None = Field(None, description="Steps that guards of this campaign have had. Absent: none.")
    unstored: Annotated[tuple[UnstoredDecision, ...], Field(max_length=4)] | None = Field(
        None, description="Decisions of this campaign whose verdicts are stored before the latest. Absent: none."
    )
    conditions: (
        Annotated[tuple[StoredCondition, ...], Field(max_length=24, json_schema_extra={"x-list-map-key": "type"})]
        | None
    ) = Field(None, description="Statements about the policy, each with its reason.")
    ledger: Former = None
    mark: Former = None
    scatter: Former = None
    looks: Former = None
    class_looks: Former = None
    class_mark: Former = None
    internal: Internal | None = Field(None, description="What the operator goes on from, packed; not for people.")

    @model_validator(mode="before")
    @classmethod
    def _read_former_layout(cls, stored: Any) -> Any:
        return with_internal(whole(stored)) if isinstance(stored, dict) else stored
