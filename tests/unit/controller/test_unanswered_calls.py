"""What is said of a call that an API server takes and never answers, and of one that it does not take."""

from __future__ import annotations

import socket

import pytest
from kubernetes.aio import client

from earlystop.controller.cluster import SERVICES, TIMED_OUT, Cluster, ClusterError


async def error_at(port: int) -> ClusterError:
    """What becomes of a write to this port of the machine."""
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{port}"
    async with Cluster(client.ApiClient(configuration)) as api:
        with pytest.raises(ClusterError) as caught:
            await api.create(SERVICES, "llm", {"metadata": {"name": "qa"}})
    return caught.value


async def test_a_call_that_is_never_answered_says_so_and_one_that_nobody_takes_says_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("earlystop.controller.cluster.TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections into its backlog
        port = silent.getsockname()[1]
        unanswered = await error_at(port)
    assert (unanswered.status, unanswered.message) == (0, TIMED_OUT)
    refused = await error_at(port)
    assert refused.status == 0 and refused.message != TIMED_OUT
