"""The client of each metrics source: made with its Secrets, made anew when these or the source have changed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.certificates import CertificateFiles
from earlystop.controller.counts.secrets import Credentials, SecretReader
from earlystop.metrics.source.address import PinnedAddress, Resolve, resolve
from earlystop.metrics.source.client import FLAVOUR_PARAMETERS, ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

SECRETS_LIVE_SECONDS = 60.0
# After a source has refused the credentials, they are read again at once, but not with every query that fails.
LEAST_SECONDS = 1.0


@dataclass(slots=True)
class Connection:
    """A client and what it was made from. read_at: when its Secrets were last read; refused_at: and when that was
    because the source had refused them."""

    spec: SourceSpec
    credentials: Credentials
    client: ExactPrometheus
    files: CertificateFiles | None
    address: PinnedAddress
    read_at: float
    refused_at: float = -inf

    def close(self) -> None:
        """End the connection and remove its certificates."""
        self.client.close()
        if self.files is not None:
            self.files.close()


@dataclass(slots=True)
class Connections:
    """At most one connection per source. The caller lets only one task at a time work on a source.

    secrets: None where no source has any. clock: monotonic seconds. resolve: how host names are looked up.
    large_answers: lets one client at a time have a large answer.
    """

    secrets: SecretReader | None = None
    clock: Callable[[], float] = time.monotonic
    resolve: Resolve = resolve
    large_answers: threading.Lock = field(default_factory=threading.Lock)
    _open: dict[str, Connection] = field(default_factory=dict)

    async def client(self, name: str, spec: SourceSpec) -> ExactPrometheus:
        """The client for a source as it is now. Its Secrets are at most 60 s old, unless the API cannot be asked.

        Raises MetricsFailure when there is none: see `SecretReader.credentials` and `CertificateFiles`; Unreachable
        for a URL that no client can use.
        """
        known = self._open.get(name)
        if known is not None and known.spec != spec:
            await self.drop(name)
            known = None
        if known is not None and (not _has_secrets(spec) or self.clock() - known.read_at < SECRETS_LIVE_SECONDS):
            return known.client
        return (await self._opened(name, spec, known)).client

    async def renewed(self, name: str, spec: SourceSpec) -> bool:
        """Read a source's Secrets now, since it has refused what it was shown. Returns whether there is now a client
        with others."""
        known = self._open.get(name)
        if known is None or not _has_secrets(spec) or self.clock() - known.refused_at < LEAST_SECONDS:
            return False
        known.refused_at = self.clock()
        with suppress(MetricsFailure):  # it is met again, and told, by the next query
            return await self._opened(name, spec, known) is not known
        return False

    async def drop(self, name: str) -> None:
        """Close a source's connection, if it has one."""
        known = self._open.pop(name, None)
        if known is not None:
            await asyncio.to_thread(known.close)

    def close(self) -> None:
        """Close the connections of all sources, those in use as well."""
        for known in self._open.values():
            known.close()
        self._open.clear()

    async def _opened(self, name: str, spec: SourceSpec, known: Connection | None) -> Connection:
        try:
            credentials = await self._credentials(spec)
        except MetricsFailure as failure:
            if known is None or failure.kind is not FailureKind.SECRET_UNREADABLE:
                await self.drop(name)  # what is withdrawn is used no more
                raise
            credentials = known.credentials  # the API is away; the source may well be there
        if known is not None and credentials == known.credentials:
            known.read_at = self.clock()
            return known
        await self.drop(name)
        # The same source: where it is does not change with its Secrets.
        address = known.address if known is not None else PinnedAddress(self.resolve)
        made = await asyncio.to_thread(self._connect, spec, credentials, address)
        self._open[name] = made
        return made

    async def _credentials(self, spec: SourceSpec) -> Credentials:
        if not _has_secrets(spec):
            return Credentials()
        assert self.secrets is not None  # the operator's own reader has one
        return await self.secrets.credentials(spec)

    def _connect(self, spec: SourceSpec, credentials: Credentials, address: PinnedAddress) -> Connection:
        files = CertificateFiles(credentials, spec.tls, self.secrets) if self.secrets and _has_secrets(spec) else None
        try:
            client = ExactPrometheus(
                spec.url,
                token=(lambda: credentials.token) if credentials.token else None,
                auth=credentials.login,
                verify=files.authority if files is not None else True,
                cert=files.pair if files is not None else None,
                parameters=FLAVOUR_PARAMETERS[spec.flavour],
                connect_seconds=min(3.0, spec.timeout_seconds),
                read_seconds=spec.timeout_seconds,
                total_seconds=spec.timeout_seconds,
                address=address,
                large_answers=self.large_answers,
            )
        except ValueError:
            if files is not None:
                files.close()
            raise MetricsFailure(FailureKind.UNREACHABLE, "the MetricSource's url cannot be used") from None
        return Connection(
            spec=spec, credentials=credentials, client=client, files=files, address=address, read_at=self.clock()
        )


def _has_secrets(spec: SourceSpec) -> bool:
    tls = spec.tls
    return spec.auth is not None or (tls is not None and (tls.ca_ref or tls.certificate_ref or tls.key_ref) is not None)
