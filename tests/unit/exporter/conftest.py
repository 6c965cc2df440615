"""Fixtures of the exporter's tests."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from earlystop.exporter.export import Exporter
from tests.unit.exporter.pages import Clock


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry of metrics, whose page the test reads."""
    return CollectorRegistry()


@pytest.fixture
def clock() -> Clock:
    """The exporter's clock, which stands still until the test moves it."""
    return Clock()


@pytest.fixture
def exporter(registry: CollectorRegistry, clock: Clock) -> Exporter:
    """An exporter of a process called `proc`, which counts into that registry."""
    return Exporter(registry, process="proc", clock=clock)
