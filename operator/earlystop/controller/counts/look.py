"""From a reading to the next state: what becomes of an answer or a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from earlystop.api.counts import Tally, UserScatter, Variant, total
from earlystop.api.wire import INCUMBENT
from earlystop.controller.counts.look_request import steps_without_split
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.evidence.missing_answers import class_answers, counts_as_mismatch
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.user_groups import scatter_of
from earlystop.metrics.count_ledger import AnyCounts, AnyReading, CountLedger, source_of
from earlystop.metrics.count_source import CountedStep
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.exposure import promoted_label
from earlystop.rollout.plan import StageKind
from earlystop.rollout.savings.ledger import NOTHING, Asked, SavingsLedger, booked, counts_of_step
from earlystop.rollout.state import Comparison, Phase, RolloutState, Totals
from earlystop.rollout.step_moves import lose_metrics, take_look

# The answer came and says that there is nothing to use at this moment; asking again would give the same answer.
FINAL = frozenset(
    {
        FailureKind.STALE,
        FailureKind.NO_DATA,
        FailureKind.CLOCKS_DIFFER,
        FailureKind.SCALED_TO_ZERO,
        FailureKind.NOT_A_COUNT,
        FailureKind.PROCESS_MISSING,
        FailureKind.PROCESS_SHARED,
        FailureKind.LABEL_OVERWRITTEN,
        FailureKind.TOO_MANY_SERIES,
        FailureKind.REWRITTEN,
        FailureKind.SOURCE_CHANGED,
    }
)


class Counted(NamedTuple):
    """What a look has counted of its step.

    source: how counters of its kind are read. ledger: with the look's answer. arms: counts of all that serve users, by
    label of the variant, as far as they can be told apart.
    """

    source: AnyCounts
    ledger: CountLedger
    arms: Mapping[str, Tally]


def _incumbent(state: RolloutState) -> tuple[str, ...]:
    """The label of a search's incumbent, where a guard watches over it."""
    return (INCUMBENT,) if state.is_guarded and promoted_label(state) == INCUMBENT else ()


def guarded_classes(state: RolloutState) -> tuple[str, ...] | None:
    """Query classes whose answers a guard compares; None where none watches."""
    if state.guard is None or not state.is_guarded:
        return None
    return tuple(each.name for each in state.guard.objective.classes)


def state_after_reading(tracked: TrackedPolicy, reading: AnyReading, at: int) -> tuple[RolloutState, CountLedger]:
    """The state and ledger after a look that could be read. Series of other steps are not evidence.

    Raises MetricsFailure for counters that can no longer be trusted, and for more series than can be kept.
    """
    state, plan = tracked.state, tracked.plan
    step = CountedStep(
        policy=tracked.label,
        step=state.clock.step,
        started_at=state.clock.started_at,
        variants=(Variant.BASELINE.value, *plan.variants, *_incumbent(state)),
        guarded_classes=guarded_classes(state),
    )
    source = source_of(reading)
    applied = source.apply(tracked.ledger, reading, at, step)
    ledger: CountLedger = applied.ledger
    named = (Variant.BASELINE.value, *plan.variants, *(() if plan.incumbent is None else (INCUMBENT,)))
    counted = Counted(source, ledger, source.totals(ledger, step.step, named))
    if state.phase == Phase.OBSERVING and plan.stage(state.step).weight > 0:
        state = _with_uncertain(state, plan.variants, applied.newly_uncertain)
    totals = (_guard_totals(tracked, counted),) if state.is_guarded else _totals(tracked, counted, reading)
    after = take_look(tracked.times, state, at, *totals, in_flight=_in_flight(tracked, counted))
    return replace(after, savings=_savings(tracked, counted, named, at)), ledger


def _savings(tracked: TrackedPolicy, counted: Counted, named: tuple[str, ...], at: int) -> SavingsLedger:
    """The savings ledger with what the step has counted so far, that of a guard among others."""
    state, plan, arms = tracked.state, tracked.plan, counted.arms
    step = state.clock.step
    asked = counted.source.evaluated_since(tracked.ledger, counted.ledger, step, named)
    candidates = [asked[each] for each in plan.variants if each in asked]
    is_beside = INCUMBENT in arms and INCUMBENT not in plan.variants
    tried = [arms[variant] for variant in plan.variants]
    if plan.stage(step).same_setting and not state.is_guarded:  # requests of candidates have the baseline's setting
        arms, tried = {**arms, Variant.BASELINE: total([arms[Variant.BASELINE], *tried])}, []
    counts = counts_of_step(
        state.campaign,
        step,
        StageKind.SPLIT if state.is_guarded else plan.stage(step).kind,
        arms[Variant.BASELINE],
        tried,
        [arms[INCUMBENT]] if is_beside else (),
        Asked(
            asked.get(Variant.BASELINE.value, NOTHING),
            total(candidates),
            asked.get(INCUMBENT, NOTHING) if is_beside else NOTHING,
        ),
    )
    return booked(state.savings, counts, at)


def _in_flight(tracked: TrackedPolicy, counted: Counted) -> tuple[int, ...] | None:
    """Requests of the step that have not ended, of the baseline and each candidate, or of the promoted setting under a
    guard, while the step waits for them."""
    state = tracked.state
    if state.watch_phase is not Phase.SETTLING:
        return None
    others = (promoted_label(state),) if state.is_guarded else tracked.plan.variants
    variants = (Variant.BASELINE.value, *others)
    open_now = counted.source.in_flight(counted.ledger, state.clock.step, variants)
    return None if open_now is None else tuple(open_now[variant] for variant in variants)


def _with_uncertain(state: RolloutState, variants: tuple[str, ...], more: Mapping[str, Tally]) -> RolloutState:
    """The state with what one look may have missed added to each comparison."""
    if not more:
        return state
    comparisons = []
    for variant, each in zip(variants, state.comparisons, strict=True):
        baseline, candidate = each.uncertain.baseline + more[Variant.BASELINE], each.uncertain.candidate + more[variant]
        comparisons.append(replace(each, uncertain=Totals(baseline, candidate)))
    return replace(state, comparisons=tuple(comparisons))


def state_or_failure(
    tracked: TrackedPolicy, reading: AnyReading, at: int
) -> tuple[RolloutState, CountLedger] | MetricsFailure:
    """As `state_after_reading`, with the failure as a value."""
    try:
        return state_after_reading(tracked, reading, at)
    except MetricsFailure as failure:
        return failure.with_traceback(None)


def _guard_totals(tracked: TrackedPolicy, counted: Counted) -> Totals:
    """Counts of the baseline and of the promoted setting, in all and in the query classes that the guard compares."""
    step, guard, arms = tracked.state.clock.step, tracked.state.guard, counted.arms
    label = promoted_label(tracked.state)
    variants = (Variant.BASELINE.value, label)
    if guard is None:
        return Totals(arms[Variant.BASELINE], arms[label])
    in_classes = (counted.source.totals(counted.ledger, step, variants, each.name) for each in guard.objective.classes)
    classes = (class_answers(guard.objective, each[Variant.BASELINE], each[label]) for each in in_classes)
    return Totals(arms[Variant.BASELINE], arms[label], tuple(classes))


def _totals(tracked: TrackedPolicy, counted: Counted, reading: AnyReading) -> Iterator[Totals]:
    """Counts of the baseline and each candidate, in all and in the query classes that its comparison names, and what
    groups of users show of the two. The ledger is gone through once for all variants."""
    step, candidates = tracked.state.step, tracked.plan.variants
    variants = (Variant.BASELINE.value, *candidates)
    named = [[each.name for each in comparison.evidence.objective.classes] for comparison in tracked.state.comparisons]
    judged = [each.name for comparison in tracked.state.comparisons[:1] for each in comparison.by_class]
    arms = counted.arms
    in_class = {
        name: counted.source.totals(counted.ledger, step, variants, name)
        for name in {*judged, *(name for names in named for name in names)}
    }
    for variant, names, comparison in zip(candidates, named, tracked.state.comparisons, strict=True):
        objective = comparison.evidence.objective
        answers = (
            class_answers(objective, in_class[name][Variant.BASELINE], in_class[name][variant]) for name in names
        )
        users = _users(tracked, comparison, reading, variant, arms)
        by_class = (Totals(in_class[name][Variant.BASELINE], in_class[name][variant]) for name in judged)
        yield Totals(arms[Variant.BASELINE], arms[variant], tuple(answers), users, tuple(by_class))


def _users(
    tracked: TrackedPolicy, comparison: Comparison, reading: AnyReading, variant: str, arms: Mapping[str, Tally]
) -> UserScatter | None:
    """What groups of users show of a candidate and the baseline; None where it is no matter."""
    if not comparison.evidence.objective.by_users or not isinstance(reading, Reading):
        return None
    step = tracked.state.step
    # Looks are unpacked only where a candidate was dropped, so that a step before this one has some.
    is_first = step <= steps_without_split(tracked.plan)
    before = [] if is_first else [look for look in comparison.looks if look.step != step]
    counted = {
        Variant.BASELINE.value: total([arms[Variant.BASELINE], *(look.baseline for look in before)]),
        variant: total([arms[variant], *(look.candidate for look in before)]),
    }
    unscored_is_wrong = counts_as_mismatch(comparison.evidence.objective)
    return scatter_of(reading.users, counted, arms, is_all=is_first, unscored_is_wrong=unscored_is_wrong)


def look_failed(state: RolloutState, failure: MetricsFailure, at: int, now: int) -> tuple[RolloutState, bool]:
    """The state after a look that could not be used, and whether the same moment is to be read again."""
    if failure.kind in FINAL:
        return lose_metrics(state, now, at, none_expected=failure.kind is FailureKind.SCALED_TO_ZERO), False
    return lose_metrics(state, now), True
