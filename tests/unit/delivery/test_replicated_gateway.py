"""A gateway of several processes: probes meet each of them, whichever answered first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER
from earlystop.delivery.probes import session as probe_session_module
from earlystop.delivery.probes.canary import probe_variants
from earlystop.delivery.probes.sending import probe
from earlystop.delivery.probes.session import probe_session
from earlystop.delivery.proof import ProbeTarget, Proof
from tests.unit.delivery.cluster import SHARE

BOTH = (("baseline", 50), ("candidate", 50))


class Replicas:
    """An address behind which each connection leads to the next of several gateways, as a Service does.

    fails: of each gateway, the variants that it cannot lead to. Each answers for itself as long as a connection lasts.
    """

    def __init__(self, *fails: frozenset[str]) -> None:
        self.connections = 0
        self._fails = fails

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fails = self._fails[self.connections % len(self._fails)]
        self.connections += 1
        try:
            while head := await _head(reader):
                variant, nonce = head["x-variant"], head[PROBE_HEADER.lower()]
                echo = f"{ECHO_HEADER}: {nonce}.in-force;{SHARE.revision};{variant}\r\n"
                status = "502 Bad Gateway\r\n" if variant in fails else f"204 No Content\r\n{echo}"
                writer.write(f"HTTP/1.1 {status}Content-Length: 0\r\n\r\n".encode())
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    """Headers of a request, in lower case; none where there is no further one."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
    except asyncio.IncompleteReadError:
        return {}
    head = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines if line)}
    await reader.readexactly(int(head.get("content-length", 0)))
    return head


@asynccontextmanager
async def listening(replicas: Replicas) -> AsyncIterator[str]:
    server = await asyncio.start_server(replicas.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
    finally:
        server.close()


def alone(url: str, variant: str) -> ProbeTarget:
    return ProbeTarget(url, "qa.example.com", "0f", (("x-variant", variant),), SHARE.revision, ((variant, 100),))


@pytest.fixture(autouse=True)
def local_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    """No probe is sent to this machine but here."""
    monkeypatch.setattr(probe_session_module, "_is_local", lambda address: False)


@pytest.mark.parametrize("processes", [2, 3, 4, 5])
async def test_a_candidate_that_one_process_of_the_gateway_cannot_lead_to_is_found_after_the_others_answered(
    processes: int,
) -> None:
    replicas = Replicas(*[frozenset()] * (processes - 1), frozenset({"candidate"}))
    async with listening(replicas) as url, probe_session() as http:
        targets = [alone(url, "baseline"), alone(url, "candidate")]
        found = [(await probe_variants(http, targets)).proof for _ in range(processes)]
    assert Proof.CANDIDATE_FAILS in found


async def test_a_process_of_the_gateway_that_leads_to_nobody_is_no_fault_of_the_candidates() -> None:
    replicas = Replicas(frozenset(), frozenset(), frozenset({"baseline", "candidate"}))
    async with listening(replicas) as url, probe_session() as http:
        targets = [alone(url, "baseline"), alone(url, "candidate")]
        found = {(await probe_variants(http, targets)).proof for _ in range(6)}
    assert found == {Proof.IN_FORCE, Proof.UNREACHABLE}


async def test_no_two_probes_have_one_connection() -> None:
    replicas = Replicas(frozenset())
    async with listening(replicas) as url, probe_session() as http:
        result = await probe(http, [alone(url, "candidate")])
        assert result.proof is Proof.IN_FORCE
        assert await probe_variants(http, [alone(url, "baseline"), alone(url, "candidate")]) is not None
    assert f"proven by {replicas.connections - 1} probes" in result.message
