"""What a policy's status says of counts and evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.counts import TALLY_FIELDS, Tally
from earlystop.api.values import Count, Text128, Value


class ArmCounts(Value):
    """Evidence of one variant in this campaign."""

    scored: Count = Field(0, description="Answers scored for EM.")
    match: Count = Field(0, description="Answers that matched exactly.")
    completed: Count = Field(0, description="Requests completed.")
    failed: Count = Field(0, description="Requests failed.")
    tokens: Count = Field(0, description="Output tokens of completed requests.")


class Counts(Value):
    """Evidence of both variants in this campaign."""

    baseline: ArmCounts = Field(description="The setting in use.")
    candidate: ArmCounts = Field(description="The setting being tried.")


class Remainder(Value):
    """How many more events of one variant there may have been, by count; what is not named has none."""

    started: Count | None = Field(None, description="Requests that arrived.")
    completed: Count | None = Field(None, description="Requests completed.")
    failed: Count | None = Field(None, description="Requests failed.")
    match: Count | None = Field(None, description="Answers that matched exactly.")
    mismatch: Count | None = Field(None, description="Answers that did not match.")
    unscored: Count | None = Field(None, description="Answers that could not be scored.")
    tokens: Count | None = Field(None, description="Output tokens.")
    tokens_squared: Count | None = Field(None, description="Sum of their squares.")
    feedback_up: Count | None = Field(None, description="Answers that users liked.")
    feedback_down: Count | None = Field(None, description="Answers that users disliked.")
    pairs_both: Count | None = Field(None, description="Questions that both variants answered right.")
    pairs_baseline_only: Count | None = Field(None, description="Questions that the baseline alone got right.")
    pairs_candidate_only: Count | None = Field(None, description="Questions that the candidate alone got right.")
    pairs_neither: Count | None = Field(None, description="Questions that neither got right.")
    empty: Count | None = Field(None, description="Answers that were empty.")
    cut: Count | None = Field(None, description="Answers that were cut off at a limit of tokens.")
    pairs_whole: Count | None = Field(
        None, description="Questions of which both variants' answers came and could be scored."
    )
    pairs_without_baseline_right: Count | None = Field(
        None, description="Questions of which the baseline's answer is missing and the candidate's is right."
    )
    pairs_without_baseline_wrong: Count | None = Field(
        None, description="Questions of which the baseline's answer is missing and the candidate's is wrong."
    )
    pairs_without_candidate_right: Count | None = Field(
        None, description="Questions of which the candidate's answer is missing and the baseline's is right."
    )
    pairs_without_candidate_wrong: Count | None = Field(
        None, description="Questions of which the candidate's answer is missing and the baseline's is wrong."
    )

    @classmethod
    def of(cls, tally: Tally) -> Remainder:
        """The counts of a tally that are not 0."""
        return cls(**{name: count for name, count in zip(TALLY_FIELDS, tally.row(), strict=True) if count})

    def tally(self) -> Tally:
        """Inverse of `of`."""
        return Tally(**self.model_dump(exclude_none=True))


class Uncertain(Value):
    """Events that may be missing from the counts: a counter of others was not seen to begin or to restart."""

    baseline: Remainder = Field(default_factory=Remainder, description="The setting in use.")
    candidate: Remainder = Field(default_factory=Remainder, description="The setting being tried.")


class NamedLogE(Value):
    """The evidence for one more claim: of the floor, a guardrail or a query class."""

    name: Text128 = Field(description="Name of the claim: floor, guardrail/NAME, class/NAME or certificate/NAME.")
    value: Text128 = Field(description="Natural logarithm of the e-value as text.")


class LogEText(Value):
    """Natural logarithms of e-values as text; a decision needs ln(1/risk)."""

    promote: Text128 = Field(description="That the candidate loses less EM than the margin.")
    harm: Text128 = Field(description="That it loses more.")
    tokens: Text128 = Field(description="That it saves the required tokens.")
    sample_ratio: Text128 = Field(description="That traffic is not split as the weights say.")
    attrition: Text128 | None = Field(
        None, description="That one variant lacks more answers than the other. Absent: none are missing."
    )
    others: Annotated[tuple[NamedLogE, ...], Field(max_length=32, json_schema_extra={"x-list-map-key": "name"})] = (
        Field((), description="That the floor, a guardrail or a query class is violated, or is proven to hold.")
    )


class EvidenceText(Value):
    """The evidence of this campaign in words that a table can show."""

    looks: Count | None = Field(None, description="Looks that were evidence. Absent: in internal.rest.")
    log_e: LogEText | None = Field(
        None, description="E-values now, after the last look; they rise and fall. Absent: in internal.rest."
    )
    largest_log_e: LogEText | None = Field(
        None, description="The largest e-values so far: claims are decided on these, and verdicts record them as logE."
    )
    effect: Text128 = Field(
        description="EM of the candidate minus the baseline's, with an interval valid at any time. At a verdict the "
        "first number flatters it, since a verdict comes when evidence is at its most favourable: go by the interval."
    )
    saving: Text128 = Field(description="Share of the tokens saved, with an interval valid at any time.")
