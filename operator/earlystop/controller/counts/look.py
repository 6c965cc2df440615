"""From a reading to the next state: which counts are asked for, and what becomes of an answer or a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from earlystop.api.counts import Look, Tally, UserScatter, Variant, total
from earlystop.api.source import SourceSpec
from earlystop.api.wire import INCUMBENT
from earlystop.controller.counts.guard_look import after_guard_look
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.split import TrafficSplit
from earlystop.evidence.missing_answers import class_answers, counts_as_mismatch
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.user_groups import UserQuestion, scatter_of
from earlystop.metrics.count_ledger import AnyReading, AnyRequest, CountLedger, count_source, source_of
from earlystop.metrics.count_source import CountedStep, CountQuestion
from earlystop.metrics.liveness import LivenessHints
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.exposure import promoted_label
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.savings.ledger import NOTHING, Asked, SavingsLedger, booked, counts_of_step
from earlystop.rollout.state import Comparison, Phase, RolloutState, Totals
from earlystop.rollout.step_moves import lose_metrics, take_look

# The answer came and says that there is nothing to use at this moment; asking again would give the same answer.
FINAL = frozenset(
    {
        FailureKind.STALE,
        FailureKind.NO_DATA,
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


def evaluation_delay(tracked: TrackedPolicy, sources: Mapping[str, SourceSpec]) -> float:
    """Seconds from a look's moment until its counts are complete in the campaign's source; 0 before a campaign."""
    if tracked.state.phase == Phase.PENDING:
        return 0.0
    source = sources.get(tracked.plan.spec.metrics.source_ref.name)
    return float(source.evaluation_delay_seconds) if source is not None else 0.0


def look_request(
    tracked: TrackedPolicy,
    sources: Mapping[str, SourceSpec],
    at: int,
    since: int | None = None,
    step: int | None = None,
) -> AnyRequest:
    """What to ask for at moment `at`: back to the last look that could be used, and some more.

    since: Unix second to which to reach back instead, for counts that are no look; None for a look. step: the one that
    is counted, None for the one under way.
    """
    state, clock = tracked.state, tracked.state.clock
    known = clock.last_look_at or clock.started_at or at
    if clock.metrics_lost_at is not None:
        # The moments that were passed over gave no counts, so the query reaches back to the last look that was
        # evidence: a process that ended since then is found by no later query.
        used = [look.at for look in _looks(state)[-1:] if look.step == clock.step]
        known = max([clock.evidence_from or clock.started_at or at, *used])
    known = known if since is None else since
    metrics = tracked.plan.spec.metrics
    source = sources.get(metrics.source_ref.name)
    interval = source.scrape_interval_seconds if source is not None else 15
    templates = source.templates.by_field() if source is not None and source.templates is not None else {}
    question = CountQuestion(
        policy=tracked.label,
        revision=state.revision,
        preset=metrics.preset,
        variants=tracked.plan.variants,
        window_seconds=window_since(known, at, interval),
        templates=templates,
        liveness=_liveness(tracked, at),
        users=_user_question(tracked, at, interval) if since is None else None,
        beside=() if tracked.plan.incumbent is None else (INCUMBENT,),
        step=clock.step if step is None else step,
    )
    request: AnyRequest = count_source(metrics.preset).request(question)
    return request


def _looks(state: RolloutState) -> Sequence[Look]:
    """Looks of the step under way, and of steps before it, as far as they are kept."""
    return state.guard.looks if state.guard is not None and state.is_guarded else state.looks


def _user_question(tracked: TrackedPolicy, at: int, interval: float) -> UserQuestion | None:
    """What a look asks about groups of users: all that was counted since they were split. None where they are no
    matter."""
    state, plan = tracked.state, tracked.plan
    if (
        state.is_guarded
        or plan.stage(state.step).kind is not StageKind.SPLIT
        or not plan.objective.by_users  # as that of any step in which requests are split
    ):
        return None
    # The campaign's clock goes on after a suspension as if it had begun later; its counts did not.
    since = min([state.campaign_started_at, *(look.at for each in state.comparisons for look in each.looks[:1])])
    return UserQuestion(window_since(since, at, interval), _steps_without_split(plan))


def _steps_without_split(plan: Plan) -> int:
    return sum(stage.kind is not StageKind.SPLIT for stage in plan.stages)


def split_request(
    tracked: TrackedPolicy, sources: Mapping[str, SourceSpec], split: TrafficSplit, at: int, since: int | None
) -> tuple[AnyRequest, CountLedger]:
    """What to ask for about a split, and what is known of it. Where the campaign's token is lost, its split goes on
    under a revision of which nothing was counted before. since: as for `look_request`."""
    request, known = look_request(tracked, sources, at, since, split.step), tracked.ledger
    if split.revision == tracked.state.revision:
        return request, known
    return replace(request, revision=split.revision), Ledger() if isinstance(known, Ledger) else known


def _liveness(tracked: TrackedPolicy, at: int) -> LivenessHints:
    """What tells silent counters from absent servers: which variants should have requests at this step, and when
    counters of the policy were there. At the last look that was evidence they were; at the begin of the step maybe."""
    clock = tracked.state.clock
    seen = {clock.evidence_from or clock.started_at or at, *(look.at for look in _looks(tracked.state)[-1:])}
    return LivenessHints(
        workload=tracked.plan.spec.target_ref.name, variants=_expected(tracked), seen_at=tuple(sorted(seen))
    )


def _incumbent(state: RolloutState) -> tuple[str, ...]:
    """The label of a search's incumbent, where a guard watches over it."""
    return (INCUMBENT,) if state.is_guarded and promoted_label(state) == INCUMBENT else ()


def _expected(tracked: TrackedPolicy) -> tuple[str, ...]:
    """Labels of the variants that should have requests in the step under way."""
    state, plan = tracked.state, tracked.plan
    if state.guard is not None and state.is_guarded:
        kept = (Variant.BASELINE.value,) if state.guard.holdback else ()
        return (*kept, promoted_label(state))
    tried = [each.name for each in state.active if plan.stage(state.step).kind is not StageKind.LEARN]
    labels = dict(zip((each.name for each in state.comparisons), plan.variants, strict=True))
    return (Variant.BASELINE.value, *(labels[name] for name in tried))


def state_after_reading(tracked: TrackedPolicy, reading: AnyReading, at: int) -> tuple[RolloutState, CountLedger]:
    """The state and ledger after a look that could be read. Series of other steps are not evidence.

    Raises MetricsFailure for counters that can no longer be trusted, and for more series than can be kept.
    """
    state = tracked.state
    step = CountedStep(
        policy=tracked.label,
        step=state.clock.step,
        started_at=state.clock.started_at,
        variants=(Variant.BASELINE.value, *tracked.plan.variants, *_incumbent(state)),
    )
    applied = source_of(reading).apply(tracked.ledger, reading, at, step)
    ledger: CountLedger = applied.ledger
    if state.phase == Phase.OBSERVING and tracked.plan.stage(state.step).weight > 0:
        state = _with_uncertain(state, tracked.plan.variants, applied.newly_uncertain)
    if state.is_guarded:
        after = after_guard_look(tracked, ledger, at)
    else:
        totals = _totals(tracked, ledger, reading)
        after = take_look(tracked.times, state, at, *totals, in_flight=_in_flight(tracked, ledger))
    return replace(after, savings=_savings(tracked, ledger, at)), ledger


def _savings(tracked: TrackedPolicy, ledger: CountLedger, at: int) -> SavingsLedger:
    """The savings ledger with what the step has counted so far, that of a guard among others."""
    state, plan = tracked.state, tracked.plan
    source, step = source_of(ledger), state.clock.step
    named = (Variant.BASELINE.value, *plan.variants, *(() if plan.incumbent is None else (INCUMBENT,)))
    arms = source.totals(ledger, step, named)
    asked = source.evaluated_since(tracked.ledger, ledger, step, named)
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


def _in_flight(tracked: TrackedPolicy, ledger: CountLedger) -> tuple[int, ...] | None:
    """Requests of the step that have not ended, of the baseline and each candidate, while it waits for them."""
    state, variants = tracked.state, (Variant.BASELINE.value, *tracked.plan.variants)
    if state.phase is not Phase.SETTLING:
        return None
    counted = source_of(ledger).in_flight(ledger, state.step, variants)
    return None if counted is None else tuple(counted[variant] for variant in variants)


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


def _totals(tracked: TrackedPolicy, ledger: CountLedger, reading: AnyReading) -> Iterator[Totals]:
    """Counts of the baseline and each candidate, in all and in the query classes that its comparison names, and what
    groups of users show of the two. The ledger is gone through once for all variants."""
    counts, step, candidates = source_of(ledger), tracked.state.step, tracked.plan.variants
    variants = (Variant.BASELINE.value, *candidates)
    named = [[each.name for each in comparison.evidence.objective.classes] for comparison in tracked.state.comparisons]
    judged = [each.name for comparison in tracked.state.comparisons[:1] for each in comparison.by_class]
    arms = counts.totals(ledger, step, variants)
    in_class = {
        name: counts.totals(ledger, step, variants, name)
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
    is_first = step <= _steps_without_split(tracked.plan)
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
