"""The kind InferencePool by its own project's definition, in a cluster for as long as a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.go_modules import INFERENCE_POOLS, file_of
from tests.cluster.packaging import objects
from tests.cluster.processes import wait_until

NAME = "inferencepools.inference.networking.k8s.io"
DEFINITION = "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml"


@contextmanager
def inference_pools(access: Access) -> Iterator[None]:
    """The API server knows the kind inside. Raises ClusterError where the definition is not to be had."""
    access.apply(*objects(file_of(INFERENCE_POOLS, DEFINITION)))
    wait_until(lambda: _is_served(access), 60, "the kind to be served")
    yield
    access.kubectl("delete", "crd", NAME)


def _is_served(access: Access) -> bool:
    try:
        access.kubectl("get", NAME, "--all-namespaces")
    except ClusterError:
        return False
    return True
