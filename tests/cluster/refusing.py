"""What a real API server says against an object, and parts of policies that tests of it share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import Manifest

GRID: dict[str, Any] = {"strategy": "Grid", "parameters": [{"name": "window", "values": ["20", "10"]}]}


def candidate(name: str, value: str) -> Manifest:
    return {"name": name, "values": [{"name": "window", "value": value}]}


def refusal(cluster: Cluster, manifest: Manifest) -> str:
    """The API server's words against creating an object."""
    create = ("create", "--dry-run=server", "--validate=strict", "--filename=-")
    with pytest.raises(ClusterError) as caught:
        cluster.access.kubectl(*create, input=json.dumps(manifest))
    return str(caught.value)
