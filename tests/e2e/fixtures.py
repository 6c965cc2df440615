"""Fixtures of the end-to-end and fault tests, loaded by `tests/conftest.py`.

The cluster and the gateway are those of the cluster kit's tests, one of each for a worker: their ports are fixed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from earlystop.api.wire import MANAGED_BY_LABEL, MANAGER
from earlystop.controller.cluster import POLICIES, ROUTES
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.own_stage import own_stage
from tests.e2e.stage import Stage
from tests.e2e.watching import Following, following

RATE = 200.0


@pytest.fixture(scope="module")
def stage(cluster: Cluster, gateway: Gateway) -> Iterator[Stage]:
    """Server, Prometheus and operator, for the tests of one file. Policies come one after another."""
    with own_stage(cluster, gateway) as stage:
        stage.start_operator()
        yield stage


@pytest.fixture(scope="module")
def watched(stage: Stage) -> Iterator[Following]:
    """Every revision of the stage's policies and routes."""
    with following(stage) as watches:
        yield watches


@pytest.fixture(scope="module")
def core_waits(stage: Stage) -> Iterator[CoreWaits]:
    """What the stage's processes and this one wait for a core, for tests that promise a time."""
    with CoreWaits(stage.pids) as waits:
        yield waits


@pytest.fixture
def load(stage: Stage) -> Iterator[None]:
    """Clients that ask throughout the test; not one of their requests may fail."""
    stage.start_load(RATE)
    yield
    summary = stage.stop_load()
    assert summary["sent"] > 0 and summary["failed"] == 0, (summary["failures"], summary["examples"])


@pytest.fixture
def no_policy_left(stage: Stage) -> Iterator[None]:
    """Deletes every policy after the test, and waits for the collection of its overlay: one target serves all
    tests of a file."""
    yield
    stage.access.delete_all(POLICIES, stage.namespace)
    wait_until(lambda: not stage.access.items(POLICIES, stage.namespace), 60, "the policies to be gone")

    def overlays() -> list[str]:
        routes = [each["metadata"] for each in stage.access.items(ROUTES, stage.namespace)]
        return [each["name"] for each in routes if each.get("labels", {}).get(MANAGED_BY_LABEL) == MANAGER]

    wait_until(lambda: not overlays(), 60, "the overlays to be collected")
