"""Every mode with a route through a real gateway: what each request gets, and what is left when the overlay goes."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import aiohttp
import pytest

from earlystop.api.modes import MODES, route_modes
from earlystop.controller.cluster import DEPLOYMENTS, GATEWAY_CLASSES, GATEWAYS, ROUTES, SERVICES
from earlystop.delivery.headers import variant_headers
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.modes import Mode, mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probes.sending import probe
from earlystop.delivery.proof import Probes, Proof
from earlystop.delivery.split import TrafficSplit
from earlystop.demo import manifests
from tests.cluster.access import Access
from tests.cluster.bad_gateway import bad_gateway
from tests.cluster.echoing import echoing
from tests.cluster.gateway import GATEWAY, GATEWAY_CLASS, Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import wait_until
from tests.unit.delivery.cluster import COHORTS_IN_BODIES, objects, settable_deployment, spec_in, split
from tests.unit.delivery.forged_headers import FORGED

PORT, CHAT = 8124, "/v1/chat/completions"
PREFIX, COHORT = "x-early-stop-", "X-Cohort"
# By mode: what is in force at first, and what a later step of the rollout changes it to.
TOKEN = "of the campaign"
SHARES = split(20, 30, token=TOKEN)
BY_COHORT = ("HeaderCohort", COHORTS_IN_BODIES)
LEADING = ("GatewayHeader", *BY_COHORT, "RequestBody", "Workload")
FIRST = {**dict.fromkeys(LEADING, SHARES), "Shadow": split(0, 0, shadows=2, token=TOKEN)}
PROMOTED = split(0, 100, token=TOKEN)
LATER = {**dict.fromkeys(LEADING, PROMOTED), "Shadow": split(0, 0, token=TOKEN)}
VALUES = {"baseline": "a", "w10": "b-w10", "w5": "b-w5"}

Headers = dict[str, str]


@dataclass
class RoutedNamespace:
    """A mode's overlay in a namespace of its own, and what the server says that it was sent. name: the mode's, as
    `spec_in` takes it."""

    access: Access
    gateway: Gateway
    inputs: ClusterInputs
    applied: dict[str, Any]
    name: str

    @property
    def mode(self) -> Mode:
        return mode_of(self.inputs.spec.delivery)

    @property
    def host(self) -> str:
        """Of this stage alone: routes of a namespace that is being removed serve for a while."""
        return host_of(self.inputs.namespace)

    def put(self, wanted: TrafficSplit) -> None:
        """Put a share in force and have it proven. Its objects have no owner, since there is no policy here; the server
        stands for an injector's Pods, too."""
        assert preflight(self.inputs, wanted) is None
        made = self.mode.render(self.inputs, wanted)
        routed = [each for each in made.objects if each["kind"] != "Deployment"]  # endpoints are made by hand
        *others, overlay = [without_owner(each) for each in routed]
        aliases = [each for each in others if each["kind"] == "Service"]
        ends = [endpoint(each["metadata"]["name"], self.inputs.namespace) for each in aliases]
        self.access.apply(*aliases, *ends, overlay)
        self.applied = overlay
        asked = self.mode.proof(self.inputs, wanted, made)
        assert isinstance(asked, Probes)

        async def proven() -> Proof:
            async with aiohttp.ClientSession() as session:
                return (await probe(session, asked.targets)).proof

        wait_until(lambda: asyncio.run(proven()) == Proof.IN_FORCE, 60, "the share to be in force")

    def send(self, requests: Sequence[Headers], path: str = CHAT, method: str = "POST") -> list[Headers]:
        """What the server got of each request."""

        async def all_of_them() -> list[Headers]:
            connector = aiohttp.TCPConnector(limit=8)
            async with aiohttp.ClientSession(connector=connector) as session:

                async def one(headers: Headers) -> Headers:
                    named = {"Host": self.host, **headers}
                    async with session.request(method, self.gateway.url + path, headers=named, data=b"{}") as answer:
                        assert answer.status == 200, await answer.text()
                        seen: Headers = json.loads(await answer.read())
                        return seen

                return await asyncio.gather(*map(one, requests))

        return asyncio.run(all_of_them())

    def truths(self, wanted: TrafficSplit) -> list[Headers]:
        """The operator's headers that a request may arrive with: of each variant in use, and of nobody's requests."""
        told = [variant_headers(self.inputs, wanted, each) for each in wanted.variants if each.weight]
        nobody = variant_headers(self.inputs, wanted, wanted.baseline) | {f"{PREFIX}revision": "unassigned"}
        nobody.pop(f"{PREFIX}token")
        return [*told, nobody] if self.name in BY_COHORT else told


def host_of(namespace: str) -> str:
    return f"{namespace}.example.com"


def without_owner(manifest: Manifest) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "ownerReferences"}
    return {**manifest, "metadata": metadata}


def endpoint(service: str, namespace: str) -> Manifest:
    (slice_, _) = manifests.endpoints(namespace, own_address(), PORT)
    labels = {**slice_["metadata"]["labels"], "kubernetes.io/service-name": service}
    return {**slice_, "metadata": {**slice_["metadata"], "name": f"{service}-outside", "labels": labels}}


def ours(seen: Headers) -> Headers:
    """The operator's headers among those that the server got."""
    return {name: value for name, value in seen.items() if name.startswith(PREFIX)}


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[None]:
    with echoing(own_address(), PORT):
        yield


# With a gateway that mixes up the headers of backends too, where a mode sets none: what refusals advise must hold.
# What needs a gateway of a kind of its own cannot run on this one.
PLAYED = [(mode, False) for mode in sorted(route_modes()) if not MODES[mode].gateway_writes]
PLAYED += [(COHORTS_IN_BODIES, False), *((mode, True) for mode in ("HeaderCohort", "Shadow"))]


@pytest.fixture(scope="module", params=PLAYED, ids=lambda each: f"{each[0]}-{'bad' if each[1] else 'good'}-gateway")
def laid_out(
    request: pytest.FixtureRequest, cluster: Cluster, gateway: Gateway, server: None
) -> Iterator[RoutedNamespace]:
    """The user's objects of one mode, without any overlay yet."""
    mode, bad = request.param
    with gateway.replaced_by(bad_gateway()) if bad else nullcontext():
        yield from lay_out(cluster.access, gateway, mode)


def lay_out(access: Access, gateway: Gateway, mode: str) -> Iterator[RoutedNamespace]:
    namespace = f"mode-{mode.lower().replace(' ', '-')}-{uuid.uuid4().hex[:8]}"
    access.create_namespace(namespace)
    _, service = manifests.service(namespace, PORT, replicas=0)
    deployment = settable_deployment()
    given = {"uid", "generation", "creationTimestamp", "resourceVersion"}  # by the API server
    metadata = {key: value for key, value in deployment["metadata"].items() if key not in given}
    deployment |= {"metadata": {**metadata, "namespace": namespace}}
    deployment["spec"]["replicas"] = 0
    route = manifests.route(namespace, host_of(namespace), GATEWAY, "default")
    access.apply(deployment, service, route, endpoint("qa", namespace))
    wait_until(lambda: "status" in access.read(ROUTES, namespace, "qa"), 60, "the route's status")
    inputs = ClusterInputs(
        namespace=namespace,
        policy="qa",
        uid="none",
        spec=spec_in(mode, 2),
        injector_image="earlystop:1",
        objects=objects(
            namespace=namespace,
            deployment=access.read(DEPLOYMENTS, namespace, "qa-server"),
            route=access.read(ROUTES, namespace, "qa"),
            services={"qa": access.read(SERVICES, namespace, "qa")},
            gateways={("default", GATEWAY): access.read(GATEWAYS, "default", GATEWAY)},
            gateway_classes={GATEWAY_CLASS: access.read(GATEWAY_CLASSES, None, GATEWAY_CLASS)},
        ),
        pods=(),
    )
    yield RoutedNamespace(access, gateway, inputs, {}, mode)
    access.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def stage(laid_out: RoutedNamespace) -> RoutedNamespace:
    """The mode with its first share proven in force."""
    laid_out.put(FIRST[laid_out.name])
    return laid_out


def drawn(wanted: TrafficSplit, number: int, seed: int) -> list[Headers]:
    """Requests of users whose cohorts are as frequent as the share says; only cohorts look at that."""
    weights = wanted.weights if wanted.weight_beside_baseline else (50, 20, 30)
    values = random.Random(seed).choices(list(VALUES.values()), weights, k=number)
    return [{COHORT: value} for value in values]


def test_each_variant_gets_its_share_and_its_headers_and_no_other(stage: RoutedNamespace) -> None:
    wanted, number = FIRST[stage.name], 600
    seen = [ours(each) for each in stage.send(drawn(wanted, number, seed=7))]
    count = Counter(each[f"{PREFIX}variant"] for each in seen)
    for each in wanted.variants:
        share_of_all = each.weight / 100
        # 6 standard deviations: by lot a right split fails in 1 of 500 million runs for each of three variants. Where
        # the gateway deals in turn, it is nearer.
        spread = 6 * sqrt(number * share_of_all * (1 - share_of_all))
        assert abs(count[each.variant] - number * share_of_all) <= spread, count
        told = variant_headers(stage.inputs, wanted, each)
        assert all(one == told for one in seen if one[f"{PREFIX}variant"] == each.variant)
    assert set(count) == wanted.in_use


def test_forged_headers_are_overwritten_or_removed(stage: RoutedNamespace) -> None:
    wanted = FIRST[stage.name]
    forged = {name.title(): value for name, value in FORGED.items() if not name.endswith("golden")}
    truths = stage.truths(wanted)
    for value in (*VALUES.values(), "of nobody"):
        for each in stage.send([{**forged, COHORT: value}] * 40):
            assert ours(each) in truths


def test_no_request_on_the_overlays_paths_is_without_a_variant(stage: RoutedNamespace) -> None:
    kinds: list[Headers] = [
        {},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {COHORT: "of nobody"},
        {COHORT: "a, b-w10"},
        {COHORT: ""},
        {COHORT.lower(): "b-w10"},
        {"X-Early-Stop-Golden": "neither"},
        {"X-Early-Stop-Golden": "w10"},
        {"X-Early-Stop-Probe-Of-Mine": "1"},
    ]
    truths = stage.truths(FIRST[stage.name])
    for path in (CHAT, "/v1/completions", f"{CHAT}?stream=true"):
        for each in stage.send(kinds * 4, path):
            told = {
                name: value
                for name, value in ours(each).items()
                if name not in (f"{PREFIX}golden", f"{PREFIX}probe-of-mine")
            }
            assert told in truths


def test_requests_of_no_cohort_are_evidence_for_nobody(stage: RoutedNamespace) -> None:
    revision = "unassigned" if stage.name in BY_COHORT else FIRST[stage.name].revision
    for each in stage.send([{}, {COHORT: "of nobody"}, {f"{PREFIX}revision": "0123456789"}]):
        assert each[f"{PREFIX}revision"] == revision


def test_other_requests_of_the_users_route_are_left_alone(stage: RoutedNamespace) -> None:
    for each in stage.send([{}, {COHORT: "b-w10"}], "/v1/models", "GET"):
        assert ours(each) == {}


def test_a_later_step_is_proven_and_then_holds_for_every_request(stage: RoutedNamespace) -> None:
    later = LATER[stage.name]
    stage.put(later)
    (told,) = [variant_headers(stage.inputs, later, each) for each in later.variants if each.weight]
    for each in stage.send([*({COHORT: value} for value in VALUES.values()), {}] * 10):
        assert ours(each) == told


def test_a_probe_tells_an_overlay_that_somebody_changed_from_the_one_that_is_wanted(stage: RoutedNamespace) -> None:
    wanted, later = FIRST[stage.name], LATER[stage.name]
    stage.put(later)
    asked = stage.mode.proof(stage.inputs, wanted, stage.mode.render(stage.inputs, wanted))
    assert isinstance(asked, Probes)

    async def proof() -> Proof:
        async with aiohttp.ClientSession() as session:
            return (await probe(session, asked.targets)).proof

    assert asyncio.run(proof()) == Proof.STALE


def test_a_withdrawn_overlay_gives_everybody_the_baselines_settings(stage: RoutedNamespace) -> None:
    stage.put(replace(LATER[stage.name], shadows=FIRST[stage.name].shadows))
    (taken_back,) = stage.mode.baseline_only(stage.inputs.with_objects([stage.applied]))
    stage.access.apply(taken_back)

    def settings() -> set[tuple[str, str, bool]]:
        requests = [*({COHORT: value} for value in VALUES.values()), {}, FORGED] * 4
        return {
            (each[f"{PREFIX}variant"], each[f"{PREFIX}param-window"], f"{PREFIX}shadow" in each)
            for each in stage.send(requests)
        }

    wait_until(lambda: settings() == {("baseline", "40", False)}, 30, "the baseline for everybody")


def test_without_the_overlay_the_users_route_is_as_it_was_to_the_byte_and_serves_as_before(
    stage: RoutedNamespace,
) -> None:
    namespace = f"--namespace={stage.inputs.namespace}"
    before = stage.inputs.route
    assert before is not None
    stage.access.kubectl("delete", f"httproute/{overlay_name('qa')}", namespace)

    def untouched() -> bool:
        return all(ours(each) == {} for each in stage.send([{COHORT: "b-w10"}, {}] * 10))

    wait_until(untouched, 30, "the user's own route to serve again")
    after = stage.access.read(ROUTES, stage.inputs.namespace, "qa")
    assert json.dumps(after["spec"]) == json.dumps(before["spec"])
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    assert set(after["metadata"]) == set(before["metadata"])
