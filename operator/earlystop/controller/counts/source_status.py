"""What a MetricSource's status says: whether it answers, in one condition that is written only when it changes.

A source belongs to the cluster, and what one release finds there another may not, as with a Secret that only one of
them has. So of releases side by side only the oldest one writes, and the condition says which that is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from earlystop.api.source import REACHABLE, SourceSpec
from earlystop.api.visible import visible
from earlystop.controller.cluster import SOURCES, Cluster, ClusterError, Conflict, Manifest
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.metrics.source.clocks import CLOCK_BEHIND, late_by
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.formatting import rfc3339

SECONDS_BETWEEN_WRITES = 10.0
AGAIN_SECONDS = 1.0
# A source that no policy reads is probed so many seconds after it last answered, or last failed.
IDLE_SECONDS = 30.0
FAILED_SECONDS = 10.0
TICK_SECONDS = 5.0
ANSWERING = "Answering"
MESSAGE_LIMIT = 2048
SIGNED = (
    " So it is for the release of Lease {}, the oldest in this cluster, which alone writes this; conditions "
    "MetricsAvailable of policies say how others find it."
)
ANSWERED = "Queries are answered."
ANYBODY = (
    "It names no namespaceLabel, so whoever is scraped, in whatever namespace, can export counts under any policy's "
    "name; write there the label that the scrape sets to a target's namespace."
)
Said = tuple[str, str, str]
"""Status and reason of a condition, and the Lease of the release that said so."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How the last exchange with a source ended.

    spec: by which the source was asked. failure: None for an answer. at: Unix seconds. behind: seconds by which the
    operator's clock is behind the source's, None where it is not.
    """

    spec: SourceSpec
    failure: MetricsFailure | None
    at: float
    behind: float | None = None

    @property
    def status_and_reason(self) -> tuple[str, str]:
        """Status and reason of the condition Reachable that follows from the exchange."""
        if self.failure is not None:
            return "False", self.failure.kind.value
        return "True", ANSWERING if self.behind is None else CLOCK_BEHIND

    def message(self, signature: str) -> str:
        """What the condition tells the admin. signature: Lease of the release that says it, "" for the only one."""
        answered = ANSWERED if self.behind is None else f"{ANSWERED} {late_by(self.behind)}"
        answered = answered if self.spec.namespace_label else f"{answered} {ANYBODY}"
        found = answered if self.failure is None else f"No counts: {self.failure.message}."
        return f"{found[: MESSAGE_LIMIT - 300]}{SIGNED.format(signature)}" if signature else found[:MESSAGE_LIMIT]


class SourceStatusWriter:
    """Learns from the reader how exchanges end, asks sources that no policy is reading, and writes their conditions.

    A source's status is written at most once in 10 s, by compare-and-swap, and only for another status or reason.
    """

    def __init__(
        self,
        cluster: Cluster,
        reader: CountBatcher,
        clock: Callable[[], float],
        signature: Callable[[], str | None] = lambda: "",
    ) -> None:
        """signature: Lease of this release; "" where it is the only one, None where another one writes."""
        self._cluster = cluster
        self._reader = reader
        self._clock = clock
        self._signature = signature
        self._reports: dict[str, SourceReport] = {}
        self._stored: dict[str, Said | None] = {}
        self._not_before: dict[str, float] = {}
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        reader.report = self.note_exchange

    def note_exchange(self, name: str, spec: SourceSpec, failure: MetricsFailure | None) -> None:
        """Remember how an exchange with a source ended. One by another spec than today's says nothing."""
        if self._reader.sources.get(name) == spec:
            self._reports[name] = SourceReport(spec, failure, self._clock(), self._reader.seconds_behind(name))
            if self._stored.get(name) != (*self._reports[name].status_and_reason, self._signature()):
                self._woken.set()

    def note_source(self, manifest: Manifest) -> None:
        """Remember what the status of a source says, which was listed or has changed."""
        name = manifest["metadata"]["name"]
        self._stored[name] = _stored_in(manifest)
        report = self._reports.get(name)
        if report is not None and report.spec != self._reader.sources.get(name):
            del self._reports[name]  # the report is about another spec
        self._woken.set()

    def forget(self, name: str) -> None:
        """Remember nothing of a source that was deleted."""
        for memory in (self._reports, self._stored, self._not_before):
            memory.pop(name, None)

    async def run(self) -> None:
        """Ask and write until cancelled."""
        while True:
            self._woken.clear()
            self.ask_idle()
            await self.write_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._woken.wait()

    def ask_idle(self) -> None:
        """Start to ask each source that no exchange was reported of for a while. One that hangs holds up no other."""
        now = self._clock()
        for name, spec in self._reader.sources.items():
            if name not in self._probes and now >= self._ask_at(name):
                task = asyncio.create_task(self._reader.probe(name, int(now) - spec.evaluation_delay_seconds))
                self._probes[name] = task
                task.add_done_callback(partial(self._probed, name))

    def _ask_at(self, name: str) -> float:
        report = self._reports.get(name)
        if report is None:
            return 0.0
        return report.at + (IDLE_SECONDS if report.failure is None else FAILED_SECONDS)

    def _probed(self, name: str, _: asyncio.Task[None]) -> None:
        del self._probes[name]

    async def write_due(self) -> None:
        """Write every condition that has changed and whose time has come, unless another release writes them."""
        signature = self._signature()
        if signature is None:
            return
        for name, report in list(self._reports.items()):
            is_said = self._stored.get(name) == (*report.status_and_reason, signature)
            if is_said or self._clock() < self._not_before.get(name, 0.0):
                continue
            try:
                await self._write(name, report, signature)
            except Conflict:
                self._not_before[name] = self._clock() + AGAIN_SECONDS
            except ClusterError as error:
                log.warning("the status of MetricSource %s was not written: %s", name, error)
                self._not_before[name] = self._clock() + SECONDS_BETWEEN_WRITES
            except Exception:
                # A fault that one source provokes must not stop the others.
                log.exception("the status of MetricSource %s was not written", name)
                self._not_before[name] = self._clock() + SECONDS_BETWEEN_WRITES

    async def _write(self, name: str, report: SourceReport, signature: str) -> None:
        manifest = await self._cluster.get(SOURCES, None, name)
        if manifest is None or source_spec(manifest) != report.spec:
            self._not_before[name] = self._clock() + AGAIN_SECONDS  # the watch is about to bring the present one
            return
        status = status_with(manifest, report, int(self._clock()), signature)
        if status is not None:
            await self._cluster.replace(SOURCES, None, {**manifest, "status": status}, "status")
            self._not_before[name] = self._clock() + SECONDS_BETWEEN_WRITES
            reachable, reason = report.status_and_reason
            fields = {"kind": "MetricSource", "object": name, "reason": reason}
            message = report.message(signature)
            log.info("MetricSource %s: Reachable=%s, %s: %s", name, reachable, reason, message, extra=fields)
        self._stored[name] = (*report.status_and_reason, signature)


def status_with(manifest: Manifest, report: SourceReport, now: int, signature: str = "") -> dict[str, Any] | None:
    """The status of a MetricSource after this report; None when it says so already. signature: of who says it."""
    if _stored_in(manifest) == (*report.status_and_reason, signature):
        return None
    before, known = manifest.get("status", {}), _condition_in(manifest)
    others = [each for each in before.get("conditions", []) if each["type"] != REACHABLE]
    status, reason = report.status_and_reason
    condition = {
        "type": REACHABLE,
        "status": status,
        "observedGeneration": manifest["metadata"]["generation"],
        "lastTransitionTime": known["lastTransitionTime"] if known.get("status") == status else rfc3339(now),
        "reason": reason,
        "message": visible(report.message(signature)),
    }
    return {**before, "conditions": [*others, condition]}


def _condition_in(manifest: Manifest) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = manifest.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == REACHABLE), {})


def _stored_in(manifest: Manifest) -> Said | None:
    """What the stored condition says, when it is about the present spec."""
    known = _condition_in(manifest)
    if known.get("observedGeneration") != manifest["metadata"]["generation"]:
        return None
    before, after = SIGNED.split("{}")
    _, found, rest = str(known.get("message", "")).rpartition(before)
    return known["status"], known["reason"], rest.removesuffix(after) if found else ""


def source_spec(manifest: Manifest) -> SourceSpec | None:
    """The spec of a MetricSource; None for one that was written before the CRD had its rules: nobody can use it."""
    try:
        return SourceSpec.model_validate(manifest["spec"])
    except ValidationError:
        return None
