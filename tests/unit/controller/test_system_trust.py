"""aiohttp is loaded without the system's authorities, of which nothing here makes use, and nobody else goes without."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from tests.unit.controller.interpreters import run

OWN_CONTEXTS = (
    "from aiohttp import connector;"
    "counted = [each.cert_store_stats()['x509_ca'] for each in vars(connector).values()"
    " if type(each) is ssl.SSLContext];"
)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one of the authorities of this machine's Python."""
    context = ssl.create_default_context()
    file = tmp_path_factory.mktemp("authorities") / "authorities.pem"
    known = context.get_ca_certs(binary_form=True)[:1]
    if not known:
        pytest.skip("this machine trusts nobody")
    file.write_text("".join(map(ssl.DER_cert_to_PEM_cert, known)))
    return file


@pytest.mark.slow
def test_aiohttp_s_own_contexts_hold_no_authorities_while_later_ones_hold_them(authorities: Path) -> None:
    program = (
        f"import ssl, earlystop.controller.main; {OWN_CONTEXTS}"
        "print(counted, ssl.create_default_context().cert_store_stats()['x509_ca'])"
    )
    found = run(program, {**os.environ, "SSL_CERT_FILE": str(authorities)})
    assert found == "[0, 0] 1"


@pytest.mark.slow
@pytest.mark.parametrize("given", [None, "/some/authorities.pem"])
def test_the_environment_is_afterwards_as_it_was(given: str | None) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    variables |= {} if given is None else {"SSL_CERT_FILE": given}
    program = "import os, earlystop.controller.main, aiohttp; print(os.environ.get('SSL_CERT_FILE'))"
    assert run(program, variables) == str(given)


@pytest.mark.slow
def test_an_aiohttp_that_was_loaded_before_keeps_its_authorities(authorities: Path) -> None:
    program = f"import ssl, aiohttp, earlystop.controller.main; {OWN_CONTEXTS} print(counted)"
    found = run(program, {**os.environ, "SSL_CERT_FILE": str(authorities)})
    assert found == "[1, 1]"


@pytest.mark.slow
def test_probes_webhooks_and_requests_to_the_api_server_have_contexts_of_their_own(authorities: Path) -> None:
    program = (
        "from earlystop.controller.hooks.channel import _tls;"
        "from earlystop.delivery.probes.session import tls_context;"
        "from kubernetes.aio.client import Configuration;"
        "from kubernetes.aio.client.rest import RESTClientObject;"
        "import asyncio;\n"
        "async def of_api(): return RESTClientObject(Configuration()).ssl_context\n"
        "contexts = asyncio.run(of_api()), tls_context('System'), _tls('hook', None, None)\n"
        "print([each.cert_store_stats()['x509_ca'] for each in contexts])"
    )
    found = run("import earlystop.controller.main\n" + program, {**os.environ, "SSL_CERT_FILE": str(authorities)})
    assert found == "[1, 1, 1]"


def test_commands_take_the_kinds_of_objects_without_waiting_for_aiohttp() -> None:
    assert run("import sys, earlystop.controller.resources; print('aiohttp' in sys.modules)", {**os.environ}) == "False"
