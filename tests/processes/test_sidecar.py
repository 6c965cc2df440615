"""The injector as a sidecar, as its example has it: by what mode ConfigMap writes, and counted as it is scraped."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from earlystop.api.policy import PolicySpec
from earlystop.delivery.modes import mode_of
from earlystop.delivery.split import TrafficSplit, VariantWeight
from tests.processes.environment import ROOT
from tests.processes.running_injectors import injector
from tests.unit.delivery.cluster import inputs
from tests.unit.exporter.mounts import MountedVolume
from tests.unit.injector.stub_engine import StubEngine, running

EXAMPLE = ROOT / "manifests/examples/injector-sidecar.yaml"
CHAT, ASKED = "/v1/chat/completions", 40


def shipped(kind: str) -> dict[str, Any]:
    (found,) = (each for each in yaml.safe_load_all(EXAMPLE.read_text()) if each["kind"] == kind)
    return dict(found)


def pod() -> dict[str, Any]:
    return dict(shipped("Deployment")["spec"]["template"]["spec"])


def arguments() -> dict[str, str]:
    (sidecar,) = pod()["initContainers"]
    return {name: value for name, _, value in (each.partition("=") for each in sidecar["args"])}


def test_it_starts_before_the_engine_stays_beside_it_and_is_where_the_service_leads() -> None:
    (sidecar,), (engine,) = pod()["initContainers"], pod()["containers"]
    assert sidecar["restartPolicy"] == "Always"
    assert "startupProbe" not in sidecar, "the engine would never start: the sidecar is ready once the engine answers"
    ports = {each["name"]: each["containerPort"] for each in sidecar["ports"]}
    assert str(ports["injected"]) == arguments()["--port"]
    assert shipped("Service")["spec"]["ports"][0]["targetPort"] == "injected"
    assert arguments()["--upstream"] == f"http://127.0.0.1:{engine['ports'][0]['containerPort']}"
    annotations = shipped("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["metrics"])


def test_it_mounts_what_the_policys_operator_writes() -> None:
    policy, (volume,) = shipped("EarlyStopPolicy"), pod()["volumes"]
    written = policy["spec"]["delivery"]["configMap"]
    assert volume["configMap"]["name"] == written["name"] == shipped("ConfigMap")["metadata"]["name"]
    (mount,) = pod()["initContainers"][0]["volumeMounts"]
    assert "subPath" not in mount and arguments()["--weights"] == f"{mount['mountPath']}/{written['key']}"
    assert arguments()["--policy"] == f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"


async def test_it_serves_by_these_settings_says_so_and_counts_by_variant(tmp_path: Path) -> None:
    policy = shipped("EarlyStopPolicy")
    spec = PolicySpec.model_validate(policy["spec"])
    variants = [VariantWeight("baseline", 50, (("cap", "8192"),)), VariantWeight("candidate", 50, (("cap", "1024"),))]
    split = TrafficSplit("r1", 0, tuple(variants))
    here = inputs(spec=spec, policy=policy["metadata"]["name"], namespace=policy["metadata"]["namespace"])
    (written,) = mode_of(spec.delivery).render(here, split).objects
    MountedVolume(tmp_path).project(written["data"])
    mounted = tmp_path / Path(arguments()["--weights"]).name
    engine = StubEngine()
    kept = [
        f"{name}={value}" for name, value in arguments().items() if name not in ("--upstream", "--weights", "--port")
    ]
    async with (
        running(engine) as url,
        injector(*kept, f"--upstream={url}", f"--weights={mounted}") as sidecar,
        aiohttp.ClientSession(sidecar.url) as session,
    ):
        for _ in range(ASKED):
            async with session.post(CHAT, json={"messages": []}) as answer:
                assert answer.status == 200
        await sidecar.scrape(session)
        sidecar.process.terminate()
        assert await asyncio.wait_for(sidecar.process.wait(), 30) == 0
    caps = [json.loads(body)["max_completion_tokens"] for body, _ in engine.received]
    assert sorted(set(caps)) == [1024, 8192]
    for variant, cap in (("baseline", 8192), ("candidate", 1024)):
        assert sidecar.total("earlystop_requests_started_total", f'variant="{variant}"') == caps.count(cap)
    assert 'earlystop_settings_info{digest="' in sidecar.page and 'revision="r1"' in sidecar.page
