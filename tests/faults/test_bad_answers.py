"""Prometheus answers badly in 18 ways, each to a policy of its own at the same time: each way has its name and one
event, nothing is decided or counted from any of them, and all recover by themselves.

Half of the policies read Prometheus 3.x, the other half 2.42.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from earlystop.api.counts import Look, Tally, Variant
from earlystop.controller.cluster import EVENTS, POLICIES, SOURCES
from earlystop.demo import manifests
from earlystop.metrics.source.failures import OF_ONE_POLICY, FailureKind
from earlystop.rollout.formatting import from_rfc3339
from tests.cluster.kit import own_address
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.proof import counted, looks_of
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.faults.many_hosts import asked
from tests.faults.service_namespaces import POLICY, Manifest, ServiceNamespace
from tests.faults.spoiled_prometheus import MODES, SpoiledPrometheus

REASONS = {
    "down": FailureKind.UNREACHABLE,
    "refused": FailureKind.UNREACHABLE,
    "hang": FailureKind.TIMEOUT,
    "slow drip": FailureKind.TIMEOUT,
    "401": FailureKind.UNAUTHORIZED,
    "422": FailureKind.NOT_EXECUTED,
    "429": FailureKind.THROTTLED,
    "500": FailureKind.SERVER_ERROR,
    "503": FailureKind.SERVER_ERROR,
    "HTML": FailureKind.NOT_JSON,
    "cut JSON": FailureKind.MALFORMED,
    "empty": FailureKind.NO_DATA,
    "NaN": FailureKind.NOT_A_COUNT,
    "Inf": FailureKind.NOT_A_COUNT,
    "negative": FailureKind.NOT_A_COUNT,
    "warnings": FailureKind.PARTIAL,
    "too many series": FailureKind.TOO_MANY_SERIES,
    "huge body": FailureKind.TOO_LARGE,
}
OF_THE_SOURCE = [mode for mode, kind in REASONS.items() if kind not in OF_ONE_POLICY]
RATE = 8.0
SECOND_PORT = 8081
QUERIES_WHILE_BAD = 3
QUICK_TO_GIVE_UP, PATIENT = 2, 10
"""Seconds that a query is waited for: on a busy machine a right answer may take some, which is another fault."""
UNASKED = ("refused",)  # nobody hears of a query that is refused


@dataclass(frozen=True, slots=True)
class Course:
    """One policy, and what stood in the cluster before, during and after its fault."""

    tenant: ServiceNamespace
    source: str
    proxy: SpoiledPrometheus
    prometheus: Prometheus
    told_before: frozenset[str]
    lost: Manifest
    still_lost: Manifest
    found: Manifest
    events: list[Manifest]


@dataclass(slots=True)
class Cast:
    """All policies under way, each before the fault that is meant for it."""

    stage: Stage
    tenants: dict[str, ServiceNamespace] = field(default_factory=dict)
    proxies: dict[str, SpoiledPrometheus] = field(default_factory=dict)
    upstreams: dict[str, Prometheus] = field(default_factory=dict)

    def source(self, mode: str) -> str:
        """The name of the MetricSource with this fault."""
        return f"spoiled-{self.tenants[mode].namespace}"

    def policies(self) -> dict[str, Manifest]:
        """The policies as they stand, by mode."""
        items = self.stage.access.items(POLICIES)
        found = {each["metadata"]["namespace"]: each for each in items}
        return {mode: found[tenant.namespace] for mode, tenant in self.tenants.items()}

    def wait(self, what: Any, seconds: float, described: str) -> dict[str, Manifest]:
        """The policies once `what` holds of each mode and status."""
        found: dict[str, Manifest] = {}

        def all_are() -> bool:
            found.update(self.policies())
            return all(what(mode, each.get("status", {})) for mode, each in found.items())

        try:
            wait_until(all_are, seconds, described)
        except RuntimeError as error:
            late = {
                mode: [(c["type"], c["status"], c["reason"]) for c in each.get("status", {}).get("conditions", [])]
                for mode, each in found.items()
                if not what(mode, each.get("status", {}))
            }
            raise AssertionError(f"{error}; not so: {late}") from None
        return found

    def events(self) -> dict[str, list[Manifest]]:
        """The events about each policy."""
        items = self.stage.access.items(EVENTS)
        mine = [each for each in items if each["involvedObject"].get("name") == POLICY]
        return {
            mode: [each for each in mine if each["metadata"]["namespace"] == tenant.namespace]
            for mode, tenant in self.tenants.items()
        }

    def reachable(self, modes: list[str]) -> dict[str, tuple[str, str]]:
        """Status and reason of the condition Reachable of these faults' sources."""
        items = {each["metadata"]["name"]: each for each in self.stage.access.items(SOURCES)}
        found = {mode: items[self.source(mode)].get("status", {}).get("conditions", []) for mode in modes}
        return {mode: (each[0]["status"], each[0]["reason"]) if each else ("", "") for mode, each in found.items()}


def lasting(tenant: ServiceNamespace, source: str) -> Manifest:
    """A policy that stays under way: harmless, but nobody saves 99 % of the tokens."""
    policy = manifests.policy(tenant.namespace, POLICY, source, 20, "0.10")
    step = {"steps": [{"weight": 50, "minimumSeconds": 2}], "settleSeconds": 1, "deadlineSeconds": 3600}
    policy["spec"]["rollout"].update({**step, "lookSeconds": 2})
    policy["spec"]["objective"]["tokens"]["minimumSaving"] = "0.99"
    return policy


def start_second_server(stage: Stage) -> Child:
    """A server keeps the counts of 16 revisions, and there are 18 policies."""
    address = f"--host={stage.server_address}"
    options = (address, f"--port={SECOND_PORT}", f"--data={stage.data}", "--drain-seconds=2", "--names-variants")
    return stage.python("second-server", "earlystop.demo.server", *options)


@pytest.fixture(scope="module")
def cast(stage: Stage) -> Iterator[Cast]:
    cast = Cast(stage)
    with ExitStack() as stack:
        ports = (stage.server_port, SECOND_PORT)
        stack.callback(start_second_server(stage).stop, 5.0)
        served = {"qa": [f"{stage.server_address}:{port}" for port in ports]}
        stage.prometheus.set_targets(served)
        older = stack.enter_context(Prometheus(stage.access.directory, address=own_address(), port=9091, older=True))
        older.start(served, "1s")
        for number, mode in enumerate(MODES):
            tenant = cast.tenants[mode] = ServiceNamespace(stage, f"{stage.namespace}-{number}", ports[number // 2 % 2])
            upstream = cast.upstreams[mode] = (stage.prometheus, older)[number % 2]
            proxy = cast.proxies[mode] = stack.enter_context(SpoiledPrometheus(upstream.url))
            stage.access.create_namespace(tenant.namespace)
            source = manifests.source(cast.source(mode), proxy.url)
            patience = QUICK_TO_GIVE_UP if REASONS[mode] is FailureKind.TIMEOUT else PATIENT
            source["spec"].update(evaluationDelaySeconds=DELAY_SECONDS, timeoutSeconds=patience)
            tenant.apply(source, *tenant.objects().values(), lasting(tenant, source["metadata"]["name"]))
        for tenant in cast.tenants.values():
            wait_until(tenant.answers, 60, f"{tenant.host} to answer")
        with asked(stage, [tenant.host for tenant in cast.tenants.values()], RATE):
            yield cast
        stage.access.kubectl(
            "delete", "namespace", *(tenant.namespace for tenant in cast.tenants.values()), "--wait=false"
        )
        stage.access.kubectl("delete", "ess", *map(cast.source, MODES))


@pytest.fixture(scope="module")
def courses(cast: Cast) -> dict[str, Course]:
    """Every fault at once, until each was met several times and named; then none any more."""

    def readable(mode: str, status: Manifest) -> bool:
        return phase_is("Observing")(status) and condition_is("MetricsAvailable", "True")(status)

    cast.wait(lambda mode, status: readable(mode, status) and len(looks_of(status)) > 0, 120, "all to be observed")
    told = {mode: frozenset(each["metadata"]["name"] for each in of) for mode, of in cast.events().items()}
    for mode, proxy in cast.proxies.items():
        proxy.become(mode)
    lost = cast.wait(
        lambda mode, status: condition_is("MetricsAvailable", "False", REASONS[mode])(status), 90, "all to be named"
    )
    asked_on = [mode for mode in MODES if mode not in UNASKED]
    wait_until(
        lambda: all(cast.proxies[mode].queries[mode] >= QUERIES_WHILE_BAD for mode in asked_on), 60, "more queries"
    )
    reachable = {mode: ("False", REASONS[mode].value) for mode in OF_THE_SOURCE}
    wait_until(
        lambda: cast.reachable(OF_THE_SOURCE) == reachable, 40, f"{reachable}, not {cast.reachable(OF_THE_SOURCE)}"
    )
    still_lost = cast.policies()
    for proxy in cast.proxies.values():
        proxy.become("fine")
    cast.wait(readable, 90, "all to be read again")
    found = cast.wait(
        lambda mode, status: len(looks_of(status)) > len(looks_of(lost[mode]["status"])), 60, "looks to be stored"
    )
    answering = dict.fromkeys(MODES, ("True", "Answering"))
    wait_until(lambda: cast.reachable(list(MODES)) == answering, 60, "all sources to be reachable again")
    events = cast.events()
    return {
        mode: Course(
            tenant=cast.tenants[mode],
            source=cast.source(mode),
            proxy=cast.proxies[mode],
            prometheus=cast.upstreams[mode],
            told_before=told[mode],
            lost=lost[mode]["status"],
            still_lost=still_lost[mode]["status"],
            found=found[mode]["status"],
            events=events[mode],
        )
        for mode in MODES
    }


def test_there_are_eighteen_ways_and_two_versions(cast: Cast) -> None:
    assert len(MODES) == 18 and set(MODES) == set(REASONS)
    assert sorted({each.version.startswith("2.42.") for each in cast.upstreams.values()}) == [False, True]


@pytest.mark.parametrize("mode", MODES)
def test_it_has_its_name_and_one_event(courses: dict[str, Course], mode: str) -> None:
    course, reason = courses[mode], REASONS[mode].value
    assert condition_is("MetricsAvailable", "False", reason)(course.still_lost)
    assert condition_is("Ready", "False", reason)(course.still_lost)
    (told,) = [each for each in course.events if each["reason"] == reason]
    assert "Nothing is decided" in told["message"] and told["type"] == "Warning"
    since = {each["reason"] for each in course.events if each["metadata"]["name"] not in course.told_before}
    # All policies here share one server, so each may be told of requests that met the routes of the others.
    assert since <= {reason, "MetricsRecovered", "OverlayMisses"}
    assert "SECRET" not in str((course.still_lost, course.events))


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_counted_or_decided_from_it(courses: dict[str, Course], mode: str) -> None:
    course = courses[mode]
    known = looks_of(course.lost)
    assert looks_of(course.still_lost) == known
    assert course.still_lost["internal"]["ledger"] == course.lost["internal"]["ledger"]
    assert course.still_lost["counts"] == course.lost["counts"]
    assert [each["phase"] for each in (course.lost, course.still_lost, course.found)] == ["Observing"] * 3
    assert course.tenant.get("esv")["items"] == []


@pytest.mark.parametrize("mode", MODES)
def test_it_recovers_by_itself_and_has_lost_no_count(courses: dict[str, Course], mode: str) -> None:
    course = courses[mode]
    known, looks = looks_of(course.lost), looks_of(course.found)
    assert looks[: len(known)] == known and len(looks) > len(known)
    label = f"{course.tenant.namespace}/{POLICY}"
    moments = (from_rfc3339(course.found["evidenceFrom"]), looks[-1].at)
    before, after = (counted(course.prometheus, label, course.found["revision"], 0, at) for at in moments)
    assert summed(looks) == {variant: after[variant] - before[variant] for variant in Variant}
    assert all(tally.completed > 0 for tally in summed(looks).values())


def summed(looks: tuple[Look, ...]) -> dict[Variant, Tally]:
    """What all looks hold together."""
    return {
        Variant.BASELINE: sum((look.baseline for look in looks), Tally()),
        Variant.CANDIDATE: sum((look.candidate for look in looks), Tally()),
    }
