"""What the operator makes before an InferencePool is taken by a real API server from its own account, by the admission
policies that the chart ships with inferencePools.enabled; and without that switch it is not. By the definition of the
pools' own project the server stores the pools of the tests, and what is made before such a one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.controller.cluster import BY_KIND, INFERENCE_POOLS
from earlystop.delivery.drift import matches_desired
from earlystop.delivery.inputs import INFERENCE_POOL, Manifest
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.preflight import preflight
from earlystop.delivery.request_body import MODE
from tests.cluster.errors import ClusterError
from tests.cluster.kinds_of_others import inference_pools
from tests.cluster.kit import Cluster
from tests.cluster.own_client import connected
from tests.cluster.packaging import objects, template
from tests.cluster.processes import wait_until
from tests.unit.delivery.before_a_pool import HALF, POOL, ROUTES, here, pool

OPERATOR = ("--as=system:serviceaccount:earlystop-system:earlystop", "--as-group=system:masters")


def rendered(*matches: str) -> list[dict[str, Any]]:
    """What is made for routes with these matches. No API server asks for its owners."""
    image = next(each for each in shipped_arguments() if each.startswith("--injector-image=")).partition("=")[2]
    made = []
    for index, name in enumerate(matches):
        for each in MODE.render(here(ROUTES[name], injector_image=image), HALF).objects:
            metadata = {key: value for key, value in each["metadata"].items() if key != "ownerReferences"}
            made.append({**each, "metadata": {**metadata, "name": f"{metadata['name']}-{index}"}})
    return made


def shipped_arguments() -> list[str]:
    found = shipped_objects("--set=inferencePools.enabled=true")
    (operator,) = (each for each in found if each["kind"] == "Deployment")
    arguments: list[str] = operator["spec"]["template"]["spec"]["containers"][0]["args"]
    return arguments


def shipped_objects(*options: str) -> list[dict[str, Any]]:
    return objects(template(*options))


def take(cluster: Cluster, namespace: str, made: list[dict[str, Any]]) -> None:
    """Have the API server check objects as if the operator wrote them, and store none. Raises ClusterError."""
    items = [{**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in made]
    cluster.access.kubectl(
        *("create", "--dry-run=server", "--validate=strict", "--output=name", "--filename=-", *OPERATOR),
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
        timeout_seconds=240,
    )


def admitted(cluster: Cluster, namespace: str, made: dict[str, Any]) -> bool:
    try:
        take(cluster, namespace, [made])
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return False
        raise
    return True


def injector(drop: str = "", **replaced: str) -> dict[str, Any]:
    """The injector's Deployment, without arguments that begin so, and with others in their place."""
    made: dict[str, Any] = copy.deepcopy(next(each for each in rendered("a prefix") if each["kind"] == "Deployment"))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    kept = [each for each in container["args"] if not (drop and each.startswith(drop))]
    new = {f"--{name.replace('_', '-')}=": value for name, value in replaced.items()}
    kept = [each for each in kept if not any(each.startswith(start) for start in new)]
    container["args"] = [*kept, *(f"{start}{value}" for start, value in new.items())]
    return made


def narrowing(*options: str) -> list[dict[str, Any]]:
    found = [each for each in shipped_objects(*options) if each["kind"].startswith("ValidatingAdmission")]
    return [each for each in found if each["metadata"]["name"].endswith(("-injectors", "-own-objects"))]


@pytest.fixture(scope="module")
def opened(cluster: Cluster) -> Iterator[None]:
    found = narrowing("--set=inferencePools.enabled=true")
    assert len(found) == 4
    cluster.access.apply(*found)
    wait_until(lambda: not admitted(cluster, "default", injector(drop="--inner-mark=")), 60, "the policy")
    yield
    for each in found:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


@pytest.mark.usefixtures("opened")
def test_what_is_made_before_a_pool_is_taken_from_the_operators_own_account(cluster: Cluster, namespace: str) -> None:
    made = rendered(*ROUTES)
    assert len([each for each in made if each["kind"] == "HTTPRoute"]) == 2 * len(ROUTES)
    take(cluster, namespace, made)


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("address", ["192.0.2.1:80", "[2001:db8::1]:8000", "lb.example.com:80", "qa.others.svc:80"])
def test_an_injector_has_the_address_of_a_gateway_only_with_the_mark_of_an_inner_rule(
    cluster: Cluster, namespace: str, address: str
) -> None:
    assert admitted(cluster, namespace, injector(upstream=f"http://{address}", upstream_host="qa.example.com"))
    assert not admitted(cluster, namespace, injector("--inner-mark=", upstream=f"http://{address}"))
    assert not admitted(cluster, namespace, injector(upstream=f"http://{address}/elsewhere"))
    assert not admitted(cluster, namespace, injector(inner_mark="short", upstream=f"http://{address}"))


def test_without_the_switch_it_has_none(cluster: Cluster, namespace: str) -> None:
    found = narrowing()
    cluster.access.apply(*found)
    try:
        wait_until(lambda: not admitted(cluster, namespace, injector()), 60, "the policy")
    finally:
        for each in found:
            cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


# By the pools' own definition


@pytest.fixture(scope="module")
def pools(cluster: Cluster) -> Iterator[None]:
    with inference_pools(cluster.access):
        yield


def written_pool(namespace: str, name: str = POOL, **spec: Any) -> Manifest:
    """A pool as a person writes it. spec: in place of its own parts."""
    found = {**pool()["spec"], **spec}
    head = {"apiVersion": "inference.networking.k8s.io/v1", "kind": INFERENCE_POOL}
    return {**head, "metadata": {"name": name, "namespace": namespace}, "spec": found}


@pytest.mark.usefixtures("pools")
async def test_what_is_made_before_a_stored_pool_is_stored_and_found_as_it_was_made(
    cluster: Cluster, namespace: str
) -> None:
    async with connected(cluster) as api:
        await api.create(INFERENCE_POOLS, namespace, written_pool(namespace))
        stored = await api.read(ObjectKey(INFERENCE_POOL, namespace, POOL))
        assert stored is not None and stored["spec"]["endpointPickerRef"]["failureMode"] == "FailClose", "its default"
        found = here(found=stored)
        users = ObjectKey("HTTPRoute", "llm", "qa")
        # As the server stores it: of the fields that it adds, those of the user's matches are copied.
        route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "qa"}}
        at_rest = await api.create(BY_KIND["HTTPRoute"], namespace, {**route, "spec": found.objects[users]["spec"]})
        found = found.with_objects([{**found.objects[users], "kind": "HTTPRoute", "spec": at_rest["spec"]}])
        assert preflight(found, HALF) is None
        made = MODE.render(found, HALF).objects
        assert [each["kind"] for each in made].count("HTTPRoute") == 2
        for each in made:
            # The policy is none of this cluster's, and garbage collection would not wait for the test.
            owners = [owner for owner in each["metadata"]["ownerReferences"] if owner["kind"] == INFERENCE_POOL]
            assert all(owner["uid"] == stored["metadata"]["uid"] for owner in owners)
            metadata = {**each["metadata"], "namespace": namespace, "ownerReferences": owners}
            desired = {**each, "metadata": {key: value for key, value in metadata.items() if value}}
            await api.create(BY_KIND[each["kind"]], namespace, desired)
            again = await api.read(ObjectKey(each["kind"], namespace, each["metadata"]["name"]))
            assert matches_desired(again, desired), f"{each['kind']} would be written again at each look"


@pytest.mark.usefixtures("pools")
@pytest.mark.parametrize(
    "spec",
    [
        {"targetPorts": [{"number": 8000}, {"number": 8001}]},
        {"selector": {"matchLabels": {"app": "qa-server", "track": "stable"}}},
        {"endpointPickerRef": {"name": "picker", "port": {"number": 9002}, "failureMode": "FailOpen"}},
        {"endpointPickerRef": {"group": "pickers.example.com", "kind": "Picker", "name": "picker"}},
    ],
)
async def test_a_pool_of_each_form_that_its_definition_takes_is_read_and_led_to(
    cluster: Cluster, namespace: str, spec: dict[str, Any]
) -> None:
    async with connected(cluster) as api:
        await api.create(INFERENCE_POOLS, namespace, written_pool(namespace, **spec))
        stored = await api.read(ObjectKey(INFERENCE_POOL, namespace, POOL))
    assert stored is not None
    before = here(found=pool(**stored["spec"]["selector"]["matchLabels"]))
    found = here(found=stored)
    assert preflight(found, HALF) == preflight(before, HALF)
    inner = [MODE.render(each, HALF).objects[0]["spec"] for each in (found, before)]
    assert inner[0] == inner[1]


@pytest.mark.usefixtures("pools")
async def test_a_list_of_pools_is_read_by_the_operators_own_words_for_the_kind(
    cluster: Cluster, namespace: str
) -> None:
    async with connected(cluster) as api:
        for name in ("one", "two"):
            await api.create(INFERENCE_POOLS, namespace, written_pool(namespace, name))
        assert {each["metadata"]["name"] for each in await api.list(INFERENCE_POOLS, namespace)} == {"one", "two"}
        assert "inferencepools" in await api.plurals("inference.networking.k8s.io", "v1")
