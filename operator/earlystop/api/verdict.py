"""The EarlyStopVerdict: an immutable record of one decision, from which anyone can recompute it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.look_table import WithLooks
from earlystop.api.searches import MOST_TOGETHER
from earlystop.api.status.guard import RecordedGuard
from earlystop.api.status.policy import MarginStatus, NamedLogE, RiskStatus, Uncertain
from earlystop.api.status.search import RecordedSearch
from earlystop.api.values import SettingName, Text64, Text1024, Value, rules

LARGEST_DISPERSION = 1e9
"""Far beyond any that answers could show; what is divided by more vanishes in rounding."""
Digest = Annotated[str, Field(max_length=80, pattern=r"^(sha256:[0-9a-f]{64})?$")]


class SettingPair(Value):
    """A parameter before and after the decision."""

    name: SettingName = Field(description="Name of the parameter.")
    before: Text64 | None = Field(None, description="Value of the baseline. Absent: it leaves the value to clients.")
    after: Text64 | None = Field(None, description="Value in force after the decision. Absent: it is left to clients.")


class RecordedLogE(Value):
    """Natural logarithms of the largest e-values reached, as decimal text."""

    promote: Text64 = Field(
        description="That the candidate loses less EM than the margin: ln(e-value), proven at ln(1/risk)."
    )
    harm: Text64 = Field(description="That it loses more EM than the margin: ln(e-value).")
    tokens: Text64 = Field(description="That it saves at least tokens.minimumSaving: ln(e-value).")
    sample_ratio: Text64 = Field(description="That requests are not split as the weights say: ln(e-value).")
    attrition: Text64 | None = Field(
        None, description="Evidence that more is missing in one variant. Absent: there is none, or nobody compared it."
    )
    others: Annotated[tuple[NamedLogE, ...], Field(max_length=32)] = Field(
        (), description="Evidence of the floor, the guardrails and the query classes."
    )


class OtherCandidate(WithLooks):
    """A candidate that was judged together with the one that the decision is about."""

    candidate: SettingName = Field(description="Name of the candidate.")
    dropped_at_step: int | None = Field(
        None,
        ge=0,
        description="The last step in which it had requests, if dropped, as its counters' label says it, from 0.",
    )
    reason: Text64 | None = Field(None, description="Why it was dropped, in one word.")
    log_e: RecordedLogE = Field(description="The largest e-values that it reached.")
    effect: Text1024 = Field(description="Its EM minus the baseline's, in points, with its interval.")
    saving: Text1024 = Field(description="Share of the tokens that it saved, with its interval.")


class ClassRecord(WithLooks):
    """What was counted of one candidate in one query class. Its looks have no columns of classes."""

    query_class: SettingName = Field(description="Name of the class.")
    candidate: SettingName = Field(description="Name of the candidate.")
    effect: Text1024 = Field(description="Its EM minus the baseline's in the class, in points, with its interval.")
    saving: Text1024 = Field(description="Share of the tokens that it saved in the class, with its interval.")


class ClassMapEntry(Value):
    """Which candidate a query class gets."""

    query_class: SettingName = Field(description="Name of the class.")
    candidate: SettingName = Field(description="Name of the candidate.")


class VerdictSpec(WithLooks):
    """One decision with everything that it used."""

    model_config = rules({"rule": "self == oldSelf", "message": "a verdict is never changed"})

    policy: Text1024 = Field(description="Name of the policy.")
    policy_uid: Text64 = Field(description="UID of the policy.")
    campaign: int = Field(ge=1, le=1_000_000, description="Which campaign of the policy, from 1.")
    revision: Text64 = Field(description="The revision label under which the evidence was counted.")
    entropy: Text64 | None = Field(
        None,
        description="Random text that the revision is made from. Absent: written by an earlier release.",
    )
    decision: Literal["Promote", "RollBack", "Inconclusive", "Recommend"] = Field(description="What was decided.")
    reason: Text64 = Field(description="Why, in one word.")
    message: Text1024 = Field(description="Why, in a sentence.")
    at: Text64 = Field(description="When the decision was taken, RFC 3339 in UTC.")
    candidate: SettingName = Field(description="Name of the candidate that the decision is about.")
    settings: tuple[SettingPair, ...] = Field(max_length=8, description="Each parameter before and after the decision.")
    plan: Annotated[str, Field(max_length=32_768)] = Field(
        description="The judged part of the policy as canonical JSON: parameters, values, steps, delivery, metrics, "
        "objective."
    )
    log_e: RecordedLogE = Field(description="The largest e-values that were reached, on which it was decided.")
    risk: RiskStatus | None = Field(
        None, description="What the campaign spent of the risks of error. Absent: written by an earlier release."
    )
    margin: MarginStatus | None = Field(
        None, description="How much of the margin is spent and left. Absent: the policy pins no baseline."
    )
    dispersion: Text64 = Field(
        "",
        description="How much the baseline's answers scatter, 1 as independent ones do: divides evidence.",
    )
    effect: Text1024 = Field(description="EM of the candidate minus the baseline's, in points, with its interval.")
    saving: Text1024 = Field(description="Tokens saved, in percent of the baseline's, with its interval.")
    columns: tuple[Text64, ...] = Field(
        default_factory=tuple,
        max_length=102,
        description="In records of earlier releases: names of the columns of looks. Else the first line of lookTable "
        "has them; step is the counters' label, from 0.",
    )
    number_of_looks: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="How many looks of the candidate were evidence. Absent: written by an earlier release.",
    )
    others: tuple[OtherCandidate, ...] = Field(
        (), max_length=MOST_TOGETHER - 1, description="Candidates that were judged together."
    )
    classes: tuple[ClassRecord, ...] | None = Field(
        None, max_length=48, description="Each candidate in each query class, with objective.perClass."
    )
    class_map: tuple[ClassMapEntry, ...] | None = Field(
        None, max_length=10, description="Which candidate each query class gets. Absent: the decision is no map."
    )
    uncertain: Uncertain | None = Field(
        None, description="How many more events than in looks there may have been, as the counters of others show them."
    )
    requested_by: Text1024 | None = Field(
        None, description="Who asked for this decision, as the policy says it. Absent: the evidence or a deadline did."
    )
    search: RecordedSearch | None = Field(
        None, description="What the proposer of this trial was told. Absent: the campaign is no trial of a search."
    )
    guard: RecordedGuard | None = Field(
        None, description="What the guard's alarm was decided on. Absent: no guard decided this."
    )
    approved_by: tuple[Text1024, ...] = Field((), max_length=8, description="Users who approved the promotion.")
    rejected_by: Text1024 | None = Field(None, description="Who rejected the promotion. Absent: nobody did.")
    proposal_digest: Digest | None = Field(
        None, description="Digest of the decision that people were asked about. Absent: nobody was asked."
    )
    previous: Digest = Field("", description="Digest of the policy's verdict before this one; empty for the first.")
    digest: Digest = Field(description="sha256 of this record as canonical JSON without this field.")

    @property
    def learned_dispersion(self) -> float | None:
        """`dispersion` as a number, None where there is none. Raises ValueError for what divides no evidence."""
        if not self.dispersion:
            return None
        factor = float(self.dispersion)
        if not 0 < factor <= LARGEST_DISPERSION:
            raise ValueError(f"dispersion {self.dispersion} is no number by which evidence can be divided")
        return factor
