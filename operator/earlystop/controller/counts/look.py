"""From a reading to the next state: which counts are asked for, and what becomes of an answer or a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from earlystop.api.counts import ClassAnswers, Tally, Variant
from earlystop.api.source import SourceSpec
from earlystop.controller.counts.count_batcher import AnyReading, AnyRequest
from earlystop.controller.counts.template_look import apply_template_reading, template_split_is_shown
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.compaction import fold_silent, unfolded
from earlystop.metrics.convention.ledger import Ledger, merge, totals
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.count_ledger import CountLedger
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.presets import Preset
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState, Totals
from earlystop.rollout.transitions import lose_metrics, take_look

# The answer came and says that there is nothing to use at this moment; asking again would give the same answer.
FINAL = frozenset(
    {
        FailureKind.STALE,
        FailureKind.NO_DATA,
        FailureKind.NOT_A_COUNT,
        FailureKind.TOO_MANY_SERIES,
        FailureKind.REWRITTEN,
        FailureKind.SOURCE_CHANGED,
    }
)

MAX_SERIES = 2_048
"""Of a policy's step in one answer: more do not fit into a status, whose line for one takes at least 20 bytes. Fewer
are taken in, so that harm still acts, and `TooManySeries` is told when they outgrow the status."""


def look_request(tracked: TrackedPolicy, sources: Mapping[str, SourceSpec], at: int) -> AnyRequest:
    """What to ask for at moment `at`: back to the last look that could be used, and some more."""
    state = tracked.state
    known = state.last_look_at or state.step_started_at or at
    if state.metrics_lost_at is not None:
        # Moments that were passed over have shown nothing: what ended meanwhile was seen by the last evidence at best.
        used = [look.at for look in state.looks[-1:] if look.step == state.step]
        known = max([state.evidence_from or state.step_started_at or at, *used])
    source = sources.get(tracked.plan.spec.metrics.source_ref.name)
    interval = source.scrape_interval_seconds if source is not None else 15
    window = window_since(known, at, interval)
    preset = Preset(tracked.plan.spec.metrics.preset)
    if preset is Preset.EARLY_STOP:
        return CountRequest(tracked.label, state.revision, window, tracked.plan.variants)
    templates = source.templates.by_field() if source is not None and source.templates is not None else {}
    (candidate,) = tracked.plan.variants  # of several the acceptance has refused the preset
    return TemplateRequest(tracked.label, state.revision, window, preset, templates, candidate=candidate)


def looked(tracked: TrackedPolicy, reading: AnyReading, at: int) -> tuple[RolloutState, CountLedger]:
    """The state and ledger after a look that could be read. Series of other steps are not evidence.

    Raises MetricsFailure for counters of others that can no longer be trusted, and for more series than can be kept.
    """
    if isinstance(reading, TemplateReading):
        return apply_template_reading(tracked, reading, at)
    step, known = tracked.state.step, _own(tracked.ledger)
    observed = unfolded(known, {key: tally for key, tally in reading.observed.items() if key.step == step})
    if len(observed) > MAX_SERIES:
        # Merged once they would be here to stay, though the next answer may be sound again.
        told = f"the answer holds {len(observed)} series of {tracked.label} by process and class"
        raise MetricsFailure(FailureKind.TOO_MANY_SERIES, told)
    ledger = fold_silent(merge(known, observed), observed, at)
    return take_look(LiveTimes.of(tracked.spec), tracked.state, at, *_totals(tracked, ledger)), ledger


def reading_or_failure(
    tracked: TrackedPolicy, reading: AnyReading, at: int
) -> tuple[RolloutState, CountLedger] | MetricsFailure:
    """`looked`, with the failure as a value."""
    try:
        return looked(tracked, reading, at)
    except MetricsFailure as failure:
        return failure.with_traceback(None)


def _totals(tracked: TrackedPolicy, ledger: Ledger) -> Iterator[Totals]:
    """Counts of the baseline and each candidate, in all and in the query classes that its comparison names. The ledger
    is gone through once for all variants."""
    step, candidates = tracked.state.step, tracked.plan.variants
    variants = (Variant.BASELINE, *candidates)
    named = [[each.name for each in comparison.evidence.objective.classes] for comparison in tracked.state.comparisons]
    arms = totals(ledger, step, variants=variants)
    in_class = {name: totals(ledger, step, name, variants) for name in {name for names in named for name in names}}
    for variant, names in zip(candidates, named, strict=True):
        answers = (_answers(in_class[name], variant) for name in names)
        yield Totals(arms[Variant.BASELINE], arms[variant], tuple(answers))


def _answers(arms: Mapping[str, Tally], variant: str) -> ClassAnswers:
    baseline, candidate = arms[Variant.BASELINE], arms[variant]
    return ClassAnswers(baseline.match, baseline.mismatch, candidate.match, candidate.mismatch)


def _own(book: CountLedger) -> Ledger:
    assert isinstance(book, Ledger)  # a campaign's preset is pinned, and a new campaign begins with an empty ledger
    return book


def look_failed(state: RolloutState, failure: MetricsFailure, at: int, now: int) -> tuple[RolloutState, bool]:
    """The state after a look that could not be used, and whether the same moment is to be read again."""
    if failure.kind in FINAL:
        return lose_metrics(state, now, at), False
    return lose_metrics(state, now), True


def routed_since(tracked: TrackedPolicy) -> float:
    """Unix time before which the present weights cannot have been in force, as far as is remembered."""
    last = max((look.at for look in tracked.state.looks[-1:]), default=0)
    return max(tracked.traffic.written_at, float(tracked.state.campaign_started_at), float(last))


def split_is_shown(reading: AnyReading, split: TrafficSplit, known: CountLedger, since: float = 0.0) -> bool:
    """Whether more requests of this step were counted, for every variant that shall have some, than were known when
    the step was in force before. since: Unix time after which counters of others must have grown."""
    if isinstance(reading, TemplateReading):
        return template_split_is_shown(reading, split, since)
    wanted, ledger = tuple(split.in_use), _own(known)
    before = totals(ledger, split.step, variants=wanted)
    now = totals(merge(ledger, unfolded(ledger, reading.observed)), split.step, variants=wanted)
    return all(now[variant].started > before[variant].started for variant in wanted)
