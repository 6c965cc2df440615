"""A service account's credentials where a Pod finds them, for a process that is none but must run as if it were."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.access import Access
from tests.cluster.network import show_empty

RUN = Path("/var/run")
ACCOUNT_FILES = RUN / "secrets" / "kubernetes.io" / "serviceaccount"
"""Where the kubelet puts them, which client libraries do not let anybody change."""


def show_service_account(access: Access, namespace: str, name: str) -> dict[str, str]:
    """Show this process and its children, once in their private network, the credentials of a service account as a Pod
    of it has them, in an empty RUN. Returns what the environment of such a Pod says of the API server."""
    cluster = access.cluster()
    server = urlsplit(cluster["server"])
    show_empty(RUN.resolve())
    ACCOUNT_FILES.mkdir(parents=True)
    (ACCOUNT_FILES / "token").write_text(access.service_account_token(namespace, name))
    (ACCOUNT_FILES / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    (ACCOUNT_FILES / "namespace").write_text(namespace)
    return {"KUBERNETES_SERVICE_HOST": str(server.hostname), "KUBERNETES_SERVICE_PORT": str(server.port)}
