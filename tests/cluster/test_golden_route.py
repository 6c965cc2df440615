"""Golden questions through a real gateway reach the variant that they are pinned to, and no server counts them."""

from __future__ import annotations

import asyncio
import re
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.counts import Variant
from earlystop.api.policy import PolicySpec
from earlystop.api.wire import GOLDEN_HEADER
from earlystop.delivery.gateway_header import render
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.split import TrafficSplit, VariantWeight
from earlystop.demo import manifests
from earlystop.demo.load import LoadPlan, run_load
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.grading import Attribution
from earlystop.evaluator.pin import RoutePin
from tests.cluster.gateway import GATEWAY, Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.processes import Child, wait_until
from tests.unit.delivery.cluster import objects
from tests.unit.demo.recorded import recordings
from tests.unit.evaluator.counted import Page, evaluator
from tests.unit.evaluator.serving import golden

ROOT = Path(__file__).resolve().parents[2]
PORT, HOST, PAIRS = 8123, "golden.example.com", 40
SHARE = TrafficSplit(
    "5f3a9c",
    1,
    (VariantWeight("baseline", 95, (("window", "40"),)), VariantWeight("candidate", 5, (("window", "1"),))),
)
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read(url: str, **headers: str) -> str:
    """The body of a GET."""
    with _direct.open(urllib.request.Request(url, headers=headers), timeout=5) as response:
        return str(response.read().decode())


@pytest.fixture
def server(cluster: Cluster) -> Iterator[str]:
    """The reference server as a process; gives its metrics page."""
    words = (sys.executable, "-m", "earlystop.demo.server", f"--host={own_address()}", f"--port={PORT}")
    paths = {"PYTHONPATH": str(ROOT / "operator")}
    child = Child("golden-server", words, cluster.access.directory, environment=paths)
    metrics = f"http://{own_address()}:{PORT}/metrics"
    try:
        child.wait_ready(lambda: answers(metrics), 30)
        yield metrics
    finally:
        child.stop(patience_seconds=0.0)


def answers(url: str, **headers: str) -> bool:
    try:
        read(url, **headers)
    except OSError:
        return False
    return True


def overlay(namespace: str) -> list[dict[str, Any]]:
    """The alias Service and the overlay route with its golden rules, without an owner, which does not exist here."""
    deployment, service = manifests.service(namespace, PORT, replicas=0)
    spec = PolicySpec.model_validate(manifests.policy(namespace, "qa", "none", 1, "0.02")["spec"])
    route = manifests.route(namespace, HOST, GATEWAY, "default")
    known = {**service, "metadata": {**service["metadata"], "uid": "none"}}
    found = objects(namespace=namespace, deployment=deployment, route=route, services={"qa": known})
    *services, overlay_route = render(ClusterInputs(namespace, "qa", "none", spec, found), SHARE).objects
    for manifest in (*services, overlay_route):
        del manifest["metadata"]["ownerReferences"]
    return [deployment, service, route, *services, overlay_route]


def completed(page: str) -> dict[str, int]:
    """Completed requests of the revision as the server counts them, by variant."""
    found = re.findall(
        r'earlystop_requests_total\{outcome="completed",.*revision="5f3a9c",.*variant="(\w+)"\} (\d+)', page
    )
    return {variant: int(count) for variant, count in found if int(count)}


async def ask_pairs(url: str, page: Page) -> None:
    settings = AskSettings(f"{url}/v1", "any", headers={"Host": HOST})
    async with Asker(settings, RoutePin()) as asker:
        for question in golden(PAIRS):
            await evaluator(page, asker, golden(1)).ask_pair(question)
        forged = AskSettings(f"{url}/v1", "any", headers={"Host": HOST, "x-early-stop-variant": "baseline"})
    async with Asker(forged, RoutePin()) as asker:
        answer = await asker.ask(recordings()[0].question, Variant.CANDIDATE)
    assert answer.attribution == Attribution("5f3a9c", 1, "candidate"), "a forged variant is overwritten"


async def ask_live(url: str) -> None:
    plan = LoadPlan(url, rate=100, requests=60, headers={"Host": HOST, GOLDEN_HEADER: "neither"})
    assert (await run_load(plan, [recordings()[0].question])).ok == 60


def test_golden_questions_reach_their_variant_through_a_real_gateway_and_no_server_counts_them(
    cluster: Cluster, gateway: Gateway, namespace: str, server: str
) -> None:
    cluster.access.apply(*overlay(namespace), *manifests.endpoints(namespace, own_address(), PORT))
    wait_until(lambda: answers(f"{gateway.url}/v1/models", Host=HOST), 60, "the gateway to answer")
    page = Page()

    def attributed() -> bool:
        async def ask() -> Attribution | None:
            async with Asker(AskSettings(f"{gateway.url}/v1", "any", headers={"Host": HOST}), RoutePin()) as asker:
                return (await asker.ask(recordings()[0].question, Variant.CANDIDATE)).attribution

        return asyncio.run(ask()) == Attribution("5f3a9c", 1, "candidate")

    wait_until(attributed, 60, "the overlay's golden rules to be in force")
    before = sum(completed(read(server)).values())
    asyncio.run(ask_pairs(gateway.url, page))
    assert page.sum("earlystop_pairs_total", revision="5f3a9c", step="1") == PAIRS
    assert page.sum("earlystop_evaluator_pairs_discarded_total") == 0
    assert sum(completed(read(server)).values()) == before, "golden questions are no live traffic"
    asyncio.run(ask_live(gateway.url))
    live = completed(read(server))
    assert sum(live.values()) == before + 60, "any other value of the header is taken off"
    assert live["baseline"] > 40, "the split of live traffic is as before"


def test_both_sides_spell_the_header_alike() -> None:
    assert GOLDEN_HEADER == "x-early-stop-golden"
