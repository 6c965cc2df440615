"""Whatever the operator writes for routes as people write them passes the rules of a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterable

from earlystop.api.conditions import Refusal
from tests.cluster.kinds_of_others import agentgateways_kind
from tests.cluster.kit import Cluster
from tests.cluster.objects import Manifest
from tests.unit.delivery.corpus_cases import all_cases, written_objects


def take(cluster: Cluster, namespace: str, objects: Iterable[Manifest]) -> int:
    """Have the API server check objects in this namespace, those that are equal once; returns how many there were.
    Raises ClusterError with every refusal."""
    different, made = dict[str, Manifest](), 0
    for each in objects:
        placed = {"apiVersion": "gateway.networking.k8s.io/v1", **each}
        placed["metadata"] = {**each["metadata"], "namespace": namespace}
        different[json.dumps(placed, sort_keys=True)] = placed
        made += 1
    assert cluster.access.check_new(different.values()) == len(different)
    return made


def test_every_object_that_the_operator_would_write_is_taken(cluster: Cluster, namespace: str) -> None:
    found = [case for case in all_cases() if not isinstance(case.outcome, Refusal)]
    assert len(found) >= 200
    # The users' own routes are valid, so a refusal would be the operator's fault.
    take(cluster, namespace, {id(case.route): case.route for case in found}.values())
    with agentgateways_kind(cluster.access):
        assert take(cluster, namespace, (each for case in found for each in written_objects(case))) > 3 * len(found)
