"""Fixtures of every test that needs a cluster, loaded by `tests/conftest.py`.

Every pytest-xdist worker is a process with its own network, so each has its own cluster on the same ports.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from earlystop.controller.cluster import NAMESPACES
from tests.cluster import rights
from tests.cluster.control_plane import ControlPlane
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster, own_address, use_or_start
from tests.cluster.objects import CRDS
from tests.cluster.prometheus import Prometheus


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A control plane with controllers, a hollow node, and the CRDs of the Gateway API and of this project.

    Garbage collection knows these kinds from its start; of later ones it would hear within 30 s.
    """
    with use_or_start(crds=(CRDS,), audit=rights.OPERATOR) as cluster:
        yield cluster
        if isinstance(cluster.access, ControlPlane):
            rights.keep(cluster.access.audit_log, os.environ.get("PYTEST_XDIST_WORKER", "alone"))


@pytest.fixture(scope="session")
def gateway(cluster: Cluster) -> Iterator[Gateway]:
    """Traefik on that cluster, with Gateway `gateway` in namespace `default`, open to all namespaces."""
    with Gateway(cluster.access, address=own_address(), throttle="100ms") as gateway:
        yield gateway


@pytest.fixture
def prometheus(cluster: Cluster) -> Iterator[Prometheus]:
    """An empty Prometheus of the test's own, not yet started."""
    with Prometheus(cluster.access.directory, address=own_address()) as prometheus:
        yield prometheus


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A fresh namespace, removed after the test without waiting for it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.access.create_namespace(name)
    yield name
    cluster.access.delete(NAMESPACES, None, name)
