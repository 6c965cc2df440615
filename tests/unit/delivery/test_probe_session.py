"""Probes by TLS, and addresses that no probe is sent to."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER
from earlystop.delivery.probes.sending import probe
from earlystop.delivery.probes.session import probe_session
from earlystop.delivery.proof import ProbeTarget, Proof
from tests.unit.delivery.cluster import SHARE
from tests.unit.delivery.probe_answers import served

HOST = "qa.example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody signed, with its key beside it."""
    directory: Path = tmp_path_factory.mktemp("gateway")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    names = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    paths = ("-keyout", str(key), "-out", str(certificate), "-days", "2")
    subprocess.run([*command, *names, *paths], check=True, capture_output=True)
    return certificate


@pytest.fixture(scope="module")
def context(certificate: Path) -> ssl.SSLContext:
    """What a gateway needs to show that certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return made


@asynccontextmanager
async def gateway(context: ssl.SSLContext | None, requests: list[web.Request]) -> AsyncIterator[int]:
    """An echoing server behind a gateway with this certificate, None for plain http."""

    async def answer(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        echo = f"{request.headers[PROBE_HEADER]}.in-force;{SHARE.revision};baseline"
        response = web.Response(status=204, headers={ECHO_HEADER: echo})
        response.set_cookie("tenant", "secret")
        return response

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def target(port: int, scheme: str = "https", trust: str = "Any", address: str = "127.0.0.1") -> ProbeTarget:
    url = f"{scheme}://{address}:{port}/v1/chat/completions"
    return ProbeTarget(url, HOST, "0f0f", (), SHARE.revision, (("baseline", 100),), trust)


async def test_a_tls_connection_asks_for_the_overlays_host_and_any_certificate_will_do(
    context: ssl.SSLContext,
) -> None:
    named: list[str | None] = []
    context.sni_callback = lambda _, name, __: named.append(name)
    requests: list[web.Request] = []
    async with gateway(context, requests) as port, aiohttp.ClientSession() as session:
        assert (await probe(session, [target(port)])).proof is Proof.IN_FORCE
    assert set(named) == {HOST} and {each.headers["Host"] for each in requests} == {HOST}


async def test_where_the_policy_trusts_the_systems_authorities_only_another_certificate_is_told_in_words(
    context: ssl.SSLContext,
) -> None:
    requests: list[web.Request] = []
    async with gateway(context, requests) as port, aiohttp.ClientSession() as session:
        found = await probe(session, [target(port, trust="System")])
    assert found.proof is Proof.UNTRUSTED and requests == []
    assert "certificate is not trusted: self-signed certificate" in found.message and "trust: Any" in found.message


async def test_authorities_that_are_renewed_while_the_operator_runs_are_read_anew(
    context: ssl.SSLContext, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))

    def renew() -> None:
        authorities.write_bytes(certificate.read_bytes())
        os.utime(authorities, ns=(1, 1))

    async with gateway(context, []) as port, aiohttp.ClientSession() as session:
        before = await probe(session, [target(port, trust="System")])
        renew()
        after = await probe(session, [target(port, trust="System")])
    assert (before.proof, after.proof) == (Proof.UNTRUSTED, Proof.IN_FORCE)


async def test_a_listener_that_speaks_no_tls_is_told_in_words() -> None:
    async with gateway(None, []) as port, aiohttp.ClientSession() as session:
        found = await probe(session, [target(port)])
    assert found.proof is Proof.UNTRUSTED and "No TLS connection to the Gateway came about" in found.message


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_probe_is_sent_to_the_operator_itself(scheme: str, context: ssl.SSLContext) -> None:
    requests: list[web.Request] = []
    async with gateway(context if scheme == "https" else None, requests) as port, probe_session() as session:
        for address in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            found = await probe(session, [target(port, scheme, address=address)])
            assert found.proof is Proof.UNREACHABLE
    assert requests == []


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "[64:ff9b:1::1]"])
async def test_no_probe_is_sent_to_a_clouds_metadata_service(address: str) -> None:
    async with probe_session() as session:
        found = await probe(session, [target(80, "http", address=address)])
    assert found.proof is Proof.UNREACHABLE and "which is not asked" in found.message


async def test_no_cookie_of_one_answer_goes_with_another_probe() -> None:
    requests: list[web.Request] = []
    async with gateway(None, requests) as port, probe_session() as session:
        cookies = session.cookie_jar
        async with aiohttp.ClientSession(cookie_jar=cookies) as asking:  # the guard would refuse this test's own server
            asked = replace(target(port, "http", address="localhost"), host=None)
            assert (await probe(asking, [asked])).proof is Proof.IN_FORCE
    assert len(requests) > 1 and not any("Cookie" in each.headers for each in requests)


async def test_a_header_that_no_request_may_have_is_no_error_of_the_operators() -> None:
    async with gateway(None, []) as port, aiohttp.ClientSession() as session:
        forged = replace(target(port, "http"), headers=(("x-model", "qa\r\nx-forged: 1"),))
        found = await probe(session, [forged])
    assert found.proof is Proof.UNSUPPORTED and "characters that no header may" in found.message


@pytest.mark.parametrize(("status", "said"), [(502, "502"), (418, ""), (507, "an error")])
async def test_codes_that_are_not_a_gateways_own_are_not_told(status: int, said: str) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with served(answer) as url, aiohttp.ClientSession() as session:
        port = URL(url).port
        assert port is not None
        found = await probe(session, [target(port, "http")])
    assert said in found.message and (status == 502 or str(status) not in found.message)
