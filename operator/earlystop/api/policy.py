"""The EarlyStopPolicy: what a team writes to have a stop setting tried, judged and kept or dropped."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.approval import Approval
from earlystop.api.certificate import CertificatePolicy
from earlystop.api.delivery import Delivery
from earlystop.api.guard import Guard
from earlystop.api.hooks import Hooks
from earlystop.api.objective import Objective
from earlystop.api.parameters import Parameter
from earlystop.api.policy_rules import RULES
from earlystop.api.presets import (
    DEFAULT_PRESET,
    ENGINE_PRESETS,
    IMPOSSIBLE,
    PRESETS,
    PRESETS_FOR_SHARED_PODS,
    PresetTraits,
)
from earlystop.api.rollout import Rollout
from earlystop.api.savings import Savings
from earlystop.api.search import Search, SearchProblem
from earlystop.api.search_space import SearchSetting, settings_of
from earlystop.api.strategies import SHADOW_FIRST, WITHOUT_TRAFFIC, StrategyTraits
from earlystop.api.values import (
    ObjectName,
    RowOf,
    SettingName,
    SettingText,
    Value,
    canonical_setting,
    rules,
)

RESERVED_VARIANTS = ("baseline", "candidate", "incumbent", "unassigned")


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
# It has no keys, so it is applied as a whole: an apply by the server that empties a list with keys leaves nothing, and
# would take out the baseline with it.
BaselineSettings = Annotated[tuple[Setting, ...], Field(max_length=8)]
_OF_BASELINE = (
    "One value for every parameter. A parameter that has body may be left out: its fields then stay as "
    "clients sent them; [] leaves the whole body alone."
)


def _each_once(where: str) -> dict[str, str]:
    """The rule that no parameter has two values. where: the list, as people write it."""
    return {
        "rule": "self.values.all(v, self.values.exists_one(o, o.name == v.name))",
        "message": f"{where}: write each parameter once",
    }


class PinnedBaseline(Value):
    """The setting that losses are counted from over several promotions."""

    model_config = rules(_each_once("baseline.pinned.values"))

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

    model_config = rules(_each_once("baseline.values"))

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


class MetricsReference(Value):
    """Where counts are read."""

    class SourceReference(Value):
        """A MetricSource of the cluster, written by its admin."""

        name: ObjectName = Field(description="Name of the MetricSource.")

    source_ref: SourceReference = Field(description="The MetricSource to read.")
    preset: Annotated[str, RowOf(PRESETS, "metrics preset", lambda: PRESETS_FOR_SHARED_PODS, IMPOSSIBLE)] = Field(
        DEFAULT_PRESET,
        description="Which series hold the counts. EarlyStop: this project's own convention; Custom: those that the "
        "MetricSource's templates name. Counters of an engine tell variants apart in delivery.mode Workload alone, "
        "where each has Pods of its own; they hold no scored answers, so no objective can be judged by them alone.",
    )
    cross_check: Annotated[str, RowOf(ENGINE_PRESETS, "engine's preset", None, IMPOSSIBLE)] | None = Field(
        None,
        description="With an injector: the engine whose own counters, by the target's Pods in the same MetricSource, "
        "are compared with the injector's. Where they differ by more than what is in flight, MetricsAvailable says "
        "CountsDisagree. It is no evidence, and neither promotes nor holds anything. llama.cpp counts no requests.",
    )

    @property
    def traits(self) -> PresetTraits:
        """What the preset is like."""
        return PRESETS[self.preset]


class PolicySpec(Value):
    """What to try, on which traffic, and what must be proven."""

    model_config = rules(*RULES)

    suspend: bool = Field(False, description="True freezes weights and evidence until it is false again.")
    target_ref: TargetReference = Field(description="The workload whose requests are split.")
    parameters: tuple[Parameter, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra={"x-list-map-key": "name"},
        description="The numbers and words that a variant sets, such as a thinking budget.",
    )
    baseline: Baseline = Field(description="The setting in use today.")
    candidates: (
        Annotated[
            tuple[Candidate, ...],
            Field(min_length=1, max_length=10, json_schema_extra={"x-list-map-key": "name"}),
        ]
        | None
    ) = Field(None, description="Settings to try, by name. Absent: search says what is tried.")
    search: Search | None = Field(
        None,
        description="A search for the setting that saves most, instead of candidates. Examples: "
        "operator/docs/search.md.",
    )
    delivery: Delivery = Field(description="How a variant's setting reaches the requests.")
    rollout: Rollout = Field(
        description="In which steps a candidate gets requests, how often counts are looked at, and when it must "
        "be over."
    )
    metrics: MetricsReference = Field(description="Where counts are read.")
    objective: Objective = Field(description="What must be proven before a candidate is kept.")
    guard: Guard | None = Field(None, description="What keeps watching after a promotion. Absent: nothing.")
    approval: Approval = Field(default_factory=Approval, description="When a person must agree.")
    certificate: CertificatePolicy = Field(
        default_factory=CertificatePolicy, description="What follows when a certificate lapses."
    )
    hooks: Hooks | None = Field(None, description="Who outside is told what. An edit starts no campaign.")
    savings: Savings = Field(default_factory=Savings, description="How saved tokens are booked, and what they cost.")

    def baseline_settings(self) -> dict[str, str]:
        """Canonical value of each parameter for the baseline; of none that it leaves to clients."""
        return {setting.name: canonical_setting(setting.value) for setting in self.baseline.values}

    def pinned_settings(self) -> dict[str, str] | None:
        """Canonical value of each parameter for the pinned baseline; None where there is none."""
        pinned = self.baseline.pinned
        return None if pinned is None else {each.name: canonical_setting(each.value) for each in pinned.values}

    def search_settings(self) -> tuple[SearchSetting, ...]:
        """Every setting that the search may try; none where nothing is searched. Raises SearchProblem for a search that
        cannot be made."""
        if self.search is None:
            return ()
        return settings_of(self.search, self.parameters, tuple(self.baseline_settings().items()))

    def settings_to_try(self) -> tuple[Candidate, ...]:
        """The candidates as they are written, else one for each setting of the search. None where no search can be made
        of what is written, which is refused before anything is tried."""
        if self.candidates is not None:
            return self.candidates
        try:
            return tuple(map(_candidate_of, self.search_settings()))
        except SearchProblem:
            return ()

    @property
    def most_at_once(self) -> int:
        """Settings that one campaign tries beside each other at most: all, or 1 where a search tries one after the
        other."""
        number = len(self.settings_to_try())
        return number if self.candidates is not None or self.tries_together else min(1, number)

    @property
    def tries_together(self) -> bool:
        """Whether one campaign may try several settings beside each other."""
        return self.strategy_traits.takes_several or self.delivery.traits.takes_several

    @property
    def strategy_traits(self) -> StrategyTraits:
        """How what a campaign tries is tried: the search's own way where one campaign tries all of it, else the
        rollout's; and in shadow where no request ever gets a candidate, or before any does."""
        if not self.delivery.traits.moves_traffic:
            return WITHOUT_TRAFFIC
        if self.candidates is None and self.search is not None:
            if self.rollout.shadow_seconds > 0:
                return SHADOW_FIRST
            if self.search.traits.one_campaign:
                return self.search.traits.campaign
        return self.rollout.traits

    def candidate_settings(self, candidate: Candidate) -> dict[str, str]:
        """Canonical value of each parameter for a candidate; what it leaves out is the baseline's, if any."""
        own = {setting.name: canonical_setting(setting.value) for setting in candidate.values}
        return self.baseline_settings() | own


def _candidate_of(setting: SearchSetting) -> Candidate:
    return Candidate(name=setting.name, values=tuple(Setting(name=name, value=value) for name, value in setting.values))
