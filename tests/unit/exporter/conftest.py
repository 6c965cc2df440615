"""Fixtures of the exporter's tests."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from earlystop.exporter.export import Exporter


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry of metrics, whose page the test reads."""
    return CollectorRegistry()


@pytest.fixture
def exporter(registry: CollectorRegistry) -> Exporter:
    """An exporter of a process called `proc`, which counts into that registry."""
    return Exporter(registry, process="proc")
