"""Proving a split where no probe can tell: by what every process reports, or by the requests that they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look_request import split_request
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.processes_behind import processes_behind
from earlystop.delivery.proof import Reports
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.reports import ReportsQuestion, read_reports
from earlystop.metrics.count_ledger import AnyReading, CountLedger, source_of
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import DECIDED

EXPECTED_OF_MISSING = 10
"""Of so many requests that a variant should have had, it has none by chance in one of 20,000 cases."""


async def proven_by_servers(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, written: SplitResult, *, counts: bool, at: int
) -> SplitResult:
    """How far the split has got; as it was while servers tell nothing. counts: whether the requests that they count may
    prove it. at: the Unix second that is asked for."""
    said = written.observation.status
    if isinstance(written.proof, Reports):
        if said is not ConditionStatus.UNKNOWN:
            return written
        return await proof_by_reports(reader, tracked, split, written, written.proof, at)
    if not counts or said is ConditionStatus.FALSE:
        return written
    return await proof_by_counts(reader, tracked, split, at) or written


async def proof_by_counts(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, at: int
) -> SplitResult | None:
    """The proof that a split is in force, None while counts do not show it. at: the moment that is asked for."""
    decided = tracked.state.phase in DECIDED
    # After a decision no look moves on, so what counts is from when the objects were last written.
    since = int(tracked.traffic.written_at) or at if decided else None
    request, known = split_request(tracked, reader.sources, split, at, since)
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    if isinstance(result, MetricsFailure):
        return None
    counted = requests_since(result, split, known, routed_since(tracked))
    new = tracked.traffic.requests_since_change(counted)
    if not split_is_shown(new if decided or tracked.traffic.was_taken_off(split) else counted):
        if tracked.plan.spec.delivery.traits.split_known and variant_is_missing(new, split):
            tracked.traffic.note_missing()
        return None
    tracked.traffic.note_proven(split, at)
    message = "Weights are in force, proven by requests counted under this step."
    return SplitResult(SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", message))


def routed_since(tracked: TrackedPolicy) -> float:
    """Unix time before which the present weights cannot have been in force, as far as is remembered."""
    last = max((look.at for look in tracked.state.looks[-1:]), default=0)
    return max(tracked.traffic.written_at, float(tracked.state.campaign_started_at), float(last))


def requests_since(
    reading: AnyReading, split: TrafficSplit, known: CountLedger, since: float = 0.0
) -> Mapping[str, int]:
    """New requests that the counts show, of each variant in use.

    known: the ledger before; since: Unix time before which the weights cannot have been in force.
    """
    weights = {each.variant: each.weight for each in split.variants}
    found: Mapping[str, int] = source_of(reading).requests_since(known, reading, split.step, weights, since)
    return found


def split_is_shown(counted: Mapping[str, int]) -> bool:
    """Whether every variant in use has some of the counted requests."""
    return all(requests > 0 for requests in counted.values())


def variant_is_missing(counted: Mapping[str, int], split: TrafficSplit) -> bool:
    """Whether counted requests show that some variant in use gets none of those that it should have.

    A variant that should have had m of the counted requests has none by chance with probability exp(-m).
    """
    weights = {each.variant: each.weight for each in split.variants}
    served = sum(weights[variant] for variant, requests in counted.items() if requests > 0)
    missing = [variant for variant, requests in counted.items() if requests == 0]
    total = sum(counted.values())
    return any(total * weights[variant] >= EXPECTED_OF_MISSING * served > 0 for variant in missing)


async def proof_by_reports(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, written: SplitResult, proof: Reports, at: int
) -> SplitResult:
    """How far a split has got that is written: proven, or which processes are behind; as it was while nobody knows.

    at: the Unix second that is asked for.
    """
    metrics = tracked.plan.spec.metrics
    source = reader.sources.get(metrics.source_ref.name)
    if source is None:
        return written
    question = ReportsQuestion(tracked.label, source.namespace_label)
    answer = await reader.answer(metrics.source_ref.name, question, at, read_reports)
    if isinstance(answer, MetricsFailure):
        return written
    behind = processes_behind(answer, proof.digest, proof.fewest)
    if behind is not None:
        return replace(written, observation=Observation(behind.status, behind.reason, behind.message))
    tracked.traffic.note_proven(split, at)
    message = f"Weights are in force: all {len(answer)} processes that are up serve by the settings of this step."
    return replace(
        written, status=SplitStatus.PROVEN, observation=Observation(ConditionStatus.TRUE, "InForce", message)
    )
