"""What an installation gives an operator, without the Deployment's own: tests run that as a process."""

from __future__ import annotations

from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.packaging import MANIFESTS

OPERATOR_NAMESPACE = "earlystop-system"


def install_without_operator(cluster: Cluster) -> None:
    """Applies CRDs, rights and admission policies, and no Pod of the operator."""
    cluster.access.install_crds(CRDS)
    install = f"--filename={MANIFESTS / 'install.yaml'}"
    cluster.access.kubectl("apply", "--server-side", "--force-conflicts", install)
    cluster.access.kubectl("scale", "deployment/earlystop", f"--namespace={OPERATOR_NAMESPACE}", "--replicas=0")
