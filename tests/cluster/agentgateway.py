"""The kind of agentgateway's that the operator makes objects of, in a cluster for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.go_modules import AGENTGATEWAY, file_of
from tests.cluster.packaging import objects
from tests.cluster.processes import wait_until

DEFINITION = Path(__file__).parent / "agentgateway-api" / "agentgatewaybackends.yaml"
NAME = "agentgatewaybackends.agentgateway.dev"
PUBLISHED_DEFINITION = "controller/install/helm/agentgateway-crds/templates/agentgateway.dev_agentgatewaybackends.yaml"


@contextmanager
def agentgateways_kind(access: Access, *, is_published: bool = False) -> Iterator[None]:
    """The API server knows the kind inside, by a definition of the tests' own that takes no field which the operator
    does not write, or by agentgateway's own as it is published."""
    definition = file_of(AGENTGATEWAY, PUBLISHED_DEFINITION) if is_published else DEFINITION.read_text()
    access.apply(*objects(definition))
    wait_until(lambda: _is_served(access), 60, "the kind to be served")
    yield
    access.kubectl("delete", "crd", NAME)


def _is_served(access: Access) -> bool:
    try:
        access.kubectl("get", NAME, "--all-namespaces")
    except ClusterError:
        return False
    return True
