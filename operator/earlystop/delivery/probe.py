"""Sending the probes that prove a split: requests through the gateway that the server echoes and counts nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from math import ceil, log

import aiohttp

from earlystop.api.counts import Variant
from earlystop.api.wire import ECHO_HEADER, IN_FORCE_MARK, PROBE_HEADER, UNASSIGNED
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof

AT_ONCE = 8
TIMEOUT = aiohttp.ClientTimeout(total=5)


def probes_needed(weights: Collection[int]) -> int:
    """Probes after which a random split shows each variant that has a weight with probability over 99.9 %.

    One is missing with probability of at most k exp(-n w), for k variants beside the commonest, the rarest of which
    has the share w; ln(1000) = 6.9.
    """
    shares = sorted(weight for weight in weights if weight > 0)
    if len(shares) == 1:
        return 20
    return max(20, ceil(100 * (7 + log(len(shares) - 1)) / shares[0]))


async def probe(session: aiohttp.ClientSession, targets: Sequence[ProbeTarget]) -> ProbeResult:
    """Send probes to every target until each variant with a weight has answered, or an answer contradicts the split."""
    sent = 0
    for target in targets:
        result, more = await _probe_one(session, target)
        sent += more
        if result is not None:
            return result
    return ProbeResult(Proof.IN_FORCE, f"Weights are in force, proven by {sent} probes through the gateway.")


async def _probe_one(session: aiohttp.ClientSession, target: ProbeTarget) -> tuple[ProbeResult | None, int]:
    """What speaks against one target, and how many probes were sent."""
    expected = {variant for variant, weight in target.weights if weight > 0}
    answered: set[str] = set()
    needed, sent = probes_needed([weight for _, weight in target.weights]), 0
    while sent < needed:
        answers = await asyncio.gather(*(_ask(session, target) for _ in range(AT_ONCE)))
        sent += AT_ONCE
        for answer in answers:
            if isinstance(answer, ProbeResult):
                return answer, sent
            variant = _confirmed(answer, target)
            if variant is None:
                return ProbeResult(Proof.STALE, "The gateway still serves an earlier configuration."), sent
            if variant not in expected:
                return ProbeResult(Proof.WRONG, _confused(answer, expected)), sent
            answered.add(variant)
        if answered == expected and sent >= 2 * AT_ONCE:
            return None, sent
    missing = ", ".join(sorted(expected - answered))
    return ProbeResult(Proof.WRONG, f"{sent} probes through the gateway reached no {missing}."), sent


def _confirmed(echo: str, target: ProbeTarget) -> str | None:
    """The variant of an echo that this very overlay brought about, "" for one of another revision; None for an echo
    without its mark. A server may call the variant of unassigned requests so too."""
    nonce, _, rest = echo.partition(";")
    revision, _, variant = rest.partition(";")
    if nonce != target.nonce + IN_FORCE_MARK:
        return None
    if revision != target.revision:
        return ""
    return Variant.BASELINE.value if revision == variant == UNASSIGNED else variant


def _confused(echo: str, expected: Collection[str]) -> str:
    """A sentence about an echo with the right mark and the wrong rest. Its words are a server's, so few are kept."""
    answer = echo.partition(";")[2][:80]
    return f"A probe that can only reach {' or '.join(sorted(expected))} came back as {answer!r}."


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
