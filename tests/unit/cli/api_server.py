"""A kubeconfig that leads to an HTTP server on this machine which answers for an API server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from kubernetes.aio.config import kube_config

from earlystop.controller.cluster import Manifest
from tests.unit.metrics.source.faulty_server import Handler, serving


def use_kubeconfig(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As KUBECONFIG does, which the client library reads when it is imported."""
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def refused(handler: Handler, status: int, message: str) -> None:
    """As an API server refuses."""
    handler.reply(status, json.dumps({"kind": "Status", "message": message, "code": status}).encode())


@contextmanager
def api_with(objects: Sequence[Manifest], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """KUBECONFIG leads to an API server with these objects of one kind, in the namespace `llm`."""

    def answer(handler: Handler) -> None:
        last = handler.path.split("?")[0].rpartition("/")[2]
        found = next((each for each in objects if each["metadata"]["name"] == last), None)
        if last.startswith("earlystop"):
            handler.reply(200, json.dumps({"items": list(objects), "metadata": {}}).encode())
        elif found is None:
            refused(handler, 404, f"{last} not found")
        else:
            handler.reply(200, json.dumps(found).encode())

    with answering(answer, folder, monkeypatch):
        yield


@contextmanager
def answering(
    answer: object, folder: Path, monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext | None = None
) -> Iterator[None]:
    """KUBECONFIG leads to a server that answers as it is told to. It names no authority for a server with TLS."""
    assert callable(answer)
    with serving(answer, tls) as server:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "llm"}}],
            "clusters": [{"name": "here", "cluster": {"server": server.url}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        use_kubeconfig(path, monkeypatch)
        yield
