"""A gateway whose way to a candidate breaks while users get it, on real Traefik; what comes past an overlay; TLS."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.wire import UNASSIGNED
from earlystop.controller.cluster import GATEWAYS
from earlystop.delivery.names import alias_name
from earlystop.demo import manifests
from tests.cluster.gateway import GATEWAY
from tests.cluster.processes import wait_until
from tests.cluster.slowed import CoreWaits
from tests.e2e.proof import ask
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.faults.policies import apply_lasting

RATE = 60.0
# From the break to the end of users' failures: Traefik takes the policy in, one spacing of probes, and Traefik again.
SECONDS_OFF = 12.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A certificate that nobody signed, and its key, in PEM."""
    directory: Path = tmp_path_factory.mktemp("tls")
    key, made = directory / "key.pem", directory / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = ("-subj", "/CN=earlystop", "-addext", "subjectAltName=DNS:*.example.com")
    paths = ("-keyout", str(key), "-out", str(made), "-days", "2")
    subprocess.run([*command, *names, *paths], check=True, capture_output=True)
    return made.read_bytes(), key.read_bytes()


def tls_to(stage: Stage, service: str, authority: bytes) -> list[dict[str, Any]]:
    """A policy by which the gateway speaks TLS to a Service, whose server speaks plain http."""
    where = {"namespace": stage.namespace}
    bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority", **where}}
    reference = {"group": "", "kind": "ConfigMap", "name": "authority"}
    spec = {
        "targetRefs": [{"group": "", "kind": "Service", "name": service}],
        "validation": {"caCertificateRefs": [reference], "hostname": "qa.example.com"},
    }
    policy = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy", "spec": spec}
    return [{**bundle, "data": {"ca.crt": authority.decode()}}, {**policy, "metadata": {"name": "broken", **where}}]


@contextmanager
def asked_directly(stage: Stage, rate: float) -> Iterator[None]:
    """Requests that come to the server by another way than the route, while the block runs."""
    done = threading.Event()
    body = json.dumps({"model": "qa", "messages": [{"role": "user", "content": "hello"}]}).encode()
    url = f"http://{stage.server_address}:{stage.server_port}/v1/chat/completions"

    def ask() -> None:
        while not done.wait(1 / rate):
            request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
            try:
                _direct.open(request, timeout=5).close()
            except OSError:
                continue  # an answer of 404 counts as a request too

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.usefixtures("no_policy_left")
def test_a_candidate_whose_backend_answers_502_under_way_is_off_within_seconds_and_comes_back_when_it_is_well(
    stage: Stage, certificate: tuple[bytes, bytes], core_waits: CoreWaits
) -> None:
    apply_lasting(stage, "broken")
    stage.start_load(RATE)
    stage.wait_for("broken", phase_is("Observing"), 90, "observed")
    time.sleep(5)
    assert stage.stop_load()["failed"] == 0
    stage.start_load(RATE, 2)
    began = time.monotonic()
    stage.access.apply(*tls_to(stage, alias_name("qa"), certificate[0]))
    status = stage.wait_for("broken", condition_is("TrafficApplied", "False", "CandidateNotServed"), 60, "taken off")
    ended = time.monotonic()
    wait_until(lambda: ask(stage, 50).variants == {UNASSIGNED: 50}, 30, "the gateway to lead by the user's route alone")
    within = SECONDS_OFF * core_waits.factor(began, time.monotonic())
    failed = stage.stop_load()
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied"]
    print(f"taken off after {ended - began:.1f} s; {failed['failed']} of {failed['sent']} requests failed")
    assert "answered 502" in said or "answered 500" in said, said
    assert 0 < failed["failed"] <= RATE / 2 * within, (failed, f"in at most {within:.1f} s")
    assert len(stage.told("broken", "CandidateNotServed")) == 1
    stage.start_load(RATE, 3)
    time.sleep(5)
    own = stage.stop_load()
    assert own["failed"] == 0 and own["variants"] == {UNASSIGNED: own["sent"]}, own

    stage.access.kubectl("delete", "backendtlspolicy/broken", f"--namespace={stage.namespace}")
    stage.start_load(RATE, 4)
    stage.wait_for("broken", phase_is("Observing"), 150, "observed again")
    assert stage.stop_load()["failed"] == 0


@pytest.mark.usefixtures("no_policy_left")
def test_requests_that_come_past_the_overlay_are_told_with_their_share(stage: Stage) -> None:
    apply_lasting(stage, "passed")
    stage.start_load(20)
    with asked_directly(stage, 20):
        status = stage.wait_for("passed", condition_is("TrafficApplied", "True", "OverlayMisses"), 150, "told")
    stage.stop_load()
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied"]
    assert "came by the overlay" in said and "spec.delivery.paths" in said, said
    stage.told("passed", "OverlayMisses")


@pytest.fixture
def secure(stage: Stage, certificate: tuple[bytes, bytes]) -> Iterator[str]:
    """A Gateway with an https listener alone, to which the user's route is attached while the test runs."""
    name, where = "secure", f"--namespace={stage.gateway.namespace}"
    (plain,) = stage.access.get(f"gateway/{GATEWAY}", where)["spec"]["listeners"]
    encoded = [base64.b64encode(each).decode() for each in certificate]
    metadata = {"name": name, "namespace": stage.gateway.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata}
    tls = {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": name}]}
    listener = {
        "name": "tls",
        "protocol": "HTTPS",
        "port": plain["port"],
        "tls": tls,
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    spec = stage.access.get(f"gateway/{GATEWAY}", where)["spec"]
    made = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": metadata}
    stage.access.apply(
        {**secret, "data": dict(zip(("tls.crt", "tls.key"), encoded, strict=True))},
        {**made, "spec": {"gatewayClassName": spec["gatewayClassName"], "listeners": [listener]}},
        manifests.route(stage.namespace, stage.host, name, stage.gateway.namespace),
    )

    def has_address() -> bool:
        found = stage.access.read(GATEWAYS, stage.gateway.namespace, name)
        return bool(found.get("status", {}).get("addresses"))

    wait_until(has_address, 30.0, "an address")
    yield name
    stage.access.apply(manifests.route(stage.namespace, stage.host, GATEWAY, stage.gateway.namespace))
    stage.access.kubectl("delete", f"gateway/{name}", f"secret/{name}", where)


@pytest.mark.usefixtures("no_policy_left", "secure")
@pytest.mark.parametrize(("trust", "reason"), [("Any", "InForce"), ("System", "GatewayNotTrusted")])
def test_an_https_listener_is_probed_by_the_trust_that_the_policy_states(stage: Stage, trust: str, reason: str) -> None:
    delivery = manifests.policy(stage.namespace, "tls", stage.source, 20, "0.10")["spec"]["delivery"]
    stage.apply_policy("tls", 20, "0.10", spec={"delivery": {**delivery, "probe": {"trust": trust}}})
    wanted = "True" if reason == "InForce" else "Unknown"
    status = stage.wait_for("tls", condition_is("TrafficApplied", wanted, reason), 60, f"said to be {reason}")
    (said,) = [each["message"] for each in status["conditions"] if each["type"] == "TrafficApplied"]
    assert ("probes through the gateway" if reason == "InForce" else "certificate is not trusted") in said, said
