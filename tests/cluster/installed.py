"""What an installation gives an operator, without its Pods: tests run the operator as a process."""

from __future__ import annotations

from typing import Any

from tests.cluster.access import Access
from tests.cluster.manifest_files import written_in
from tests.cluster.objects import CRDS
from tests.cluster.packaging import MANIFESTS

OPERATOR_NAMESPACE = "earlystop-system"
INSTALL = MANIFESTS / "install.yaml"


def install_without_operator(access: Access) -> None:
    """Apply definitions, rights and admission policies, and the operator's Deployment without a Pod."""
    access.install_crds(CRDS)
    # The definitions of the manifest are the same but for Helm's labels; to write both at each start would have the API
    # server serve them anew.
    others = (each for each in written_in(INSTALL) if each["kind"] != "CustomResourceDefinition")
    access.apply(*map(_without_pods, others))


def _without_pods(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "spec": {**made["spec"], "replicas": 0}} if made["kind"] == "Deployment" else made
