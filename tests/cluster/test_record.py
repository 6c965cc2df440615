"""The record on a real API server: what is published, what retention removes, and what a cut tail looks like."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from earlystop.controller.cluster import CHECKPOINTS, VERDICTS
from earlystop.controller.record.keeper import RecordKeeper, RecordSettings
from earlystop.rollout.record.publication import BROKEN, SETTLED_SECONDS
from earlystop.rollout.record.retention import Retention
from earlystop.rollout.search.history import MOST_VERDICTS
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.own_client import connected
from tests.cluster.processes import child_environment
from tests.unit.rollout.record.chains import long_chain

MORE = 3


def verify(cluster: Cluster, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "earlystop.cli.main", "verify", "--chain", *words]
    environment = child_environment(KUBECONFIG=str(cluster.access.kubeconfig))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def lease(namespace: str) -> dict[str, Any]:
    metadata = {"name": "record", "namespace": namespace}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}


async def test_the_record_is_published_shortened_with_its_chain_and_a_cut_tail_shows(
    cluster: Cluster, namespace: str
) -> None:
    cluster.access.install_crds(CRDS)
    cluster.access.apply(lease(namespace))
    for each in long_chain(MOST_VERDICTS + MORE):
        metadata = {name: each["metadata"][name] for name in ("name", "labels", "annotations")}
        body = {**each, "metadata": {**metadata, "namespace": namespace}}
        assert cluster.access.write("POST", VERDICTS, namespace, "", body) == 201
    published = ("-n", namespace, "--lease", f"{namespace}/record")
    async with connected(cluster) as api:
        settings = RecordSettings("record", Retention(verdicts=1))
        keeper = RecordKeeper(api, lambda: time.time() + 2 * SETTLED_SECONDS, [namespace], settings, namespace)
        await keeper.keep()
        left = [each["metadata"]["name"] for each in cluster.access.items(VERDICTS, namespace)]
        assert sorted(left) == [f"qa-{number:03d}" for number in range(MORE, MOST_VERDICTS + MORE)]
        (checkpoint,) = cluster.access.items(CHECKPOINTS, namespace)
        assert len(checkpoint["spec"]["removed"]) == MORE
        code, output = verify(cluster, *published)
        assert f"Retention removed {MORE} verdicts before qa-{MORE:03d}" in output and "somebody did" not in output
        assert f"All {MOST_VERDICTS + MORE} verdicts" in output

        last = f"qa-{MOST_VERDICTS + MORE - 1:03d}"
        cluster.access.kubectl("delete", "esv", last, f"--namespace={namespace}")
        code, output = verify(cluster, *published)
        assert code == 1 and "somebody removed, changed or restored some" in output
        await keeper.keep()
    annotations = cluster.access.get("lease/record", f"--namespace={namespace}")["metadata"]["annotations"]
    assert "somebody removed, changed or restored some" in annotations[BROKEN]

    changed = json.dumps({"spec": {"policy": "other"}})
    name = checkpoint["metadata"]["name"]
    with pytest.raises(ClusterError, match="a checkpoint is never changed"):
        cluster.access.kubectl("patch", "esc", name, f"--namespace={namespace}", "--type=merge", f"--patch={changed}")
