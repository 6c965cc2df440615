"""A real API server stores the largest status and the largest verdict of a search that judges 200 settings at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.wire import PACKED_LIMIT
from earlystop.controller.cluster import POLICIES, VERDICTS
from earlystop.rollout.look_schedule import LONGEST_TABLES, LOOKS_LIMIT_OF_MANY
from earlystop.rollout.stored.status_codec import to_status
from earlystop.rollout.verdict import verdict_object
from tests.cluster.kit import Cluster
from tests.cluster.objects import policy
from tests.simulations.many_settings import ETCD_LIMIT, SPEC, TIMES, a_curve, looks_of


@pytest.mark.slow
def test_the_largest_status_and_verdict_of_200_settings_are_stored(cluster: Cluster, namespace: str) -> None:
    written = {**policy(namespace, "many"), "spec": SPEC.wire()}
    cluster.access.apply(written)
    uid = cluster.access.read(POLICIES, namespace, "many")["metadata"]["uid"]
    *_, state = looks_of(a_curve(0.5), 5, replace(TIMES, deadline_seconds=60))
    status = to_status("many", uid, TIMES, state, "")
    status["internal"]["looks"] = "x" * LOOKS_LIMIT_OF_MANY
    status["internal"]["ledger"] = "x" * (PACKED_LIMIT - LOOKS_LIMIT_OF_MANY)
    assert cluster.access.write("PATCH", POLICIES, namespace, "many/status", {"status": status}) == 200
    stored = cluster.access.read(POLICIES, namespace, "many")
    assert stored["status"]["internal"] == status["internal"]
    assert len(stored["status"]["candidates"]) == 200
    assert _size(stored) < ETCD_LIMIT * 3 / 4

    verdict = verdict_object("many", namespace, uid, state)
    longer = LONGEST_TABLES // len(state.comparisons)
    for other in verdict["spec"]["others"]:
        other["lookTable"] = (other["lookTable"] + "\n") * (1 + longer // max(1, len(other["lookTable"])))
    assert _size(verdict) > LONGEST_TABLES
    assert cluster.access.write("POST", VERDICTS, namespace, "", verdict) == 201


def _size(found: dict[str, Any]) -> int:
    return len(json.dumps(found, separators=(",", ":")))
