"""Objects of gateways that write bodies, as the operator's own account hands them to an API server."""

from __future__ import annotations

import json
from typing import Any

from earlystop.api.body_knobs import Knob
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster

OPERATOR = ("--as=system:serviceaccount:earlystop-system:earlystop", "--as-group=system:masters")
TRIED = {Knob.REASONING_EFFORT: "low", Knob.THINKING: "false"}
TYPES: dict[Knob, dict[str, Any]] = {
    Knob.REASONING_EFFORT: {"type": "Choice", "choices": ["low", "high"], "stopsSooner": "WhenLower"},
    Knob.THINKING: {"type": "Boolean"},
}
NUMBER = {"type": "Integer", "minimum": "2", "maximum": "4096", "stopsSooner": "WhenLower"}


def take(cluster: Cluster, namespace: str, made: list[dict[str, Any]]) -> None:
    """Have the API server check objects as if the operator wrote them, and store none. Raises ClusterError."""
    items = [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in made]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.access.kubectl(
        *("create", "--dry-run=server", "--validate=strict", "--output=name", "--filename=-", *OPERATOR),
        input=text,
        timeout_seconds=240,
    )


def admitted(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> bool:
    try:
        take(cluster, namespace, [manifest])
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return False
        raise
    return True
