"""Fixtures of the tests of approvals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.approvals.scene import Scene, scene_in, shipped_rules
from tests.cluster.kit import Cluster


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    with shipped_rules(cluster):
        yield


@pytest.fixture
def scene(cluster: Cluster, namespace: str) -> Iterator[Scene]:
    with scene_in(cluster, namespace) as made:
        yield made
