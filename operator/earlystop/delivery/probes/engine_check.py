"""One question of the operator's own for each variant, and one without a setting, before any user gets one: whether the
engine takes the settings.

An engine that lacks a flag answers each request with 400, and one that does not know a field ignores it: both spoil a
rollout without a word. What the answers leave open holds nobody up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from earlystop.api.body_knobs import ENDINGS, api_of
from earlystop.api.conditions import Refusal
from earlystop.api.json_once import read_any_json
from earlystop.api.wire import (
    ASK_HEADER,
    ECHO_HEADER,
    GOLDEN_HEADER,
    PROBE_HEADER,
    UNKNOWN_FIELDS_HEADER,
    UNWRITTEN_HEADER,
)
from earlystop.delivery.probes.questions import open_question_of, question_of
from earlystop.delivery.probes.sending import confirmed
from earlystop.delivery.probes.session import tls_context
from earlystop.delivery.proof import ProbeTarget

# An engine generates one token in it, also where others wait before the question.
ANSWER_SECONDS = 30.0
SECONDS_BETWEEN_ASKING = 60.0
MAX_ANSWER = 64 << 10
MOST_WORDS = 200
TAKEN, REFUSED = 200, (400, 422)
_TIMEOUT = aiohttp.ClientTimeout(total=ANSWER_SECONDS, connect=3.0)


@dataclass(frozen=True, slots=True)
class AskEngine:
    """Ask the engine through these rules, note the answer, and ask again what to do. targets: one for each variant."""

    targets: tuple[ProbeTarget, ...]


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """What the engine answered of a campaign. at: Unix seconds. refusal: why no user may get the settings, None where
    nothing speaks against it."""

    revision: str
    at: float
    refusal: Refusal | None = None

    def is_fresh(self, revision: str, now: float) -> bool:
        """Whether it is about this campaign, and what it found may still be so."""
        return self.revision == revision and (self.refusal is None or now - self.at < SECONDS_BETWEEN_ASKING)


def engine_says(
    check: EngineCheck | None, targets: tuple[ProbeTarget, ...], revision: str, now: float
) -> AskEngine | Refusal | None:
    """Whether the engine has to be asked through these rules, or refuses a setting of the campaign; None where it does
    not. check: what it last answered. now: Unix seconds."""
    if check is None or not check.is_fresh(revision, now):
        return AskEngine(targets)
    return check.refusal


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """The answer of one variant, which came through the injector. words: the engine's own, of an error. unknown: fields
    that it does not know. unwritten: parameters that a gateway should have written into it."""

    status: int
    words: str = ""
    unknown: str = ""
    unwritten: str = ""


async def ask_engine(session: aiohttp.ClientSession, targets: Sequence[ProbeTarget]) -> Refusal | None:
    """Why users may not get a variant's setting, None where nothing speaks against it or nothing is known."""
    api = api_of(URL(targets[0].url).path)
    if api is None:
        return None
    whole = open_question_of if targets[0].reads_bodies else question_of
    question = whole(api, await _model(session, targets[0]))
    plain = await _status_by_users_route(session, targets[0], question)
    answers = await asyncio.gather(*(_answer_of_variant(session, each, question) for each in targets))
    told = {_variant(target): each for target, each in zip(targets, answers, strict=True) if each is not None}
    return judge(plain, told)


def judge(plain: int, answers: Mapping[str, EngineAnswer]) -> Refusal | None:
    """What the answers mean. A setting is at fault only where the same request is taken without any: else it may be the
    request itself. plain: status of that one, 0 without an answer. answers: by variant."""
    for variant, answer in answers.items():
        if answer.unwritten:
            return Refusal(
                "GatewayDoesNotWrite",
                f"The operator's own request for {variant} came through the gateway without {answer.unwritten} as it "
                "should be in its body, so no user is led there. Look at the status of what the "
                "policy owns for the gateway, and at the gateway's release. It is asked again every minute.",
            )
        if answer.unknown:
            return Refusal(
                "FieldUnknownToEngine",
                f"The engine's /openapi.json does not have the field {answer.unknown} that {variant} sets, and it "
                "ignores such fields. Correct parameters[].body, or the mode's engine.",
            )
    if plain != TAKEN:
        return None
    refused = next(((name, each) for name, each in answers.items() if each.status in REFUSED), None)
    if refused is None:
        return None
    variant, answer = refused
    words = f": {answer.words}" if answer.words else ""
    return Refusal(
        "NeedsServerFlag",
        f"The engine answers {answer.status} to a request with the setting of {variant}, and takes the same one without"
        f"{words}. Start it with the flag that it asks for, or try another setting. It is asked again every minute.",
    )


async def _answer_of_variant(
    session: aiohttp.ClientSession, target: ProbeTarget, question: Mapping[str, Any]
) -> EngineAnswer | None:
    """The answer of one variant, None for one that did not surely come through the injector."""
    headers = {**_common(target), **target.asked_headers, PROBE_HEADER: target.nonce, ASK_HEADER: "1"}
    try:
        async with session.post(
            target.url, headers=headers, data=json.dumps(question).encode(), timeout=_TIMEOUT, **_tls(target)
        ) as response:
            echo = response.headers.get(ECHO_HEADER, "")
            if confirmed(echo, target) != _variant(target):
                return None
            body = await _beginning_of(response)
            unknown = _printable(response.headers.get(UNKNOWN_FIELDS_HEADER, ""))
            unwritten = _printable(response.headers.get(UNWRITTEN_HEADER, ""))
            return EngineAnswer(response.status, words_in(body) if response.status != 200 else "", unknown, unwritten)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


async def _status_by_users_route(
    session: aiohttp.ClientSession, target: ProbeTarget, question: Mapping[str, Any]
) -> int:
    """The status of the same request by the user's own route, on which everybody is until then; 0 without an answer."""
    asked = target.asked_headers
    matched = {name: value for name, value in asked.items() if name not in (PROBE_HEADER, GOLDEN_HEADER)}
    headers, data = {**_common(target), **matched}, json.dumps(question).encode()
    try:
        async with session.post(target.url, headers=headers, data=data, timeout=_TIMEOUT, **_tls(target)) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0


async def _model(session: aiohttp.ClientSession, target: ProbeTarget) -> str | None:
    """The first model that the engine names by the user's own route, None where it names none there."""
    url = URL(target.url)
    ending = next(each for each in ENDINGS if url.path.endswith(each))
    models = url.with_path(url.path.removesuffix(ending) + "/models").with_query(None)
    try:
        async with session.get(models, headers=_common(target), timeout=_TIMEOUT, **_tls(target)) as response:
            found = read_any_json(await _beginning_of(response)) if response.status == 200 else {}
        name = found["data"][0]["id"]
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError):
        return None
    return name if isinstance(name, str) and len(name) <= 256 else None


async def _beginning_of(response: aiohttp.ClientResponse) -> bytes:
    """The answer's bytes, cut after MAX_ANSWER."""
    found = bytearray()
    async for piece in response.content.iter_any():
        found += piece
        if len(found) >= MAX_ANSWER:
            break
    return bytes(found[:MAX_ANSWER])


def words_in(body: bytes) -> str:
    """The sentence of an error as engines write it, printable and cut; "" where there is none."""
    try:
        found = read_any_json(body)
    except ValueError:
        return ""
    for _ in range(2):
        if isinstance(found, dict):
            found = found.get("error") or found.get("message") or found.get("detail")
    return _printable(found) if isinstance(found, str) else ""


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:MOST_WORDS]).strip(" .")


def _common(target: ProbeTarget) -> dict[str, str]:
    return {"content-type": "application/json", **({"Host": target.host} if target.host else {})}


def _tls(target: ProbeTarget) -> dict[str, Any]:
    secure = target.url.startswith("https:")
    name = {"server_hostname": target.host} if secure else {}
    return {"allow_redirects": False, "ssl": tls_context(target.trust) if secure else True, **name}


def _variant(target: ProbeTarget) -> str:
    return next(variant for variant, weight in target.weights if weight > 0)
