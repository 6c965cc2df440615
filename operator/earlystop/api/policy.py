"""The EarlyStopPolicy: what a team writes to have a stop setting tried, judged and kept or dropped."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.delivery import Delivery
from earlystop.api.objective import Objective
from earlystop.api.parameters import Parameter
from earlystop.api.policy_rules import RULES
from earlystop.api.presets import DEFAULT_PRESET, PRESETS, PRESETS_FOR_SHARED_PODS, PresetTraits
from earlystop.api.rollout import Rollout
from earlystop.api.values import (
    DecimalText,
    ObjectName,
    Percent,
    RowOf,
    SettingName,
    SettingText,
    Value,
    canonical_setting,
    rules,
)

RESERVED_VARIANTS = ("baseline", "candidate", "unassigned")


class TargetReference(Value):
    """The workload whose requests are split. It lives in the policy's namespace."""

    kind: Literal["Deployment"] = Field(description="Kind of the workload.")
    name: ObjectName = Field(description="Name of the workload in the policy's namespace.")


class Setting(Value):
    """A value for one parameter."""

    name: SettingName = Field(description="Name of a parameter of this policy.")
    value: SettingText = Field(
        description='The value as text: a decimal as "40" or "0.95", a choice as "low", or "true" or "false".'
    )


Settings = Annotated[
    tuple[Setting, ...],
    Field(min_length=1, max_length=8, json_schema_extra={"x-list-map-key": "name"}),
]


# Empty where nothing is set: bodies go on as clients sent them.
BaselineSettings = Annotated[tuple[Setting, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
_OF_BASELINE = (
    "One value for every parameter. One with body may be left out: its fields go on as clients sent them; [] leaves "
    "the whole body alone."
)


class PinnedBaseline(Value):
    """The setting that losses are counted from over several promotions."""

    values: BaselineSettings = Field(description=_OF_BASELINE)
    promotions: int = Field(
        2,
        ge=1,
        le=20,
        description="Promotions that share exactMatch.margin and risk.promote: each may use an equal part of what "
        "those before it left. Half of a margin takes four times as many requests, a third nine times.",
    )


class Baseline(Value):
    """The setting in use today. A campaign's certificate is against it; losses add up over promotions unless the first
    setting of all is pinned."""

    values: BaselineSettings = Field(description=_OF_BASELINE)
    pinned: PinnedBaseline | None = Field(
        None,
        description="The setting before any promotion. With it, margin and risk hold for all promotions together: "
        "baseline.values is this setting, or one that was proven since (status.losses). Absent: each certificate has "
        "the whole margin, so k of them may lose k margins.",
    )


class Candidate(Value):
    """A setting to try. A parameter that it does not name keeps the baseline's value."""

    model_config = rules(
        {
            "rule": f"!(self.name in {list(RESERVED_VARIANTS)})",
            "messageExpression": "'the candidate name ' + self.name + ' has a meaning in headers and metrics; "
            "write another, for example ' + self.name + '-1'",
        }
    )

    name: SettingName = Field(description="Name of the candidate, shown in status, events and verdicts.")
    values: Settings = Field(description="Values that differ from the baseline.")


class SearchRange(Value):
    """Evenly spaced values to search."""

    from_: DecimalText = Field(alias="from", description="First value.")
    to: DecimalText = Field(description="Last value.")
    step: DecimalText = Field(description="Distance between two values.")


class Search(Value):
    """A search over values of one parameter instead of named candidates."""

    model_config = rules(
        {
            "rule": "has(self.values) != has(self.range)",
            "message": "search: write exactly one of values and range",
        }
    )

    strategy: Literal["Ladder", "Grid", "Bayesian", "Bandit"] = Field(description="How the next value is chosen.")
    parameter: SettingName = Field(description="The parameter to search.")
    values: tuple[DecimalText, ...] | None = Field(
        None, min_length=1, max_length=20, description="Values to try, in this order."
    )
    range: SearchRange | None = Field(None, description="Evenly spaced values instead of a list.")
    failure_budget: int = Field(1, ge=1, le=10, description="How many values may fail before the search ends.")
    warm_start: Literal["None", "History"] = Field("None", description="Whether earlier verdicts choose the start.")
    repeat_seconds: int | None = Field(None, ge=3600, le=31_536_000, description="Search again after this time.")


class MetricsReference(Value):
    """Where counts are read."""

    class SourceReference(Value):
        """A MetricSource of the cluster, written by its admin."""

        name: ObjectName = Field(description="Name of the MetricSource.")

    source_ref: SourceReference = Field(description="The MetricSource to read.")
    preset: Annotated[str, RowOf(PRESETS, "metrics preset", lambda: PRESETS_FOR_SHARED_PODS)] = Field(
        DEFAULT_PRESET,
        description="Which series hold the counts. EarlyStop: this project's own convention; Custom: those that the "
        "MetricSource's templates name. Counters of an engine tell variants apart in delivery.mode Workload alone, "
        "where each has Pods of its own; they hold no scored answers, so no objective can be judged by them alone.",
    )

    @property
    def traits(self) -> PresetTraits:
        """What the preset is like."""
        return PRESETS[self.preset]


class Guard(Value):
    """What keeps watching after a promotion."""

    holdback_weight: Percent = Field(5, description="Percent of traffic that stays on the baseline.")
    false_revert_seconds: int = Field(
        2_592_000, ge=86_400, le=31_536_000, description="Mean time between reverts of a harmless setting."
    )


class Approval(Value):
    """When a person must agree."""

    mode: Literal["Never", "BeforePromotion", "WhenBelowFloor", "Always"] = Field(
        "Never", description="Which decisions wait for an EarlyStopApproval."
    )


class PolicySpec(Value):
    """What to try, on which traffic, and what must be proven."""

    model_config = rules(*RULES)

    suspend: bool = Field(False, description="True freezes weights and evidence until it is false again.")
    target_ref: TargetReference = Field(description="The workload whose requests are split.")
    parameters: tuple[Parameter, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra={"x-list-map-key": "name"},
        description="The knobs that a variant sets.",
    )
    baseline: Baseline = Field(description="The setting in use today.")
    candidates: (
        Annotated[
            tuple[Candidate, ...],
            Field(min_length=1, max_length=10, json_schema_extra={"x-list-map-key": "name"}),
        ]
        | None
    ) = Field(None, description="Settings to try.")
    search: Search | None = Field(None, description="A search for the best setting, instead of candidates.")
    delivery: Delivery = Field(description="How a variant's setting reaches the requests.")
    rollout: Rollout = Field(description="In which steps, and how fast.")
    metrics: MetricsReference = Field(description="Where counts are read.")
    objective: Objective = Field(description="What must be proven before a candidate is kept.")
    guard: Guard | None = Field(None, description="What keeps watching after a promotion. Absent: nothing.")
    approval: Approval = Field(default_factory=Approval, description="When a person must agree.")

    def baseline_settings(self) -> dict[str, str]:
        """Canonical value of each parameter for the baseline; of none that it leaves to clients."""
        return {setting.name: canonical_setting(setting.value) for setting in self.baseline.values}

    def pinned_settings(self) -> dict[str, str] | None:
        """Canonical value of each parameter for the pinned baseline; None where there is none."""
        pinned = self.baseline.pinned
        return None if pinned is None else {each.name: canonical_setting(each.value) for each in pinned.values}

    def candidate_settings(self, candidate: Candidate) -> dict[str, str]:
        """Canonical value of each parameter for a candidate; what it leaves out is the baseline's, if any."""
        own = {setting.name: canonical_setting(setting.value) for setting in candidate.values}
        return self.baseline_settings() | own
