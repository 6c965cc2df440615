"""Fixtures of all unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.metrics.source.certificates import Authority


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One authority that signed nothing stands for all that the machine trusts: a unit test talks to loopback only, and
    to read the machine's hundreds of certificates takes twenty milliseconds for each client that is made."""
    directory = tmp_path_factory.mktemp("authorities")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(Authority(directory).pair.certificate))
        patch.setenv("SSL_CERT_DIR", str(directory / "none"))
        yield
