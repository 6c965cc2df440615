"""The operator's own metrics, served at /metrics."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from earlystop.controller.policy_metrics.collector import PolicyCollector
from earlystop.metrics.source.failures import FailureKind

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each counter that nobody reads

registry = CollectorRegistry()
for make in (ProcessCollector, PlatformCollector, GCCollector):
    make(registry=registry)

POLICY_SERIES = PolicyCollector()
registry.register(POLICY_SERIES)

BUILD_INFO = Gauge(
    "earlystop_operator_build_info", "1, with the operator's version.", ["version", "python"], registry=registry
)
POLICIES = Gauge("earlystop_operator_policies", "Policies by the phase of their rollout.", ["phase"], registry=registry)
AWAITING_APPROVAL = Gauge(
    "earlystop_operator_policies_awaiting_approval",
    "Policies with a decision that waits for people.",
    registry=registry,
)
LOOKS = Counter("earlystop_operator_looks", "Looks taken, by their result.", ["outcome"], registry=registry)
LOOK_LATENESS = Histogram(
    "earlystop_operator_look_lateness_seconds",
    "From the moment at which a look's counts are complete until it has been judged.",
    buckets=(0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 15, 60),
    registry=registry,
)
RECONCILIATIONS = Counter(
    "earlystop_operator_reconciliations",
    "Reconciliations of policies, by how they ended.",
    ["outcome"],
    registry=registry,
)
VERDICTS = Counter(
    "earlystop_operator_verdicts",
    "Verdicts that this process has stored, by decision and reason.",
    ["decision", "reason"],
    registry=registry,
)
STATUS_WRITES = Counter("earlystop_operator_status_writes", "Writes of a policy's status.", registry=registry)
EVENTS_HELD_BACK = Counter(
    "earlystop_operator_events_held_back",
    "Events that were not posted, since their policy had too many of them.",
    registry=registry,
)
HOOK_DELIVERIES = Counter(
    "earlystop_operator_hook_deliveries",
    "Attempts to tell a hook of an occurrence, by their outcome: delivered, failed (tried again) or given_up.",
    ["outcome"],
    registry=registry,
)
LAST_BEAT = Gauge(
    "earlystop_operator_scheduler_beat_timestamp_seconds",
    "When the scheduler last ran its loop.",
    registry=registry,
)
RECORD_VERDICTS = Gauge(
    "earlystop_operator_record_verdicts",
    "Verdicts that the record holds, those that retention has removed among them.",
    registry=registry,
)
RECORD_BROKEN = Gauge(
    "earlystop_operator_record_broken",
    "1 where verdicts are not as they were published, until somebody takes the Lease's annotation out.",
    registry=registry,
)

# Each outcome is there from the start, at 0, so that the first one shows as an increase.
for outcome in ("done", "conflict", "gone", "api_error", "failed"):
    RECONCILIATIONS.labels(outcome)
for outcome in ("read", *(kind.value for kind in FailureKind)):
    LOOKS.labels(outcome)
try:
    BUILD_INFO.labels(version("earlystop-operator"), platform.python_version()).set(1)
except PackageNotFoundError:  # from a checkout
    BUILD_INFO.labels("checkout", platform.python_version()).set(1)
