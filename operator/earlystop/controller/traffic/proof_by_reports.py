"""Proving a split by what every process reports of itself, where servers read their settings themselves."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.processes_behind import processes_behind
from earlystop.delivery.proof import Reports
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.convention.reports import ReportsQuestion, read_reports
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.observations import Observation


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
