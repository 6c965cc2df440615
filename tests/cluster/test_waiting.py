"""What pipelines wait for and what people read in `kubectl describe`, as kubectl takes it from the API server."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from kubernetes.aio import client, config

from earlystop.controller.cluster import Cluster as Api
from earlystop.controller.events import EventRecorder
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observations
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_notes import EventNote
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, policy
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED, stored

OUTCOMES = ("promoted", "rolled back", "held", "aborted", "in shadow, reported", "several, without a verdict")
REASONS = ["Suspended", "Resumed", "CampaignStarted", "StepAdvanced", "WeightsInForce", "RolledBack", "Promoted"]


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


def write_status(cluster: Cluster, made: Manifest, state: RolloutState, *, edited: bool = False) -> None:
    said = conditions(state, Observations(), edited=edited)
    generation = made["metadata"]["generation"]
    status = {
        **stored(state),
        "conditions": merge_conditions((), said, generation, NOW),
        "observedGeneration": generation,
    }
    cluster.access.kubectl(
        "replace", "--subresource=status", "--filename=-", input=json.dumps({**made, "status": status})
    )


def wait(cluster: Cluster, namespace: str, seconds: int) -> str:
    return cluster.access.kubectl(
        "wait", "esp/qa", f"--namespace={namespace}", "--for=condition=Completed", f"--timeout={seconds}s"
    )


def test_kubectl_wait_for_completed_ends_for_every_outcome_and_not_before(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    where = f"--namespace={namespace}"
    for name in OUTCOMES:
        write_status(cluster, cluster.access.get("esp/qa", where), REACHED[name])
        assert "condition met" in wait(cluster, namespace, 10), name
    edited = cluster.access.get("esp/qa", where)
    write_status(cluster, edited, REACHED["promoted"], edited=True)
    with pytest.raises(ClusterError, match="timed out"):
        wait(cluster, namespace, 1)
    write_status(cluster, cluster.access.get("esp/qa", where), REACHED["rolling back"])
    with pytest.raises(ClusterError, match="timed out"):
        wait(cluster, namespace, 1)


async def record_all(cluster: Cluster, made: Manifest) -> None:
    """Two campaigns that say the same, all within three seconds."""
    settings = client.Configuration()
    await config.load_kube_config(str(cluster.access.kubeconfig), client_configuration=settings)
    async with Api(client.ApiClient(settings)) as api:
        recorder = EventRecorder(api, "operator-1")
        for number, reason in enumerate(REASONS * 2):
            campaign, moment = number // len(REASONS) + 1, NOW + 0.2 * number
            await recorder.record(made, EventNote(reason, "Act", f"Now {reason}."), moment, campaign)
        await recorder.record(made, EventNote(REASONS[0], "Act", f"Now {REASONS[0]}."), NOW + 100, 2)


def test_kubectl_describe_tells_the_events_in_order_and_each_campaigns_apart(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    where = f"--namespace={namespace}"
    asyncio.run(record_all(cluster, cluster.access.get("esp/qa", where)))
    described = cluster.access.kubectl("describe", "esp/qa", where)
    _, _, events = described.partition("\nEvents:")
    told = re.findall(r"^\s+Normal\s+(\w+)\s+(.+?)\s{2,}", events, re.MULTILINE)
    assert [reason for reason, _ in told] == [*REASONS, *REASONS[1:], REASONS[0]]
    assert [age for _, age in told if "x" in age] == [told[-1][1]] and "(x2 over" in told[-1][1]
    last = [each["metadata"]["name"] for each in cluster.access.get("events", where)["items"]]
    assert len(last) == len(set(last)) == 2 * len(REASONS)
