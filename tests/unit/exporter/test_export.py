"""What a server counts is what its metrics page says, within bounds that no client's header can move."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import threading
from collections import defaultdict

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import RESULTS
from earlystop.exporter.assignment import MAX_STRATA
from earlystop.exporter.export import Exporter
from earlystop.exporter.revisions import IDLE_SECONDS, MAX_RETIRED, MAX_SETTINGS
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge, totals
from earlystop.metrics.source.answer import Sample
from tests.unit.exporter.pages import POLICY, REVISION, Clock, assignment, read, scrape, unassigned


def test_both_variants_stand_at_zero_as_soon_as_a_revision_is_registered(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    assert exporter.register(POLICY, REVISION, 2, "multi-hop")
    assert read(registry) == {SeriesKey(2, variant, "multi-hop", "proc"): Tally() for variant in Variant}
    assert len(scrape(registry)) == 2 * 8


def test_what_was_counted_is_what_the_page_says(exporter: Exporter, registry: CollectorRegistry) -> None:
    rng, expected = random.Random(7), defaultdict[SeriesKey, Tally](Tally)
    for step in range(3):
        exporter.register(POLICY, REVISION, step)
        for variant in Variant:
            expected[SeriesKey(step, variant, "default", "proc")] += Tally()
    for _ in range(2000):
        step, variant, tokens = rng.randrange(3), rng.choice(list(Variant)), rng.randint(0, 5000)
        key, one = SeriesKey(step, variant, "default", "proc"), assignment(variant, step=step)
        exporter.started(one)
        expected[key] += Tally(started=1)
        if rng.random() < 0.1:
            exporter.failed(one)
            expected[key] += Tally(failed=1)
        else:
            result = rng.choice(RESULTS)
            exporter.completed(one, tokens, result)
            expected[key] += Tally(completed=1, tokens=tokens, tokens_squared=tokens**2) + Tally(**{result: 1})
    assert read(registry) == expected


def test_the_page_has_no_created_series_in_either_format(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.started(assignment())
    assert b"_created" not in generate_latest(registry)
    openmetrics = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    assert b"_created" not in openmetrics
    assert b"earlystop_requests_started_total{" in openmetrics


def test_a_process_that_starts_again_has_another_id() -> None:
    assert Exporter(CollectorRegistry()).process != Exporter(CollectorRegistry()).process


FORKED = """
import os
from prometheus_client import CollectorRegistry, generate_latest
from earlystop.exporter.export import Assignment, Exporter, Shadow
registry = CollectorRegistry()
exporter = Exporter(registry, process="parent")
exporter.register("llm/qa", "r1", 0, variants=("baseline", "w10"))
told = Assignment("llm/qa", "r1", 0, "baseline")
for _ in range(7):
    exporter.started(told)
exporter.completed(told, 9, "match", [Shadow("w10", 3, "match")])
exporter._lock.acquire()  # as when another thread counts at this moment
child = os.fork()
if child == 0:
    exporter.started(told)
    print(generate_latest(registry).decode(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
exporter._lock.release()
print(generate_latest(registry).decode())
"""


@pytest.mark.slow
def test_a_forked_worker_counts_from_zero_under_an_id_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60)
    started = re.findall(r'started_total\{.*process="(\w+)".*variant="baseline"\} (\d+)', done.stdout)
    (child, ones), (parent, sevens) = started
    assert (parent, ones, sevens) == ("parent", "1", "7") and child != "parent"
    others = [line for line in done.stdout.splitlines() if f'process="{child}"' in line and "started" not in line]
    assert others and all(line.endswith(" 0.0") for line in others)
    assert 'process="parent",query_class="default",revision="r1",step="0",variant="w10"} 1.0' in done.stdout


def test_restarts_are_summed_and_never_lost(registry: CollectorRegistry) -> None:
    ledger = Ledger()
    for start in range(3):
        page = CollectorRegistry()
        exporter = Exporter(page, process=f"start{start}")
        exporter.register(POLICY, REVISION, 0)
        for _ in range(5 - start):
            exporter.started(assignment())
            ledger = merge(ledger, read(page))
    assert totals(ledger, 0)[Variant.BASELINE].started == 5 + 4 + 3


def test_an_unknown_revision_is_counted_as_unassigned(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.started(assignment(revision="never-registered"))
    exporter.started(assignment(policy="other/policy"))
    assert unassigned(registry) == {POLICY: 1, "unassigned": 1}


def test_the_seventeenth_revision_evicts_the_one_idle_for_longest_and_it_never_returns(
    exporter: Exporter, registry: CollectorRegistry, clock: Clock
) -> None:
    for n in range(16):
        assert exporter.register(POLICY, f"r{n}", 0)
    clock.now = IDLE_SECONDS
    exporter.started(assignment(revision="r0"))  # r1 is now the one unused for longest
    assert exporter.register(POLICY, "r16", 0)
    assert read(registry, revision="r0")
    assert not read(registry, revision="r1")
    assert not exporter.register(POLICY, "r1", 0)
    exporter.started(assignment(revision="r1"))
    exporter.completed(assignment(revision="r1"), 5, "match")
    assert not read(registry, revision="r1")
    assert unassigned(registry) == {POLICY: 1}


@pytest.mark.slow
def test_forged_headers_cannot_make_the_page_grow_without_bound(
    exporter: Exporter, registry: CollectorRegistry, clock: Clock
) -> None:
    exporter.register(POLICY, REVISION, 0)
    for n in range(1000):
        exporter.started(assignment(query_class=f"c{n}"))
        exporter.started(assignment(step=n))
        exporter.started(assignment(variant=f"v{n}"))
        exporter.started(assignment(policy=f"ns/p{n}"))
        exporter.setting(POLICY, REVISION, "baseline", f"parameter{n}", "1")
    assert len(read(registry)) == 2 * MAX_STRATA
    assert len(scrape(registry)) <= (2 * MAX_STRATA + 2) * 8 + MAX_SETTINGS
    for n in range(MAX_RETIRED + 100):
        clock.now += IDLE_SECONDS
        exporter.register(f"ns/p{n}", "r", 0)
        exporter.started(assignment(policy=f"ns/p{n}", revision="odd"))
    assert not exporter.register("new/policy", "r", 0), "the memory for evicted revisions is full"
    assert len(unassigned(registry)) <= 17
    assert len(scrape(registry)) < 1000


@pytest.mark.parametrize(
    "odd",
    [
        {"policy": "no-namespace"},
        {"policy": "a/b/c"},
        {"policy": "ns/" + "x" * 300},
        {"revision": "a b"},
        {"revision": "x" * 65},
        {"revision": "unassigned"},
        {"revision": ""},
        {"query_class": 'a"b'},
        {"query_class": "ü"},
        {"step": -1},
        {"step": 10_000},
        {"step": True},
        {"step": "0"},
    ],
)
def test_odd_label_values_are_never_exposed(
    exporter: Exporter, registry: CollectorRegistry, odd: dict[str, object]
) -> None:
    exporter.register(POLICY, REVISION, 0)
    named = assignment(**odd)  # type: ignore[arg-type]
    assert not exporter.register(named.policy, named.revision, named.step, named.query_class)
    exporter.started(named)
    assert sum(unassigned(registry).values()) == 1
    assert len(read(registry)) == 2


def test_a_new_class_of_a_known_revision_is_counted_at_once(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.started(assignment("candidate", query_class="multi-hop", step=1))
    rows = read(registry)
    assert rows[SeriesKey(1, Variant.CANDIDATE, "multi-hop", "proc")].started == 1
    assert rows[SeriesKey(1, Variant.BASELINE, "multi-hop", "proc")].started == 0


def test_a_setting_in_force_is_told_once_with_its_newest_value(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    assert exporter.setting(POLICY, REVISION, "candidate", "window", "10")
    assert exporter.setting(POLICY, REVISION, "candidate", "window", "8")
    assert not exporter.setting(POLICY, "unknown", "candidate", "window", "8")
    assert not exporter.setting(POLICY, REVISION, "third", "window", "8")
    assert not exporter.setting(POLICY, REVISION, "candidate", "window", 'bad"')
    labels = {"policy": POLICY, "revision": REVISION, "variant": "candidate", "parameter": "window", "value": "8"}
    rows = [row for row in scrape(registry) if row.labels["__name__"] == "earlystop_setting_info"]
    assert rows == [Sample({"__name__": "earlystop_setting_info", **labels}, 1.0)]


@pytest.mark.slow
def test_a_scrape_never_sees_half_of_a_request(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            exporter.started(assignment())
            exporter.completed(assignment(), 7, "match")

    thread = threading.Thread(target=serve)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # change threads as often as possible
    thread.start()
    try:
        for _ in range(200):
            tally = read(registry)[SeriesKey(0, Variant.BASELINE, "default", "proc")]
            assert tally.started - tally.completed in (0, 1)
            done = tally.completed
            whole = Tally(started=tally.started, completed=done, match=done, tokens=7 * done, tokens_squared=49 * done)
            assert tally == whole
    finally:
        over.set()
        sys.setswitchinterval(usual)
        thread.join()


@pytest.mark.parametrize(("tokens", "result"), [(-1, "match"), (1.5, "match"), (True, "match"), (1, "right")])
def test_a_count_that_is_none_is_refused(exporter: Exporter, tokens: int, result: str) -> None:
    with pytest.raises(ValueError, match=r"tokens is|result is"):
        exporter.completed(assignment(), tokens, result)


def test_two_exporters_in_one_registry_are_refused(exporter: Exporter, registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match="Duplicated"):
        Exporter(registry)
