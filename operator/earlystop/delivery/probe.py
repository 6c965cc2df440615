"""Proof that a share is in force: requests through the gateway that the server echoes and counts nowhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import aiohttp

from earlystop.api.counts import Variant
from earlystop.delivery.gateway_header import ECHO_HEADER, PROBE_HEADER, PROVEN
from earlystop.delivery.surroundings import ProbeTarget, Share

AT_ONCE = 8
TIMEOUT = aiohttp.ClientTimeout(total=5)


class Proof(StrEnum):
    """What probes showed."""

    IN_FORCE = "InForce"
    NOT_YET = "NotYet"
    UNSUPPORTED = "ProbeUnsupported"
    UNREACHABLE = "GatewayUnreachable"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probes showed, and a sentence about it."""

    proof: Proof
    message: str


def probes_needed(weight: int) -> int:
    """Probes after which a random split shows its rarer variant with probability over 99.9 %: ln(1000) = 6.9."""
    rarer = min(weight, 100 - weight)
    return 20 if rarer == 0 else max(20, ceil(700 / rarer))


async def probe(session: aiohttp.ClientSession, target: ProbeTarget, share: Share) -> ProbeResult:
    """Send probes until every wanted variant was seen, and nothing that contradicts the share."""
    wanted = {Variant.BASELINE.value} if share.weight < 100 else set()
    wanted |= {Variant.CANDIDATE.value} if share.weight > 0 else set()
    seen: set[str] = set()
    sent = 0
    while sent < probes_needed(share.weight):
        answers = await asyncio.gather(*(_ask(session, target) for _ in range(AT_ONCE)))
        sent += AT_ONCE
        for answer in answers:
            if isinstance(answer, ProbeResult):
                return answer
            nonce, _, rest = answer.partition(";")
            revision, _, variant = rest.partition(";")
            if nonce != target.nonce + PROVEN or revision != share.revision or variant not in wanted:
                return ProbeResult(Proof.NOT_YET, "The gateway still serves an earlier configuration.")
            seen.add(variant)
        if seen == wanted and sent >= 2 * AT_ONCE:
            return ProbeResult(Proof.IN_FORCE, f"Weights are in force, proven by {sent} probes through the gateway.")
    missing = ", ".join(sorted(wanted - seen))
    return ProbeResult(Proof.NOT_YET, f"{sent} probes through the gateway reached no {missing}.")


async def _ask(session: aiohttp.ClientSession, target: ProbeTarget) -> str | ProbeResult:
    headers = {**dict(target.headers), PROBE_HEADER: target.nonce, "content-type": "application/json"}
    if target.host:
        headers["Host"] = target.host
    try:
        async with session.post(
            target.url, headers=headers, data=b"{}", timeout=TIMEOUT, allow_redirects=False
        ) as response:
            echo = response.headers.get(ECHO_HEADER)
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return ProbeResult(Proof.UNREACHABLE, f"The gateway did not answer a probe: {type(error).__name__}.")
    if echo is not None:
        return echo
    if status >= 500 or status == 404:
        return ProbeResult(Proof.NOT_YET, f"The gateway answered {status} to a probe.")
    return ProbeResult(
        Proof.UNSUPPORTED, f"The server answered {status} without {ECHO_HEADER}; the metrics must show the split."
    )
