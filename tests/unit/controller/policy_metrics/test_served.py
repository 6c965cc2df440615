"""Whoever asks for /metrics in a loop costs no more than one scrape a second, and holds up no look."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from earlystop.controller.policy_metrics import served
from earlystop.controller.policy_metrics.collector import PolicyCollector
from earlystop.controller.policy_metrics.served import LEAST_SECONDS, MetricsPage, named, page_of


class Counted(Collector):
    """Counts how often it is scraped, and by which threads; each time waits until it may go on."""

    def __init__(self) -> None:
        self.scrapes = 0
        self.threads: set[int] = set()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def describe(self) -> Iterator[Metric]:
        yield from ()

    def collect(self) -> Iterator[Metric]:
        assert self.may_go_on.wait(10)
        self.scrapes += 1
        self.threads.add(threading.get_ident())
        yield GaugeMetricFamily("scrapes", "so far", value=self.scrapes)


def page(clock: list[float]) -> tuple[Counted, MetricsPage]:
    registry, counted = CollectorRegistry(), Counted()
    registry.register(counted)
    return counted, MetricsPage(registry, lambda: clock[0])


async def test_many_who_ask_at_once_get_one_page_and_later_ones_a_new_one() -> None:
    clock = [100.0]
    counted, shown = page(clock)
    texts = await asyncio.gather(*(shown.text() for _ in range(50)))
    assert counted.scrapes == 1 and all(each is texts[0] for each in texts)
    clock[0] += LEAST_SECONDS
    assert b"scrapes 2.0" in bytes(await shown.text())


async def test_a_page_is_in_memory_no_longer_than_it_is_served_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "LEAST_SECONDS", 0.01)
    _, shown = page([0.0])
    kept = weakref.ref(await shown.text())
    for _ in range(1000):
        if kept() is None:
            break
        await asyncio.sleep(0.01)
    assert kept() is None


async def test_the_loop_goes_on_while_a_page_is_made() -> None:
    counted, shown = page([0.0])
    counted.may_go_on.clear()
    making = asyncio.create_task(shown.text())
    await asyncio.sleep(0)  # the loop comes back here although the page cannot be finished
    counted.may_go_on.set()
    await making
    assert counted.threads and threading.get_ident() not in counted.threads


class Several(Collector):
    """Families of each type, and how many of them were alive whenever another one was made."""

    def __init__(self) -> None:
        self.alive: list[int] = []

    def describe(self) -> Iterator[Metric]:
        yield from ()

    def collect(self) -> Iterator[Metric]:
        made: list[weakref.ref[Metric]] = []
        for kind in (GaugeMetricFamily, CounterMetricFamily, GaugeMetricFamily):
            self.alive.append(sum(each() is not None for each in made))
            family = kind(f"family_{len(made)}", 'Says "so"\nin two lines.', labels=["text"])
            family.add_metric(['a "b" \\ \n c'], 0.1)
            family.add_metric(["é"], float("inf"))
            made.append(weakref.ref(family))
            yield family
            del family


def test_the_page_is_what_the_library_writes_and_one_family_of_it_is_in_memory_at_a_time() -> None:
    registry, several = CollectorRegistry(), Several()
    registry.register(several)
    registry.register(Histogram("seconds", "As they come.", registry=None))
    Counter("created", "Has a moment.", ["why"], registry=registry).labels("so").inc()
    expected = generate_latest(registry)
    several.alive.clear()
    assert bytes(page_of(registry)) == expected
    assert several.alive == [0, 0, 0]


def test_who_asks_for_metrics_by_name_has_nothing_else_worked_out() -> None:
    registry, counted = CollectorRegistry(), Counted()
    registry.register(counted)
    Counter("looks", "taken", registry=registry).inc()
    Counter("writes", "made", registry=registry)
    text = named(registry, ["looks_total", "nobody_has_this"])
    assert b"looks_total 1.0" in text and b"writes" not in text
    assert counted.scrapes == 0


def test_who_asks_by_name_for_what_policies_have_has_no_policy_looked_at() -> None:
    """In a loop, that would hold up the looks of all."""
    registry, collector = CollectorRegistry(), PolicyCollector()
    registry.register(collector)
    looked_at = list[bool]()

    def views() -> tuple[()]:
        looked_at.append(True)
        return ()

    collector.show(views)
    names = [sample for family in registry.collect() for sample in (family.name, f"{family.name}_total")]
    looked_at.clear()
    assert names and named(registry, names) == b"" and not looked_at
