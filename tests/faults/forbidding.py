"""What others set up in a cluster that forbids the operator to write: quotas, and admission webhooks of its objects
alone.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from earlystop.api.wire import MANAGED_BY_LABEL, MANAGER
from earlystop.controller.cluster import Resource
from tests.cluster.errors import ClusterError
from tests.cluster.processes import wait_until
from tests.e2e.stage import Stage
from tests.unit.metrics.source.certificates import Authority

QUOTAS = Resource("", "v1", "resourcequotas")
NAME = "rules-of-others"
UNSERVED_PORT = 1
Forbid = Callable[[Stage, str], AbstractContextManager[None]]
"""What forbids the operator's objects in this namespace while a block runs."""


def quota(counted: str) -> Forbid:
    """The namespace may have no more objects of a kind than the user's one. counted: as a quota spells the kind."""

    @contextmanager
    def forbid(stage: Stage, namespace: str) -> Iterator[None]:
        metadata = {"name": NAME, "namespace": namespace}
        hard = {f"count/{counted}": "1"}
        made = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
        stage.access.apply(made)

        def is_counted() -> bool:
            status = stage.access.read(QUOTAS, namespace, NAME).get("status", {})
            return bool(status.get("hard") == hard and status.get("used"))

        wait_until(is_counted, 90, "the quota to be counted")
        try:
            yield
        finally:
            stage.access.kubectl("delete", f"resourcequota/{NAME}", f"--namespace={namespace}")

    return forbid


@contextmanager
def webhook_that_is_down(stage: Stage, namespace: str) -> Iterator[None]:
    """A webhook that must be asked about the operator's objects, and that nobody serves."""
    with _webhook(stage, namespace, UNSERVED_PORT, 10):
        yield


@contextmanager
def webhook_that_hangs(stage: Stage, namespace: str) -> Iterator[None]:
    """The same of one that takes requests and never answers, for longer than the operator waits."""
    authority = Authority(stage.directory, "webhooks")
    context, kept = authority.issue("webhook", "IP:127.0.0.1").serving(), list[ssl.SSLSocket]()

    def take(server: socket.socket) -> None:
        with suppress(OSError):  # once it is closed
            while True:
                connection, _ = server.accept()
                with suppress(OSError):
                    kept.append(context.wrap_socket(connection, server_side=True))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=take, args=(server,), daemon=True)
        thread.start()
        with _webhook(stage, namespace, server.getsockname()[1], 30, authority.certificate):
            yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    for connection in kept:
        connection.close()


@contextmanager
def _webhook(stage: Stage, namespace: str, port: int, seconds: int, authority: bytes = b"") -> Iterator[None]:
    trusted = {"caBundle": base64.b64encode(authority).decode()} if authority else {}
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"]}
    asked = {
        "name": "rules.example.com",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", **trusted},
        "rules": [{**rule, "resources": ["services", "httproutes"]}],
        "objectSelector": {"matchLabels": {MANAGED_BY_LABEL: MANAGER}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": seconds,
        "admissionReviewVersions": ["v1"],
    }
    kind, name = "ValidatingWebhookConfiguration", f"{NAME}-of-{namespace}"
    made = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}}
    stage.access.apply({**made, "webhooks": [asked]})
    wait_until(lambda: not _may_write(stage, namespace), 30, "the webhook to be asked")
    try:
        yield
    finally:
        stage.access.kubectl("delete", f"{kind.lower()}/{name}")
        wait_until(lambda: _may_write(stage, namespace), 30, "the webhook not to be asked any more")


def _may_write(stage: Stage, namespace: str) -> bool:
    """Whether the API server would take an object with the operator's label. One that waits does not."""
    metadata: dict[str, Any] = {"name": "tried", "namespace": namespace, "labels": {MANAGED_BY_LABEL: MANAGER}}
    tried = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    try:
        stage.access.kubectl(
            "create", "--dry-run=server", "--request-timeout=2s", "--filename=-", input=json.dumps(tried)
        )
    except ClusterError:
        return False
    return True
