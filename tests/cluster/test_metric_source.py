"""The operator as a process, with the rights that the chart gives it, reads a source that demands everything."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from earlystop.controller.cluster import SOURCES
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, source
from tests.cluster.packaging import CHART, ROOT, helm
from tests.cluster.processes import Child, wait_until
from tests.unit.metrics.source.certificates import Authority
from tests.unit.metrics.source.faulty_server import FaultyServer, Handler, serving, vector

NAMESPACE = "metric-source-test"
RELEASE = "earlystop-sources"
TOKENS = ("SECRET-TOKEN-1", "SECRET-TOKEN-2")


def reference(key: str, name: str = "prometheus") -> dict[str, str]:
    return {"name": name, "key": key}


@dataclass(slots=True)
class SecuredOperator:
    """An operator, and a server that answers only to a client certificate and one token."""

    cluster: Cluster
    operator: Child
    server: FaultyServer
    authority: Authority
    token: str = TOKENS[0]

    def answer(self, handler: Handler) -> None:
        at = float(parse_qs(handler.server.requests[-1][2])["time"][0])
        allowed = handler.headers.get("Authorization") == f"Bearer {self.token}"
        handler.reply(*((200, vector(({}, "1"), at=at)) if allowed else (401, b"SECRET-BODY")))

    def create_source(self, name: str, secret: str = "prometheus") -> None:
        made = source(name)
        keys = {"caRef": "ca.crt", "certificateRef": "tls.crt", "keyRef": "tls.key"}
        made["spec"] = {
            "url": self.server.url,
            "auth": {"type": "Bearer", "secretRef": reference("token", secret)},
            "tls": {field: reference(key) for field, key in keys.items()},
        }
        self.cluster.access.apply(made)

    def write_secret(self, token: str) -> None:
        operator = self.authority.issue("operator")
        values = {
            "token": token.encode(),
            "ca.crt": self.authority.certificate,
            "tls.crt": operator.certificate.read_bytes(),
            "tls.key": operator.key.read_bytes(),
        }
        data = {key: base64.b64encode(value).decode() for key, value in values.items()}
        metadata = {"name": "prometheus", "namespace": NAMESPACE}
        self.cluster.access.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    def condition(self, name: str) -> dict[str, Any]:
        conditions = self.cluster.access.read(SOURCES, None, name)["status"]["conditions"]
        return next(each for each in conditions if each["type"] == "Reachable")

    def wait(self, name: str, status: str, reason: str, seconds: float = 30.0) -> dict[str, Any]:
        wait_until(
            lambda: (self.condition(name)["status"], self.condition(name)["reason"]) == (status, reason),
            seconds,
            f"{name} to be {status}/{reason}; it is {self.condition(name)}\n{self.operator.tail(30)}",
        )
        return self.condition(name)


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredOperator]:
    directory = tmp_path_factory.mktemp("metric-source")
    access = cluster.access
    access.install_crds(CRDS)
    access.create_namespace(NAMESPACE)
    install = ("install", RELEASE, str(CHART), f"--namespace={NAMESPACE}")
    helm(*install, "--set=crds.install=false", "--set=metricSecrets={prometheus,absent}", kubeconfig=access.kubeconfig)
    authority = Authority(directory)
    pair = authority.issue("server", "IP:127.0.0.1")
    try:
        with serving(lambda handler: made.answer(handler), pair.serving(authority)) as server:
            made = SecuredOperator(cluster, start_operator(cluster, directory), server, authority)
            yield made
            made.operator.stop()
    finally:
        helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", kubeconfig=access.kubeconfig)
        access.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
        access.kubectl("delete", "ess", "--all")


def start_operator(cluster: Cluster, directory: Path) -> Child:
    (temporary := directory / "tmp").mkdir()
    environment = {
        "KUBECONFIG": str(cluster.access.service_account_kubeconfig(NAMESPACE, RELEASE)),
        "EARLYSTOP_NAMESPACE": NAMESPACE,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "operator"), str(ROOT)]),
        "TMPDIR": str(temporary),
    }
    options = ("--host=127.0.0.1", "--port=18099", "--log-level=DEBUG")
    return Child(
        "operator", [sys.executable, "-m", "earlystop.controller", *options], directory, environment=environment
    )


def test_from_a_missing_secret_to_a_rotated_one_the_source_says_what_it_needs(place: SecuredOperator) -> None:
    place.create_source("demanding")
    told = place.wait("demanding", "False", "SecretNotFound")
    assert "needs a Secret prometheus with the key token in namespace metric-source-test" in told["message"]
    place.write_secret(TOKENS[0])
    place.wait("demanding", "True", "Answering")
    place.cluster.access.kubectl("wait", "--for=condition=Reachable", "ess/demanding", "--timeout=5s")

    place.token = TOKENS[1]
    touch = json.dumps({"spec": {"scrapeIntervalSeconds": 20}})  # an edit is judged anew, so there is less to wait
    place.cluster.access.kubectl("patch", "ess/demanding", "--type=merge", f"--patch={touch}")
    told = place.wait("demanding", "False", "Unauthorized")
    assert "check the Secret" in told["message"]
    place.write_secret(TOKENS[1])
    told = place.wait("demanding", "True", "Answering")
    assert told["observedGeneration"] == 2

    whole = place.operator.log.read_text() + json.dumps(place.cluster.access.get("ess", "--output=json")["items"])
    key = (place.authority.pair.certificate.parent / "operator.key").read_text().splitlines()[1]
    assert not [secret for secret in (*TOKENS, "SECRET-BODY", key) if secret in whole]
    private: list[Path] = []

    def are_of_one_connection() -> bool:
        private[:] = (place.operator.log.parent / "tmp").glob("earlystop-tls-*/*")
        return len(private) == 3

    wait_until(are_of_one_connection, 10, "those of the connection that is open now, and of none before it")
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}


def test_a_secret_that_the_role_does_not_name_is_refused_by_the_api_server(place: SecuredOperator) -> None:
    place.create_source("forbidden", "another")
    told = place.wait("forbidden", "False", "SecretForbidden")
    assert "metricSecrets" in told["message"]


def test_an_edit_of_the_source_is_judged_anew(place: SecuredOperator) -> None:
    plain = source("edited")
    plain["spec"]["url"] = place.server.url
    place.cluster.access.apply(plain)
    place.wait("edited", "False", "TlsFailed")
    plain["spec"]["url"] = "http://169.254.169.254"
    place.cluster.access.apply(plain)
    told = place.wait("edited", "False", "AddressRefused")
    assert told["observedGeneration"] == 2


def test_the_operator_leaves_no_certificate_behind_when_it_stops(place: SecuredOperator) -> None:
    place.operator.stop(patience_seconds=60.0)
    assert list((place.operator.log.parent / "tmp").iterdir()) == []
