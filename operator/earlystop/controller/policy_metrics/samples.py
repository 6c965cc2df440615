"""From what the operator holds of a policy to the samples that /metrics has of it: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, log

from earlystop.api.counts import Tally, Variant
from earlystop.api.policy import PolicySpec
from earlystop.api.savings import Price
from earlystop.api.wire import INCUMBENT
from earlystop.controller.memory.policy_snapshot import ConditionSummary
from earlystop.controller.policy_metrics import table
from earlystop.controller.policy_metrics.guard_samples import of_guard
from earlystop.controller.policy_metrics.table import PolicyMetric
from earlystop.evidence.assessment import LogE
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import Objective
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.savings.price import net_tokens, worth_of
from earlystop.rollout.spent_risk import recorded_risk
from earlystop.rollout.state import Comparison, Phase, RolloutState
from earlystop.rollout.waiting.condition import awaits_people


@dataclass(frozen=True, slots=True)
class Sample:
    """One number. labels: values of the metric's labels, in its order."""

    metric: PolicyMetric
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class PolicyView:
    """What the samples of a policy are made from. price: of output tokens, None where nobody wrote one."""

    namespace: str
    name: str
    spec: PolicySpec
    state: RolloutState
    conditions: Sequence[ConditionSummary]
    price: Price | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name: the first two labels of every sample."""
        return self.namespace, self.name

    @property
    def label(self) -> str:
        """The policy as the log names it."""
        return f"{self.namespace}/{self.name}"


def samples_of(view: PolicyView) -> Iterator[Sample]:
    """All samples of a policy, the most important first: of the policy, of each candidate, of further claims."""
    for metric, labels, value in _numbers(view):
        if value is not None and isfinite(value):
            yield Sample(metric, (*view.key, *labels), float(value))


Number = tuple[PolicyMetric, tuple[str, ...], float | None]


def _numbers(view: PolicyView) -> Iterable[Number]:
    """The samples as numbers that may not be known, without the labels of the policy. A new concern adds a part."""
    yield from _of_policy(view)
    yield from _of_conditions(view.conditions)
    yield from _of_savings(view)
    if view.state.phase is Phase.PENDING:
        return
    yield from _of_campaign(view.state)
    yield from of_guard(view.state)
    for each in view.state.comparisons:
        yield from _of_candidate(each)
    for each in view.state.comparisons:
        yield from _of_counts(each)
    for each in view.state.comparisons:
        yield from _of_further_claims(each)


def _of_policy(view: PolicyView) -> Iterator[Number]:
    spec, state = view.spec, view.state
    yield table.INFO, (spec.delivery.mode, spec.rollout.strategy, state.revision), 1
    yield table.PHASE, (state.phase.value,), 1
    yield table.CAMPAIGN, (), state.campaign
    yield table.LAST_LOOK, (), state.clock.last_look_at
    yield table.NEXT_LOOK, (), next_look(LiveTimes.of(spec), state)
    yield table.AWAITING, (), awaits_people(state)


def _of_conditions(conditions: Sequence[ConditionSummary]) -> Iterator[Number]:
    for each in conditions:
        yield table.CONDITION, (each.type, each.status, each.reason), 1


def _of_savings(view: PolicyView) -> Iterator[Number]:
    ledger = view.state.savings
    if ledger is None:
        return
    sums = ledger.sums
    net = net_tokens(view.spec, sums)
    yield table.COUNTED_TOKENS, (), sums.tokens
    yield table.COUNTED_REQUESTS, (), sums.requests
    accounts = {"saved": sums.saved, "golden": sums.golden, "shadow": sums.shadows, "lost": sums.lost, "net": net}
    for account, tokens in accounts.items():
        yield table.SAVINGS, (account,), tokens
    if view.price is not None:
        money = worth_of(net, view.price)
        yield table.MONEY, (money.currency,), float(money.amount)
    yield table.A_REQUEST, (), ledger.saved_a_request
    yield table.BOOKED_UNTIL, (), ledger.until


def _of_campaign(state: RolloutState) -> Iterator[Number]:
    plan, percents, beside = state.pinned_plan, weights(state), incumbent_weight(state)
    yield table.STEP, (), state.step + 1
    if percents is not None:
        variants = (Variant.BASELINE.value, *plan.names, *([INCUMBENT] if plan.incumbent is not None else []))
        for variant, percent in zip(variants, (*percents, beside), strict=False):
            yield table.WEIGHT, (variant,), percent / 100
    yield table.MARGIN, (), plan.objective.margin
    yield table.MINIMUM_SAVING, (), plan.objective.minimum_saving
    risk = recorded_risk(plan)
    if risk is not None:
        yield table.RISK, ("promote",), float(risk.promote)
        yield table.RISK, ("harm",), float(risk.harm)
        yield table.RISK_SPENT, ("promote",), float(risk.promote_spent)
        yield table.RISK_SPENT, ("harm",), float(risk.harm_spent)
    if (decision := state.decision) is not None:
        yield table.DECISION, (decision.candidate, decision.verdict.value, decision.reason), decision.at


def _of_candidate(comparison: Comparison) -> Iterator[Number]:
    name, said, objective = comparison.name, comparison.assessment, comparison.evidence.objective
    yield table.LOOKS, (name,), len(comparison.looks)
    yield from _bounds(table.DIFFERENCE, name, said.effect)
    yield from _bounds(table.SAVING, name, said.saving)
    yield from _main_claims(table.LOG_E, name, said.log_e)
    yield from _main_claims(table.LARGEST_LOG_E, name, said.log_e_max)
    yield from _main_claims(table.LOG_E_LINE, name, _lines(objective))
    yield table.SETTING, (name, said.setting.value), 1
    yield table.SAMPLE_RATIO, (name,), said.sample_ratio_broken


def _of_counts(comparison: Comparison) -> Iterator[Number]:
    """Counts of both arms in the present step: their looks of the whole campaign are packed, and stay so."""
    for variant, tally in (
        (Variant.BASELINE, comparison.mark.baseline),
        (Variant.CANDIDATE, comparison.mark.candidate),
    ):
        labels = comparison.name, variant.value
        yield table.EXACT_MATCH, labels, tally.exact_match
        yield table.MEAN_TOKENS, labels, tally.mean_tokens
        for result in ("match", "mismatch", "unscored"):
            yield table.ANSWERS, (*labels, result), _count(tally, result)
        for outcome in ("started", "completed", "failed"):
            yield table.REQUESTS, (*labels, outcome), _count(tally, outcome)


def _of_further_claims(comparison: Comparison) -> Iterator[Number]:
    """The floor, guardrails and query classes: as many as the policy names."""
    name, said, objective = comparison.name, comparison.assessment, comparison.evidence.objective
    for metric, others in ((table.LOG_E, said.log_e.others), (table.LARGEST_LOG_E, said.log_e_max.others)):
        for claim, value in others:
            yield metric, (name, str(claim)), value
    for claim, line in _lines(objective).others:
        yield table.LOG_E_LINE, (name, str(claim)), line


def _bounds(metric: PolicyMetric, name: str, interval: Interval) -> Iterator[Number]:
    yield metric, (name, "estimate"), interval.estimate
    yield metric, (name, "low"), interval.low
    yield metric, (name, "high"), interval.high


def _main_claims(metric: PolicyMetric, name: str, values: LogE) -> Iterator[Number]:
    yield metric, (name, "promote"), values.promote
    yield metric, (name, "harm"), values.harm
    yield metric, (name, "tokens"), values.tokens
    yield metric, (name, "sample_ratio"), values.sample_ratio
    yield metric, (name, "attrition"), values.attrition


def _lines(objective: Objective) -> LogE:
    """The log e-value at which each claim is shown: ln(1/risk)."""
    promote, harms = -log(objective.risk_promote), objective.harm_risks
    return LogE(
        promote=promote,
        harm=-log(harms.exact_match),
        tokens=promote,
        sample_ratio=-log(objective.risk_sample_ratio),
        others=tuple(
            (claim, -log(harms.guardrails[claim]) if claim in harms.guardrails else promote)
            for claim in objective.other_claims
        ),
        attrition=-log(objective.risk_attrition),
    )


def _count(tally: Tally, name: str) -> int:
    count: int = getattr(tally, name)
    return count
