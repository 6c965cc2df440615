"""From a reading to the next state: which counts are asked for, and what becomes of an answer or a failure."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.counts import ClassAnswers, Variant
from earlystop.api.source import SourceSpec
from earlystop.controller.session import Session
from earlystop.delivery.surroundings import Share
from earlystop.metrics.failures import FailureKind, MetricsFailure
from earlystop.metrics.ledger import Ledger, merge, totals
from earlystop.metrics.query import window_since
from earlystop.metrics.reader import CountRequest, Reading
from earlystop.rollout.kernel import lose_sight, take_look
from earlystop.rollout.state import RolloutState, Totals

# The answer came and says that there is nothing to use at this moment; asking again would give the same answer.
FINAL = frozenset({FailureKind.STALE, FailureKind.NO_DATA, FailureKind.NOT_A_COUNT})


def look_request(session: Session, sources: Mapping[str, SourceSpec], at: int) -> CountRequest:
    """What to ask for at moment `at`: back to the last look that could be used, and some more."""
    state = session.state
    known = state.last_look_at or state.step_started_at or at
    if state.metrics_lost_at is not None:
        # Moments that were passed over have shown nothing: what ended meanwhile was seen by the last evidence at best.
        used = [look.at for look in state.looks[-1:] if look.step == state.step]
        known = max([state.evidence_from or state.step_started_at or at, *used])
    source = sources.get(session.plan.spec.metrics.source_ref.name)
    interval = source.scrape_interval_seconds if source is not None else 15
    return CountRequest(session.label, state.revision, window_since(known, at, interval))


def looked(session: Session, reading: Reading, at: int) -> tuple[RolloutState, Ledger]:
    """The state and ledger after a look that could be read. Series of other steps are not evidence."""
    step = session.state.step
    ledger = merge(session.ledger, {key: tally for key, tally in reading.observed.items() if key.step == step})
    sums = totals(ledger, step)
    classes = tuple(_class_answers(ledger, step, each.name) for each in session.plan.objective.classes)
    seen = Totals(sums[Variant.BASELINE], sums[Variant.CANDIDATE], classes)
    return take_look(session.spec, session.state, at, seen), ledger


def _class_answers(ledger: Ledger, step: int, query_class: str) -> ClassAnswers:
    sums = totals(ledger, step, query_class)
    baseline, candidate = sums[Variant.BASELINE], sums[Variant.CANDIDATE]
    return ClassAnswers(baseline.match, baseline.mismatch, candidate.match, candidate.mismatch)


def look_failed(state: RolloutState, failure: MetricsFailure, at: int, now: int) -> tuple[RolloutState, bool]:
    """The state after a look that could not be used, and whether the same moment is to be read again."""
    if failure.kind in FINAL:
        return lose_sight(state, now, at), False
    return lose_sight(state, now), True


def split_is_shown(reading: Reading, share: Share, known: Ledger) -> bool:
    """Whether more requests of this step were counted, for every variant that shall have some, than were known when
    the step was in force before."""
    before = totals(known, share.step)
    now = totals(merge(known, reading.observed), share.step)
    seen = {variant for variant in Variant if now[variant].started > before[variant].started}
    wanted = {Variant.BASELINE} if share.weight < 100 else set()
    wanted |= {Variant.CANDIDATE} if share.weight > 0 else set()
    return wanted <= seen
