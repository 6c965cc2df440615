"""The operator's own question to an engine, before any user gets a setting: it is counted nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from earlystop.api.body_knobs import Api, BodySetting
from earlystop.api.wire import ECHO_HEADER, UNKNOWN_FIELDS_HEADER, UNWRITTEN_HEADER
from earlystop.injector.body import Effect, edited
from earlystop.injector.checking import checked
from earlystop.injector.known_fields import DOCUMENT, MAX_DOCUMENT, known_fields, unknown_fields
from earlystop.injector.question import as_users_send, for_the_question
from earlystop.injector.upstream import EngineUnreachable, Upstream, beginning_of, path_of

MAX_ANSWER = 64 << 10
DOCUMENT_SECONDS = 3.0


async def answer_to_operator(
    upstream: Upstream,
    request: web.BaseRequest,
    api: Api,
    wanted: Mapping[str, tuple[BodySetting, str]],
    headers: CIMultiDict[str],
    echo: str,
) -> web.Response:
    """What the engine answers, with the echo of the probe. wanted: the settings and their values, as in `body.edited`.

    headers: those that the engine gets.
    """
    everywhere = {name: (for_the_question(setting, api), text) for name, (setting, text) in wanted.items()}
    question, may_be_long = as_users_send(await request.read(), api, everywhere)
    change = edited(question, api, everywhere, may_ask_usage=False)  # nobody reads it there
    written = [
        setting.fields[api][0].path
        for name, (setting, _) in wanted.items()
        if setting.fields.get(api) and change.effects[name] is not Effect.REFUSED
    ]
    told = {ECHO_HEADER: echo, **await _unknown(upstream, request.path, written)}
    return await _sent_on(upstream, request, headers, change.body, told, may_be_long=may_be_long)


async def pass_operators_question(
    upstream: Upstream,
    request: web.BaseRequest,
    api: Api,
    wanted: Mapping[str, tuple[BodySetting, str]],
    headers: CIMultiDict[str],
    echo: str,
) -> web.Response:
    """As `answer_to_operator`, where a gateway writes the settings: the question goes on as it came, and the answer
    says which of them it did not have. That is as long as a user's, so no more than its beginning is waited for."""
    question = await request.read()
    change = checked(question, api, wanted)
    missing = [name for name, effect in change.effects.items() if effect is Effect.MISSING]
    told = {ECHO_HEADER: echo, **({UNWRITTEN_HEADER: ",".join(missing)[:512]} if missing else {})}
    fields = [field.path for setting, _ in wanted.values() for field in setting.fields.get(api, ())[:1]]
    told |= await _unknown(upstream, request.path, fields)
    return await _sent_on(upstream, request, headers, question, told, may_be_long=True)


async def _unknown(upstream: Upstream, path: str, written: list[tuple[str, ...]]) -> dict[str, str]:
    """The header that names fields which the engine does not know, where there are any."""
    unknown = unknown_fields(await _fields_known_at(upstream, path), written)
    return {UNKNOWN_FIELDS_HEADER: ",".join(unknown)[:512]} if unknown else {}


async def _sent_on(
    upstream: Upstream,
    request: web.BaseRequest,
    headers: CIMultiDict[str],
    question: bytes,
    told: dict[str, str],
    *,
    may_be_long: bool,
) -> web.Response:
    """The engine's answer with these headers, of a long one the beginning."""
    headers["Content-Length"] = str(len(question))
    try:
        async with upstream.send("POST", path_of(request), headers, question) as answer:
            most = 1 if may_be_long and answer.status == 200 else MAX_ANSWER
            body = await beginning_of(answer.content, most)
            return web.Response(status=answer.status, body=body, content_type=answer.content_type, headers=told)
    except (EngineUnreachable, aiohttp.ClientError):
        return web.Response(status=502, headers=told)


async def _fields_known_at(upstream: Upstream, path: str) -> frozenset[str] | None:
    """The fields that the engine says it knows at a path, None where it says nothing."""
    try:
        async with (
            asyncio.timeout(DOCUMENT_SECONDS),
            upstream.send("GET", DOCUMENT, CIMultiDict(), None) as answer,
        ):
            if answer.status != 200:
                return None
            document = await beginning_of(answer.content, MAX_DOCUMENT)
    except (EngineUnreachable, aiohttp.ClientError, TimeoutError):
        return None
    return known_fields(document, path)  # one that was cut says nothing
