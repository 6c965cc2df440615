"""How Kopf's watches find the API server and say who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import kopf


def login(environment: Mapping[str, str], **kwargs: Any) -> kopf.ConnectionInfo | None:
    """The service account of a Pod, else a kubeconfig; None where there is neither.

    In a Pod the API server is asked at the address in `environment`, as the operator's own requests are. Kopf by itself
    goes by the name kubernetes.default.svc, so that its watches would die with the cluster's name server.
    """
    found = kopf.login_with_service_account(**kwargs)
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if found is None or not host:
        return found or kopf.login_with_kubeconfig(**kwargs)
    return replace(found, server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")
