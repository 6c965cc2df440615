"""aiohttp trusts what the system trusts, as ever, and reads that when the first TLS connection is begun."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.controller.interpreters import run
from tests.unit.metrics.source.certificates import Authority
from tests.unit.metrics.source.faulty_server import Handler, serving

ASKED = """
import asyncio, ssl, sys
import earlystop.controller, aiohttp, aiohttp.connector

async def asked():
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            try:
                async with session.get(sys.argv[1]) as answer:
                    print(answer.status)
            except aiohttp.ClientConnectorCertificateError as error:
                print(type(error).__name__)

trusting = aiohttp.connector._SSL_CONTEXT_VERIFIED
print(trusting.cert_store_stats()["x509"], trusting.verify_mode.name, trusting.check_hostname)
asyncio.run(asked())
print(trusting.cert_store_stats()["x509"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("trusted", [True, False])
def test_a_server_is_trusted_as_the_system_says_and_nothing_is_read_before(trusted: bool, tmp_path: Path) -> None:
    own, other = Authority(tmp_path, "own"), Authority(tmp_path, "other")
    with serving(
        lambda handler: Handler.reply(handler, 200, b"{}"), own.issue("server", "IP:127.0.0.1").serving()
    ) as server:
        system = {
            "SSL_CERT_FILE": str((own if trusted else other).pair.certificate),
            "SSL_CERT_DIR": str(tmp_path / "none"),
        }
        program = ASKED.replace("sys.argv[1]", repr(server.url))
        said = run(program, os.environ | system).splitlines()
    assert said == ["0 CERT_REQUIRED True", *["200" if trusted else "ClientConnectorCertificateError"] * 2, "1"]


def test_contexts_of_others_read_what_the_system_trusts_at_once(tmp_path: Path) -> None:
    system = {"SSL_CERT_FILE": str(Authority(tmp_path).pair.certificate), "SSL_CERT_DIR": str(tmp_path / "none")}
    program = (
        "import earlystop.controller, aiohttp, ssl; made = ssl.create_default_context();"
        "print(type(made).__name__, made.cert_store_stats()['x509'])"
    )
    assert run(program, os.environ | system) == "SSLContext 1"
