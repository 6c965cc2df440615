"""A verb is written on what the person saw, or not at all: against a real API server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.api.signatures import signer_of
from earlystop.cli.manual_plan import ManualPlan, Refused
from earlystop.cli.submit import read, submit, wait, whoami
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, policy
from tests.cluster.own_client import connected

ABORT, PROMOTE, BY = "earlystop.dev/abort", "earlystop.dev/promote", "earlystop.dev/abort-by"
PLANNED = ManualPlan({"metadata": {"annotations": {ABORT: "0123456789"}}}, "It is aborted.", "abort", "0123456789")


@pytest.fixture(autouse=True)
def applied(cluster: Cluster, namespace: str) -> None:
    cluster.access.install_crds(CRDS)
    cluster.access.apply(policy(namespace))


def annotations_of(cluster: Cluster, namespace: str) -> dict[str, str]:
    found = cluster.access.get("esp/qa", f"--namespace={namespace}")["metadata"].get("annotations", {})
    return dict(found)


def reported(cluster: Cluster, namespace: str, **status: Any) -> None:
    """As the operator does."""
    found = cluster.access.get("esp/qa", f"--namespace={namespace}")
    cluster.access.kubectl(
        "replace", "--subresource=status", "--filename=-", input=json.dumps({**found, "status": status})
    )


async def test_a_verb_is_signed_with_the_name_that_the_api_server_knows(cluster: Cluster, namespace: str) -> None:
    where = ("annotate", "esp/qa", f"--namespace={namespace}")
    cluster.access.kubectl(*where, f"{PROMOTE}=0123456789")  # nobody signed it, and nobody carried it out
    async with connected(cluster) as api:
        seen = await read(api, namespace, "qa")
        assert await submit(api, seen, PLANNED) == await whoami(api) == "admin"
    annotations = annotations_of(cluster, namespace)
    assert signer_of(annotations.pop(BY), "0123456789") == "admin"
    assert annotations == {ABORT: "0123456789"}
    (owner,) = [
        entry["manager"]
        for entry in cluster.access.get("esp/qa", f"--namespace={namespace}", "--show-managed-fields")["metadata"][
            "managedFields"
        ]
        if f"f:{ABORT}" in str(entry["fieldsV1"])
    ]
    assert owner == "earlystop-cli"


async def test_counts_that_grew_since_the_person_looked_do_not_stop_a_verb(cluster: Cluster, namespace: str) -> None:
    reported(cluster, namespace, phase="Settling", campaign=1, revision="0123456789", step=0)
    async with connected(cluster) as api:
        seen = await read(api, namespace, "qa")
        reported(cluster, namespace, phase="Observing", campaign=1, revision="0123456789", step=0)
        await submit(api, seen, PLANNED)
    assert annotations_of(cluster, namespace)[ABORT] == "0123456789"


async def test_a_verb_on_what_is_no_more_as_the_person_saw_it_is_not_written(cluster: Cluster, namespace: str) -> None:
    reported(cluster, namespace, phase="Observing", campaign=1, revision="0123456789")
    async with connected(cluster) as api:
        seen = await read(api, namespace, "qa")
        reported(cluster, namespace, phase="Promoted", campaign=1, revision="0123456789")
        with pytest.raises(Refused, match="has changed since it was read: it is Promoted now"):
            await submit(api, seen, PLANNED)
        assert annotations_of(cluster, namespace) == {}
        cluster.access.kubectl("delete", "esp/qa", f"--namespace={namespace}")
        with pytest.raises(Refused, match="was deleted in the meantime"):
            await submit(api, seen, PLANNED)


async def test_waiting_ends_at_its_deadline_with_what_to_look_at(cluster: Cluster, namespace: str) -> None:
    async with connected(cluster) as api:
        seen = await read(api, namespace, "qa")
        with pytest.raises(Refused, match=r"not seen by the operator after 1 s.*whether the operator runs"):
            await wait(api, seen, lambda _: False, 1.0)
