"""What a look asks a source for: which counts, since when, and what tells silent counters from absent servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from earlystop.api.counts import Look, Variant
from earlystop.api.source import SourceSpec
from earlystop.api.wire import INCUMBENT
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.user_groups import UserQuestion
from earlystop.metrics.count_ledger import AnyRequest, CountLedger, count_source, source_of
from earlystop.metrics.count_source import CountQuestion
from earlystop.metrics.liveness import LivenessHints
from earlystop.rollout.exposure import promoted_label
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import RolloutState


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
        begins=source_of(tracked.ledger).series_count(tracked.ledger) == 0,
    )
    request: AnyRequest = count_source(metrics.preset).request(question)
    return request


def split_request(
    tracked: TrackedPolicy, sources: Mapping[str, SourceSpec], split: TrafficSplit, at: int, since: int | None
) -> tuple[AnyRequest, CountLedger]:
    """What to ask for about a split, and what is known of it. Where the campaign's token is lost, its split goes on
    under a revision of which nothing was counted before. since: as for `look_request`."""
    request, known = look_request(tracked, sources, at, since, split.step), tracked.ledger
    if split.revision == tracked.state.revision:
        return request, known
    return replace(request, revision=split.revision), Ledger() if isinstance(known, Ledger) else known


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
    return UserQuestion(window_since(since, at, interval), steps_without_split(plan))


def steps_without_split(plan: Plan) -> int:
    """Stages of a plan in which no request of a user goes to a candidate."""
    return sum(stage.kind is not StageKind.SPLIT for stage in plan.stages)


def _liveness(tracked: TrackedPolicy, at: int) -> LivenessHints:
    """What tells silent counters from absent servers: which variants should have requests at this step, and when
    counters of the policy were there. At the last look that was evidence they were; at the begin of the step maybe."""
    clock = tracked.state.clock
    seen = {clock.evidence_from or clock.started_at or at, *(look.at for look in _looks(tracked.state)[-1:])}
    return LivenessHints(
        workload=tracked.plan.spec.target_ref.name, variants=_expected(tracked), seen_at=tuple(sorted(seen))
    )


def _expected(tracked: TrackedPolicy) -> tuple[str, ...]:
    """Labels of the variants that should have requests in the step under way."""
    state, plan = tracked.state, tracked.plan
    if state.guard is not None and state.is_guarded:
        kept = (Variant.BASELINE.value,) if state.guard.holdback else ()
        return (*kept, promoted_label(state))
    tried = [each.name for each in state.active if plan.stage(state.step).kind is not StageKind.LEARN]
    labels = dict(zip((each.name for each in state.comparisons), plan.variants, strict=True))
    return (Variant.BASELINE.value, *(labels[name] for name in tried))
