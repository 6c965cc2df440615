"""Sending the probes that prove a split: requests through the gateway that the server echoes and counts nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from math import ceil, log

import aiohttp

from earlystop.api.counts import Variant
from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER, UNASSIGNED
from earlystop.delivery.probes.questions import probe_body
from earlystop.delivery.probes.session import AddressRefused, tls_context
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof

AT_ONCE = 8
# For the connection, and then for the answer.
CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 5.0
# For all probes of one proof: a server that is slow holds up no more than this.
PROOF_SECONDS = 20.0
TIMEOUT = aiohttp.ClientTimeout(total=CONNECT_SECONDS + ANSWER_SECONDS, connect=CONNECT_SECONDS)
# Codes by which gateways say that they lead nowhere. No other is told: an address in a Gateway's status may be another
# server's, whose answers are nobody else's business.
OF_GATEWAYS = frozenset({404, 500, 502, 503, 504})


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
    """Send probes to every target until each variant with a weight has answered, or an answer contradicts the split.

    It ends after `PROOF_SECONDS` at the latest.
    """
    sent = 0
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            for target in targets:
                result, more = await _probe_one(session, target)
                sent += more
                if result is not None:
                    return result
    except TimeoutError:
        message = (
            f"Probes are answered too slowly to prove the weights within {PROOF_SECONDS:.0f} s; metrics must show them."
        )
        return ProbeResult(Proof.SLOW, message)
    return ProbeResult(Proof.IN_FORCE, f"Weights are in force, proven by {sent} probes through the gateway.")


async def _probe_one(session: aiohttp.ClientSession, target: ProbeTarget) -> tuple[ProbeResult | None, int]:
    """What speaks against one target, and how many probes were sent."""
    expected = {variant for variant, weight in target.weights if weight > 0}
    answered: set[str] = set()
    needed, sent = probes_needed([weight for _, weight in target.weights]), 0
    while sent < needed:
        answers = await asyncio.gather(*(ask(session, target) for _ in range(AT_ONCE)))
        sent += AT_ONCE
        for answer in answers:
            if isinstance(answer, ProbeResult):
                return answer, sent
            variant = confirmed(answer, target)
            if variant is None:
                return ProbeResult(Proof.STALE, "The gateway still serves an earlier configuration."), sent
            if variant not in expected:
                return ProbeResult(Proof.WRONG, _confused(answer, expected)), sent
            answered.add(variant)
        if answered == expected and sent >= 2 * AT_ONCE:
            return None, sent
    missing = ", ".join(sorted(expected - answered))
    return ProbeResult(Proof.WRONG, f"{sent} probes through the gateway reached no {missing}."), sent


def confirmed(echo: str, target: ProbeTarget) -> str | None:
    """The variant of an echo that this very overlay brought about, "" for one of another revision; None for an echo
    without its mark. A server may call the variant of unassigned requests so too."""
    nonce, _, rest = echo.partition(";")
    revision, _, variant = rest.partition(";")
    if nonce != target.nonce + target.mark:
        return None
    if revision != target.revision:
        return ""
    return Variant.BASELINE.value if revision == variant == UNASSIGNED else variant


def _confused(echo: str, expected: Collection[str]) -> str:
    """A sentence about an echo with the right mark and the wrong rest. Its words are a server's, so few are kept."""
    answer = echo.partition(";")[2][:80]
    return f"A probe that can only reach {' or '.join(sorted(expected))} came back as {answer!r}."


async def ask(session: aiohttp.ClientSession, target: ProbeTarget) -> str | ProbeResult:
    """The echo of one probe, or what came instead of it."""
    headers = {**target.asked_headers, PROBE_HEADER: target.nonce}
    if target.host:
        headers["Host"] = target.host
    secure = target.url.startswith("https:")
    try:
        async with session.post(
            target.url,
            headers=headers,
            data=probe_body(target.url, reads_bodies=target.reads_bodies),
            timeout=TIMEOUT,
            allow_redirects=False,
            ssl=tls_context(target.trust) if secure else True,
            server_hostname=target.host if secure else None,
        ) as response:
            echo = response.headers.get(ECHO_HEADER)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return _no_answer(error)
    if echo is not None:
        return echo
    if status >= 500 or status == 404:
        said = status if status in OF_GATEWAYS else "an error"
        return ProbeResult(Proof.NOT_YET, f"The gateway answered {said} to a probe.")
    return ProbeResult(
        Proof.UNSUPPORTED, f"The server answered a probe without {ECHO_HEADER}; the metrics must show the split."
    )


def _no_answer(error: Exception) -> ProbeResult:
    """What it means that no answer came. Whether an address refuses connections or drops them is not told."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", "") or "it does not fit the host"
            message = f"The Gateway's certificate is not trusted: {why}. Let an authority of the operator's sign it, "
            return ProbeResult(Proof.UNTRUSTED, f"{message}or write delivery.probe.trust: Any.")
        case aiohttp.ClientConnectorSSLError():
            message = "No TLS connection to the Gateway came about. Look at its listener's certificate and TLS options."
            return ProbeResult(Proof.UNTRUSTED, message)
        case aiohttp.ClientConnectorError(os_error=AddressRefused()):
            return ProbeResult(Proof.UNREACHABLE, str(error.os_error))
        case aiohttp.ServerTimeoutError() | aiohttp.ClientConnectorError():
            return ProbeResult(Proof.UNREACHABLE, "The gateway did not answer a probe: it could not be reached.")
        case TimeoutError():
            return ProbeResult(Proof.NOT_YET, f"The gateway gave no answer to a probe for {ANSWER_SECONDS:.0f} s.")
        case aiohttp.ClientError():
            return ProbeResult(Proof.UNREACHABLE, "The gateway did not answer a probe: it closed the connection.")
    message = "No probe can be sent for the route's match, which holds characters that no header may; metrics must."
    return ProbeResult(Proof.UNSUPPORTED, message)
