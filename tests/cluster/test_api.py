"""The kinds on a real API server: they are served, they explain themselves, and they keep what must be kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.controller.cluster import CHECKPOINTS, LEASES
from earlystop.rollout.stored.status_codec import from_status
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, policy, source, verdict
from tests.cluster.own_client import connected
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.states import REACHED, stored

SHORT_NAMES = {
    "earlystoppolicies": "esp",
    "metricsources": "ess",
    "earlystopverdicts": "esv",
    "earlystopcheckpoints": "esc",
    "earlystopproposals": "espr",
    "hooktargets": "esh",
    "earlystopapprovals": "esa",
}


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


@pytest.mark.parametrize(("plural", "short_name"), SHORT_NAMES.items())
def test_each_kind_is_served_under_a_short_name_of_its_own(cluster: Cluster, plural: str, short_name: str) -> None:
    status = cluster.access.get("crd", f"{plural}.earlystop.dev")["status"]
    conditions = {condition["type"]: condition["status"] for condition in status["conditions"]}
    assert conditions["NamesAccepted"] == conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions
    assert status["acceptedNames"]["shortNames"] == [short_name]
    assert cluster.access.get(short_name)["kind"] == "List"
    assert plural in cluster.access.kubectl("api-resources", "--categories=earlystop", "--output=name")


@pytest.mark.parametrize("metadata_only", [False, True])
async def test_a_kind_without_any_object_is_an_empty_page_to_the_operators_client(
    cluster: Cluster, metadata_only: bool
) -> None:
    """An API server writes a list of metadata alone that holds nothing as null."""
    async with connected(cluster) as api:
        pages = [each async for each in api.pages(CHECKPOINTS, "nobody-is-here", metadata_only=metadata_only)]
    assert pages == [[]]


def test_kubectl_explains_the_steps_of_a_rollout(cluster: Cluster) -> None:
    text = " ".join(cluster.access.kubectl("explain", "esp.spec.rollout.steps").split())
    assert "Rising shares of traffic for the candidate; none in" in text
    assert "weight <integer> -required- Percent of traffic that tries the candidate; with" in text
    assert "minimumSeconds <integer> Least time of evidence at this weight" in text


@pytest.mark.parametrize("plural", SHORT_NAMES)
def test_every_field_has_a_description(cluster: Cluster, plural: str) -> None:
    (version,) = cluster.access.get("crd", f"{plural}.earlystop.dev")["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    assert schema["description"]
    for name in ("apiVersion", "kind", "metadata"):  # the API server has its own texts for these
        schema["properties"].pop(name)
    assert [path for path, node in fields(schema, plural) if not node.get("description", "").strip()] == []


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property below a schema with its path."""
    for name, node in schema.get("properties", {}).items():
        yield f"{path}.{name}", node
        yield from fields(node, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")


def test_a_new_policy_is_not_ready_before_an_operator_has_seen_it(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    (condition,) = cluster.access.get("esp/qa", f"--namespace={namespace}")["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Ready", "Unknown")
    with pytest.raises(ClusterError, match="timed out"):
        cluster.access.kubectl("wait", "esp/qa", f"--namespace={namespace}", "--for=condition=Ready", "--timeout=1s")


def test_a_new_source_is_not_known_to_be_reachable(cluster: Cluster) -> None:
    cluster.access.apply(source("unseen"))
    try:
        (condition,) = cluster.access.get("ess/unseen")["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Reachable", "Unknown", "Pending")
        heading, line = cluster.access.kubectl("get", "ess/unseen").splitlines()
        assert heading.split()[3:5] == ["REACHABLE", "REASON"] and line.split()[3:5] == ["Unknown", "Pending"]
    finally:
        cluster.access.kubectl("delete", "ess/unseen")


def test_what_is_left_out_gets_its_documented_default(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    spec = cluster.access.get("esp/qa", f"--namespace={namespace}")["spec"]
    assert spec["suspend"] is False
    assert spec["delivery"]["gatewayHeader"]["headerPrefix"] == "x-early-stop-"
    assert spec["rollout"]["lookSeconds"] == 15
    assert spec["rollout"]["onInconclusive"] == "RollBack"
    assert spec["metrics"]["preset"] == "EarlyStop"


def test_a_metric_source_is_accepted(cluster: Cluster) -> None:
    printed = cluster.access.kubectl(
        "create", "--dry-run=server", "--validate=strict", "--filename=-", input=json.dumps(source("api-test"))
    )
    assert "metricsource.earlystop.dev/api-test created" in printed


def test_who_writes_the_spec_cannot_write_the_status_nor_the_other_way_round(cluster: Cluster, namespace: str) -> None:
    where = f"--namespace={namespace}"
    cluster.access.apply(policy(namespace))
    forged = cluster.access.get("esp/qa", where)
    forged["spec"]["suspend"] = True
    forged["status"] = {**forged["status"], "phase": "Promoted"}
    cluster.access.kubectl("replace", "--filename=-", input=json.dumps(forged))
    stored = cluster.access.get("esp/qa", where)
    assert stored["spec"]["suspend"] is True
    assert "phase" not in stored["status"]
    assert stored["metadata"]["generation"] == 2

    stored["spec"]["suspend"] = False
    stored["status"]["phase"] = "Observing"
    cluster.access.kubectl("replace", "--subresource=status", "--filename=-", input=json.dumps(stored))
    written = cluster.access.get("esp/qa", where)
    assert written["status"]["phase"] == "Observing"
    assert written["spec"]["suspend"] is True
    assert written["metadata"]["generation"] == 2


def test_a_stored_verdict_cannot_be_changed(cluster: Cluster, namespace: str) -> None:
    where = f"--namespace={namespace}"
    record = verdict(namespace)
    name = f"esv/{record['metadata']['name']}"
    cluster.access.kubectl("create", "--validate=strict", "--filename=-", input=json.dumps(record))
    changes: tuple[dict[str, Any], ...] = ({"decision": "Promote"}, {"lookTable": ""}, {"approvedBy": ["someone"]})
    for change in changes:
        patch = json.dumps({"spec": change})
        with pytest.raises(ClusterError, match="a verdict is never changed"):
            cluster.access.kubectl("patch", name, where, "--type=merge", f"--patch={patch}")
    assert cluster.access.get(name, where)["spec"] == {**record["spec"], "approvedBy": []}
    heads, values = cluster.access.kubectl("get", name, where, "--output=wide").splitlines()
    columns = ("POLICY", "CANDIDATE", "CAMPAIGN", "DECISION", "REASON", "LOOKS", "BY", "AT", "APPROVED BY", "AGE")
    assert all(column in heads for column in columns)
    shown = [record["spec"][field] for field in ("candidate", "campaign", "numberOfLooks", "at")]
    assert all(f" {value} " in values for value in shown)
    table = cluster.access.kubectl("get", name, where, "--output=jsonpath={.spec.lookTable}").splitlines()
    assert table[0].startswith("at step weight baseline.started") and len(table) == 1 + record["spec"]["numberOfLooks"]
    written = cluster.access.kubectl("get", name, where, "--output=yaml")
    assert all(f"\n    {line}\n" in written for line in table), "one look a line"


def test_a_verdict_and_a_status_as_an_earlier_release_wrote_them_are_stored_whole(
    cluster: Cluster, namespace: str
) -> None:
    where = f"--namespace={namespace}"
    record = object_in_rows(verdict(namespace))
    cluster.access.kubectl("create", "--validate=strict", "--filename=-", input=json.dumps(record))
    spec = cluster.access.get(f"esv/{record['metadata']['name']}", where)["spec"]
    assert spec == {**record["spec"], "approvedBy": []} and "lookTable" not in spec
    cluster.access.apply(policy(namespace))
    status = stored(REACHED["promoted"], "0 baseline qa p1 1,1,0,1,0,0,9,81")
    former = {name: value for name, value in status.items() if name != "internal"} | status["internal"]
    body = {**cluster.access.get("esp/qa", where), "status": former}
    cluster.access.kubectl("replace", "--subresource=status", "--filename=-", input=json.dumps(body))
    assert from_status(cluster.access.get("esp/qa", where)["status"]) == from_status(status)


def test_deleting_a_policy_leaves_its_verdicts_without_an_owner_to_follow(cluster: Cluster, namespace: str) -> None:
    where = f"--namespace={namespace}"
    cluster.access.apply(policy(namespace))
    uid = cluster.access.get("esp/qa", where)["metadata"]["uid"]
    cluster.access.kubectl("create", "--filename=-", input=json.dumps(verdict(namespace, uid)))
    cluster.access.kubectl("delete", "esp/qa", where)
    (stored,) = cluster.access.get("esv", where)["items"]
    assert stored["spec"]["policyUid"] == uid
    assert "ownerReferences" not in stored["metadata"]


async def test_a_list_goes_on_to_its_end_though_the_store_forgets_its_revision_between_two_pages(
    cluster: Cluster, namespace: str
) -> None:
    made = [f"listed-{number}" for number in range(5)]
    async with connected(cluster) as api:
        for name in made:
            await api.create(LEASES, namespace, {"metadata": {"name": name, "namespace": namespace}, "spec": {}})
        found: list[str] = []
        async for page in api.pages(LEASES, namespace, at_once=2):
            found += [each["metadata"]["name"] for each in page]
            await api.delete(LEASES, namespace, page[0]["metadata"]["name"], page[0]["metadata"]["uid"])
            cluster.control_plane.compact_store()
    assert found == made
