"""One attempt to tell a receiver of one occurrence."""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence

import aiohttp

from earlystop.api.addresses import Network
from earlystop.controller.hooks.addresses import AddressRefused, socket_factory
from earlystop.controller.hooks.channel import NOT_DELIVERED, Channel, HookProblem
from earlystop.controller.hooks.line_by_line import LineByLineConnector
from earlystop.controller.hooks.receiver_answer import ReceiverAnswer, is_taken_by_chat, wait_asked_for
from earlystop.rollout.hooks import chat, cloud_event
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, occurrence_id
from earlystop.rollout.hooks.signature import signed_headers

AGENT = "earlystop-operator"
CHATS = ("Slack", "Teams")
"""Templates whose receivers may answer with success in the status and a failure in the body."""
LONGEST_CHAT_ANSWER = 8192
"""Bytes of such an answer that are read."""
UNTRUSTED = "shows no certificate that can be trusted; write caRef where an authority of your own has signed it"
_CERTIFICATE_FAULTS = {  # X509_V_ERR_... of OpenSSL
    9: "shows a certificate that is not valid yet; set the clock right, or have it renewed there",
    10: "shows a certificate that has expired; have it renewed there",
    62: "shows a certificate for another name; write the name that it is for as the host of the URL",
    64: "shows a certificate that is not for this address; write the name that it is for as the host of the URL",
}


async def post(
    channel: Channel, identity: PolicyIdentity, occurrence: Occurrence, at: int, refused: Sequence[Network]
) -> None:
    """Post an occurrence. at, refused: as of `exchange`. Raises HookProblem where the receiver did not take it."""
    is_chat = channel.spec.template in CHATS
    most = LONGEST_CHAT_ANSWER if is_chat else 0
    answer = await exchange(channel, identity, occurrence, at, refused, most, is_body_needed=False)
    ensure_success(channel, answer)
    if is_chat and not is_taken_by_chat(answer.body):
        raise _problem(channel, f"answers {answer.status}, and in its body that the message was not taken")


def ensure_success(channel: Channel, answer: ReceiverAnswer) -> None:
    """Raises HookProblem for an answer whose status is none of success."""
    if not 200 <= answer.status < 300:
        raise _problem(channel, f"answers {answer.status}", answer.wait_seconds)


async def exchange(
    channel: Channel,
    identity: PolicyIdentity,
    occurrence: Occurrence,
    at: int,
    refused: Sequence[Network],
    most: int = 0,
    *,
    is_body_needed: bool = True,
) -> ReceiverAnswer:
    """Post an occurrence. Returns what is answered. at: Unix seconds of this attempt. refused: networks of the cluster
    itself. most: bytes of the answer that are read. is_body_needed: whether an answer whose body breaks off, or does
    not come in time, is none.

    The connection is of this attempt alone, so that the receiver's name is looked up anew and checked each time.

    Raises HookProblem where there is no answer, or one that leads elsewhere.
    """
    body, content_type = _body(channel, identity, occurrence)
    signed = signed_headers(channel.keys, occurrence_id(identity.uid, occurrence), at, body)
    headers = {"content-type": content_type, "user-agent": AGENT, **signed}
    # Of an answer whose body decides, what stands behind its end might say otherwise: it is none at all.
    kind = aiohttp.TCPConnector if is_body_needed else LineByLineConnector
    sockets = socket_factory(channel.allowed, refused)
    connector = kind(ssl=channel.tls, socket_factory=sockets, use_dns_cache=False, force_close=True)
    limits = aiohttp.ClientTimeout(total=channel.spec.timeout_seconds)
    session = aiohttp.ClientSession(
        connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
    try:
        async with (
            session,
            session.post(channel.url, data=body, headers=headers, timeout=limits, allow_redirects=False) as response,
        ):
            status = response.status
            wait = wait_asked_for(status, response.headers.get("retry-after", ""), at)
            body = await _first_bytes(response, most, is_body_needed)
    except TimeoutError:
        raise _problem(channel, f"does not answer within {channel.spec.timeout_seconds} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _problem(channel, _fault(error)) from None
    if 300 <= status < 400:
        raise _problem(channel, f"answers {status}, and no redirect is followed; write where it leads to")
    return ReceiverAnswer(status, body, wait)


async def _first_bytes(response: aiohttp.ClientResponse, most: int, is_needed: bool) -> bytes:
    """The first bytes of an answer's body, at most so many. Where they are not needed, those that came: a message whose
    receiver has said so by its status must not be sent again."""
    found = b""
    try:
        while len(found) < most and (part := await response.content.read(most - len(found))):
            found += part
    except (TimeoutError, aiohttp.ClientError):
        if is_needed:
            raise
    return found


def _body(channel: Channel, identity: PolicyIdentity, occurrence: Occurrence) -> tuple[bytes, str]:
    """The body that is posted to a receiver, and its content type."""
    match channel.spec.template:
        case "Slack":
            content, content_type = chat.slack_message(identity, occurrence), chat.CONTENT_TYPE
        case "Teams":
            content, content_type = chat.teams_message(identity, occurrence), chat.CONTENT_TYPE
        case _:
            content, content_type = cloud_event.cloud_event(identity, occurrence), cloud_event.CONTENT_TYPE
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), content_type


def _problem(channel: Channel, what: str, wait_seconds: float = 0.0) -> HookProblem:
    return HookProblem(NOT_DELIVERED, f"the receiver of HookTarget {channel.target} {what}", wait_seconds)


def _fault(error: Exception) -> str:
    """What went wrong, without the words of a library, which repeat the address."""
    if _is_caused_by(error, AddressRefused):
        return (
            "has no public address: it leads into a private network, or to the cluster itself; ask the cluster's admin "
            "for another address, or to allow the network in allowNetworks"
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _CERTIFICATE_FAULTS.get(getattr(error.certificate_error, "verify_code", 0), UNTRUSTED)
    if isinstance(error, aiohttp.ClientSSLError) or _is_caused_by(error, ssl.SSLError):
        return "makes no TLS connection; ask for TLS 1.2 or later there, and for no certificate of the client"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "has a name that cannot be resolved"
    if isinstance(error, aiohttp.InvalidURL):
        return "has an address that cannot be used"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "cannot be reached"
    return f"broke the connection off ({type(error).__name__})"


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error, or what it follows from, is of this kind."""
    while error is not None:
        if isinstance(error, kind) or isinstance(getattr(error, "os_error", None), kind):
            return True
        if isinstance(error, BaseExceptionGroup) and any(_is_caused_by(each, kind) for each in error.exceptions):
            return True
        error = error.__cause__ or error.__context__
    return False
