"""A control plane with a node on which Pods really run, and an installation on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.gateway import GATEWAY_API
from tests.pods.installation import Installation
from tests.pods.node import Node
from tests.pods.pod_images import archives


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A control plane of its own: Helm installs this project's CRDs with the chart, and must find none of another."""
    with ControlPlane(nodes=False, crds=(GATEWAY_API,)) as plane, Node(plane, archives(plane.directory)):
        yield plane


@pytest.fixture(scope="session")
def installation(plane: ControlPlane) -> Installation:
    """Prometheus, Traefik and the server as Pods, and the operator by its chart."""
    installation = Installation(plane)
    installation.deploy_service()
    installation.install()
    return installation
