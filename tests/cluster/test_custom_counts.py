"""The preset Custom on a real Prometheus: processes are killed, scraped by two jobs, and shown by an exporter.

Their counters know of no revision, step nor process: they begin at 0 again and again. The Kubernetes API is in memory.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.api.source import SourceSpec
from earlystop.api.status.policy import Uncertain
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.status_writer import StatusConflict
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.templates.reader import TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind, look, totals, uncertain
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.verify.verdict import differences
from tests.cluster.counting_fleet import Fleet
from tests.cluster.counting_server import FOREIGN
from tests.cluster.network import NODE_ADDRESS, enter_private_network
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus
from tests.cluster.raw_counts import scrapeable
from tests.e2e.proof import verdict_looks
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import SAVING

ROOT = Path(__file__).resolve().parents[2]
EXPORTER = f"{NODE_ADDRESS}:9170"
LONGEST_SECONDS = 180
SETTLED = {"steps": [{"weight": 20, "minimumSeconds": 40}], "lookSeconds": 2, "settleSeconds": 4}
POLICY: dict[str, Any] = {
    "metrics": {"preset": "Custom"},
    "rollout": {**SETTLED, "deadlineSeconds": LONGEST_SECONDS},
    "objective": {"exactMatch": {"margin": "0.10"}},
}
TEMPLATES = {
    "completed": f'{FOREIGN}_total{{variant="{{variant}}"}}',
    "match": f'{FOREIGN}_answers_total{{variant="{{variant}}",result="match"}}',
    "mismatch": f'{FOREIGN}_answers_total{{variant="{{variant}}",result="mismatch"}}',
    "tokens": f'{FOREIGN}_tokens_total{{variant="{{variant}}"}}',
    "tokensSquared": f'{FOREIGN}_tokens_squared_total{{variant="{{variant}}"}}',
}
# A sample may be a scrape old, and a process may have counted for as long before its first one.
SLACK_SECONDS = 3.0
FIELDS = ("completed", "match", "mismatch", "tokens", "tokens_squared")


@pytest.fixture
def both() -> Iterator[tuple[Prometheus, Prometheus]]:
    """Prometheus 3.x and 2.42, which scrape the same targets at the same time."""
    scratch = enter_private_network()
    with Prometheus(scratch, port=9192) as newer, Prometheus(scratch, port=9193, older=True) as older:
        for each in (newer, older):
            each.start({}, "1s")
        assert [each.version.startswith("2.42.") for each in (newer, older)] == [False, True]
        yield newer, older


async def run(world: World, fleet: Fleet, rng: random.Random) -> int:
    """Reconciles until the policy is promoted; now and then the operator is killed. Returns how often."""
    due, killed, end = 0.0, 0, time.monotonic() + LONGEST_SECONDS
    while world.status.get("phase") != "Promoted":
        assert time.monotonic() < end, (world.status.get("phase"), world.status.get("conditions"))
        fleet.pump()
        world.now = time.time()
        if world.now >= due:
            assert world.reconciler is not None
            try:
                due = await world.reconciler.reconcile(world.tracked)
            except StatusConflict:
                continue
            ledger = world.tracked.ledger
            assert not (isinstance(ledger, ResetLedger) and is_blind(ledger))
            if rng.random() < 0.1:
                world.tracked, due, killed = TrackedPolicy.load(world.policy, world.now), 0.0, killed + 1
        await asyncio.sleep(0.1)
    return killed


async def promoted(prometheus: Prometheus, fleet: Fleet, rng: random.Random) -> tuple[World, int]:
    """A world whose policy was promoted by what this Prometheus reads, and how often its operator was killed."""
    world, reader = World(SAVING, POLICY), CountBatcher()
    spec = {"url": prometheus.url, "scrapeIntervalSeconds": 1, "evaluationDelaySeconds": 2}
    source = {**spec, "namespaceLabel": "namespace", "templates": TEMPLATES}
    reader.learn_source("default", SourceSpec.model_validate(source))
    world.counts = reader  # type: ignore[assignment]
    async with world.open():
        return world, await run(world, fleet, rng)


async def test_a_custom_policy_is_promoted_on_killed_processes_that_two_jobs_read_and_never_counts_more_than_happened(
    both: tuple[Prometheus, Prometheus],
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    with Fleet(directory, size=3, seed=7) as fleet:
        labels = {"qa": {"namespace": "llm"}, "annotations": {"namespace": "llm", "app": "qa", "service": "qa-alias"}}
        for prometheus in both:
            prometheus.set_targets(dict.fromkeys(labels, fleet.addresses), labels=labels)
        found = await asyncio.gather(*(promoted(each, fleet, random.Random(3)) for each in both))
    for prometheus, (world, killed) in zip(both, found, strict=True):
        assert killed > 0, "restarts of the operator"
        assert_no_more_is_counted_than_happened(prometheus, fleet, world)
    assert fleet.lives > 6, "restarts of servers"


def assert_no_more_is_counted_than_happened(prometheus: Prometheus, fleet: Fleet, world: World) -> None:
    """And with what is left open nearly all that was shown."""
    (verdict,) = world.verdicts()
    assert differences(verdict["spec"]) == []
    looks = verdict_looks(verdict)
    began, ended = from_rfc3339(world.status["evidenceFrom"]), looks[-1].at
    most = fleet.truth(began - SLACK_SECONDS, ended)
    before, after = (scrapeable([prometheus], int(at)) for at in (began + SLACK_SECONDS, ended - SLACK_SECONDS))
    left_open = Uncertain.model_validate(world.status.get("uncertain", {}))
    for variant, remainder in ((Variant.BASELINE, left_open.baseline), (Variant.CANDIDATE, left_open.candidate)):
        counted = sum((getattr(look, variant) for look in looks), Tally())
        for field in FIELDS:
            assert getattr(counted, field) <= getattr(most[variant], field)
            # What no scrape saw before a process was killed is in nobody's counts: some of each of these short lives.
            shown = getattr(after[variant], field) - getattr(before[variant], field)
            possible = getattr(counted, field) + getattr(remainder.tally(), field)
            assert shown > 0 and possible >= 0.8 * shown


def exporter(directory: Path, page: str) -> Child:
    """An exporter of that page, on a port of its own."""
    host, _, port = EXPORTER.partition(":")
    words = (sys.executable, "-m", "tests.cluster.restarting_exporter", host, port, page)
    paths = f"{ROOT / 'operator'}:{ROOT}"
    return Child("exporter", words, directory, environment={"PYTHONPATH": paths})


def test_an_exporter_that_restarts_thrice_before_counters_that_go_on_counts_no_event_again(
    both: tuple[Prometheus, Prometheus],
) -> None:
    directory = Path(tempfile.mkdtemp(prefix="fleet-", dir=enter_private_network()))
    asked = TemplateRequest("llm/qa", "r1", 60, "Custom", {"completed": TEMPLATES["completed"]})
    for prometheus in both:
        prometheus.set_targets({"exporter": [EXPORTER]})
    began, ledgers, shown_for = 0, [ResetLedger(0, 0)] * len(both), list[tuple[float, float]]()
    with Fleet(directory, size=1, seed=11) as fleet:  # its process is not killed, since nobody pumps
        for life in range(4):
            shown = exporter(directory, f"http://{fleet.addresses[0]}/metrics")
            wait_until(lambda: all(EXPORTER in scraped(each) for each in both), 20, "the exporter to be scraped")
            first = last = time.time()
            for _ in range(3):
                last = time.time()
                for prometheus in both:
                    prometheus.wait_scraped(last)
            at = math.ceil(time.time())
            if life == 0:
                began, ledgers = at, [ResetLedger(0, 1000 * at)] * len(both)
            else:
                shown_for.append((first, last))
            ledgers = [
                look(ledger, read_templates(ExactPrometheus(each.url), asked, at).observed).ledger
                for ledger, each in zip(ledgers, both, strict=True)
            ]
            shown.stop(patience_seconds=0.0)
            wait_until(lambda: not any(EXPORTER in scraped(each) for each in both), 20, "the exporter to be missed")
    happened = fleet.truth(began - SLACK_SECONDS, at)
    for ledger, variant in product(ledgers, Variant):
        counted, left_open = totals(ledger, 0)[variant].completed, uncertain(ledger, 0)[variant].completed
        surely = sum(fleet.truth(first, last)[variant].completed for first, last in shown_for)
        # An event is logged a moment before it is counted.
        assert 0 < surely - 2 * len(shown_for) <= counted <= happened[variant].completed
        assert left_open >= counted, "what the exporter showed after a restart may all be new"


def scraped(prometheus: Prometheus) -> set[str]:
    """The targets whose last scrape went well."""
    return {row["metric"]["instance"] for row in prometheus.query("up == 1")}
