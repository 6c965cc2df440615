"""TLS contexts that aiohttp makes for itself read the system's authorities when a connection first needs them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.unit.controller.interpreters import run

CONTEXT = (
    "import ssl, earlystop.controller, aiohttp.connector;"
    "context = aiohttp.connector._SSL_CONTEXT_VERIFIED;"
    "known = lambda: len(context.get_ca_certs());"
)


def test_a_context_of_aiohttp_trusts_nobody_before_its_first_connection_and_then_whom_the_system_trusts() -> None:
    program = (
        f"{CONTEXT} before = known();"
        "context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.com');"
        "print(before, known() == len(ssl.create_default_context().get_ca_certs()))"
    )
    assert run(program) == "0 True"


def test_a_context_of_aiohttp_is_as_strict_as_pythons_own() -> None:
    program = (
        f"{CONTEXT} own = ssl.create_default_context();"
        "print(all(getattr(context, name) == getattr(own, name) for name in"
        " ('verify_mode', 'check_hostname', 'verify_flags', 'minimum_version', 'options')), context.verify_mode.name)"
    )
    assert run(program) == "True CERT_REQUIRED"


def test_authorities_that_the_environment_names_are_those_that_are_trusted(tmp_path: Path) -> None:
    named = tmp_path / "none.pem"
    named.write_text("")
    program = (
        f"import os; {CONTEXT}"
        "context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname='example.com');"
        "print(known(), os.environ['SSL_CERT_FILE'], 'SSL_CERT_DIR' in os.environ)"
    )
    environment = {**os.environ, "SSL_CERT_FILE": str(named)}
    environment.pop("SSL_CERT_DIR", None)
    assert run(program, environment) == f"0 {named} False"
