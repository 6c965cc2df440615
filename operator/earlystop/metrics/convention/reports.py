"""By which settings each process says that it serves, where servers read their settings themselves."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.wire import DIGEST, FAULT, PROCESS, REVISION, SETTINGS_FAULT, SETTINGS_INFO, STEP
from earlystop.metrics.convention.query import of_policy
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors


@dataclass(frozen=True, slots=True)
class ReportsQuestion:
    """What is asked for: the settings of a policy's processes. namespace_label: the label that the scraper sets to the
    target's namespace, None for none."""

    policy: str
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What a process says of itself.

    revision, step, digest: of its settings, "" where it has read none. fault: why it cannot read the latest, "" where
    it can.
    """

    process: str
    revision: str
    step: str
    digest: str
    fault: str = ""


def reports_query(question: ReportsQuestion) -> str:
    """The PromQL text for one question. An instant vector has what was there at the last scrape: a process that is gone
    is not among it."""
    chosen = of_policy(question.policy, question.namespace_label)
    info = f"max by ({','.join((REVISION, STEP, DIGEST, PROCESS))})({SETTINGS_INFO}{{{chosen}}})"
    fault = f"max by ({','.join((FAULT, PROCESS))})({SETTINGS_FAULT}{{{chosen}}})"
    return f"{info} or {fault}"


def read_reports(
    client: InstantVectors, question: ReportsQuestion, at: int
) -> tuple[ProcessReport, ...] | MetricsFailure:
    """What the processes report that are up at Unix second `at`, or why nobody knows. A process that reports several
    settings, as while one scrape replaces another, is there once for each."""
    try:
        samples = client.instant_vector(reports_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    rows = [labels for labels, _ in samples]
    faults = {labels.get(PROCESS, ""): labels[FAULT] for labels in rows if labels.get(FAULT)}
    return tuple(
        ProcessReport(
            process := labels.get(PROCESS, ""),
            labels.get(REVISION, ""),
            labels.get(STEP, ""),
            labels.get(DIGEST, ""),
            faults.get(process, ""),
        )
        for labels in rows
        if not labels.get(FAULT)
    )
