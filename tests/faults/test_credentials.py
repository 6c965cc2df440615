"""A rollout over a Prometheus that demands a client certificate and a token, which is replaced half-way."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.cluster.installed import OPERATOR_NAMESPACE
from tests.cluster.network import NODE_ADDRESS
from tests.e2e.own_stage import DELAY_SECONDS
from tests.e2e.proof import assert_looks_are_what_prometheus_says, looks_of, only_verdict, verdict_looks
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.policies import apply_quick
from tests.faults.proxies import Proxy
from tests.unit.metrics.source.certificates import Authority

SECRET = "guarded-prometheus"


class GuardedPrometheus(Proxy):
    """The real Prometheus behind TLS, for who shows a certificate of the authority and the token of the moment."""

    def __init__(self, upstream: str, tls: ssl.SSLContext) -> None:
        super().__init__(upstream)
        self._tls = tls
        self.accepted = {"first"}
        self.answered: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one query."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.accepted:
            return web.Response(status=401)
        self.answered.append(token)
        return await self.forward(request)

    async def listen(self) -> None:
        """Accept TLS connections."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, NODE_ADDRESS, 0, ssl_context=self._tls).start()
        self.url = f"https://{NODE_ADDRESS}:{self._runner.addresses[0][1]}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def write_secret(stage: Stage, authority: Authority, token: str) -> None:
    """What the operator needs, in its own namespace."""
    operator = authority.issue("operator")
    values = {
        "token": token.encode(),
        "ca.crt": authority.certificate,
        "tls.crt": operator.certificate.read_bytes(),
        "tls.key": operator.key.read_bytes(),
    }
    metadata = {"name": SECRET, "namespace": OPERATOR_NAMESPACE}
    data = {key: base64.b64encode(value).decode() for key, value in values.items()}
    stage.access.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


@pytest.fixture(scope="module")
def guarded(stage: Stage, authority: Authority) -> Iterator[GuardedPrometheus]:
    """The source of the stage's policies, whose Secret is not there yet."""
    tls = authority.issue("server", f"IP:{NODE_ADDRESS}").serving(authority)

    def reference(key: str) -> dict[str, str]:
        return {"name": SECRET, "key": key}

    with GuardedPrometheus(stage.prometheus.url, tls) as proxy:
        stage.apply_source(
            proxy.url,
            evaluationDelaySeconds=DELAY_SECONDS,
            timeoutSeconds=10,
            auth={"type": "Bearer", "secretRef": reference("token")},
            tls={"caRef": reference("ca.crt"), "certificateRef": reference("tls.crt"), "keyRef": reference("tls.key")},
        )
        yield proxy
        stage.access.kubectl("delete", "secret", SECRET, f"--namespace={OPERATOR_NAMESPACE}", "--ignore-not-found")


def test_a_policy_is_promoted_over_a_source_that_demands_credentials_and_replaces_them(
    stage: Stage, watched: Following, guarded: GuardedPrometheus, authority: Authority, load: None, no_policy_left: None
) -> None:
    apply_quick(stage, "guarded", steps=[{"weight": 50, "minimumSeconds": 20}])
    watched.wait_status("guarded", condition_is("MetricsAvailable", "False", "SecretNotFound"), 60, "without a Secret")
    write_secret(stage, authority, "first")
    watched.wait_status("guarded", lambda status: len(looks_of(status)) > 0, 90, "reading counts")
    guarded.accepted = {"first", "second"}
    write_secret(stage, authority, "second")
    guarded.accepted = {"second"}
    watched.wait_status("guarded", phase_is("Promoted"), 120, "promoted")
    assert set(guarded.answered) == {"first", "second"}
    verdict = only_verdict(stage, "guarded")
    assert_looks_are_what_prometheus_says(stage, verdict_looks(verdict), watched.policies("guarded"))
    assert stage.operator is not None
    assert "Unauthorized" not in {reason for reason, _ in stage.events("guarded")}, "the new token cost no look"
    key = Path(authority.pair.key.parent / "operator.key").read_text().splitlines()[1]
    assert key not in stage.operator.log.read_text()
