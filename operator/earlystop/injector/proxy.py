"""The injector as an aiohttp server: requests go on to the engine with their variant's setting in their bodies."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from earlystop.api.body_knobs import Api, BodySetting, api_of
from earlystop.api.wire import (
    ASK_HEADER,
    DEFAULT_PREFIX,
    ECHO_HEADER,
    GOLDEN_HEADER,
    INNER_HEADER,
    PROBE_HEADER,
    RESPONSE_HEADER,
)
from earlystop.exporter.export import Exporter
from earlystop.exporter.receipts import Receipts
from earlystop.exporter.request_headers import MAX_NONCE, Assigned, assigned, probe_nonce
from earlystop.injector.answers import read_answer
from earlystop.injector.asked import answer_to_operator, pass_operators_question
from earlystop.injector.body import EditedBody, edited
from earlystop.injector.checking import answer_to_probe, checked
from earlystop.injector.counted import CountedRequest
from earlystop.injector.drawing import Drawing, DrawingSettings
from earlystop.injector.event_stream import EventStream
from earlystop.injector.sockets import is_websocket, pass_websocket
from earlystop.injector.telemetry import Telemetry
from earlystop.injector.upstream import EngineUnreachable, Upstream, passed_on, path_of

MAX_BODY = 64 << 20
CLIENT_CLOSED_REQUEST = 499
LOOP = HTTPStatus.LOOP_DETECTED
REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_USAGE_OPTION = re.compile(rb"stream[ _]?options|include_usage", re.IGNORECASE)
"""By these names an engine refuses a stream that is asked for its usage: some know no such field."""
_EVENTS = "text/event-stream"
_OURS = (GOLDEN_HEADER, PROBE_HEADER, ECHO_HEADER, ASK_HEADER, RESPONSE_HEADER)
_NOT_FOR_THE_ENGINE = frozenset({"host", "accept-encoding", "expect", *_OURS})


@dataclass(frozen=True, slots=True)
class InjectorSettings:
    """parameters: where each goes in a body. policies: the only ones counted, as namespace/name; none for any.
    user_header: name of the header that says who asks, "" where none does. drawing: how variants are drawn here, None
    where a gateway's headers say them. receipt_keys: keys of the receipts that answers have, none for none.
    gateway_writes: whether a gateway has written the settings, so that only what it left out is written."""

    parameters: Mapping[str, BodySetting]
    header_prefix: str = DEFAULT_PREFIX
    policies: Collection[str] = ()
    user_header: str = ""
    drawing: DrawingSettings | None = None
    receipt_keys: tuple[bytes, ...] = field(default=(), repr=False)
    gateway_writes: bool = False


class Injector:
    """Passes requests to one engine. Make one for each start of a process, since its counters begin at 0."""

    def __init__(self, upstream: Upstream, settings: InjectorSettings, registry: CollectorRegistry) -> None:
        self._upstream = upstream
        self._settings = settings
        self._exporter = Exporter(registry, policies=settings.policies)
        self._telemetry = Telemetry(registry)
        self._receipts = Receipts(settings.receipt_keys) if settings.receipt_keys else None
        drawing = settings.drawing
        self._drawing = None if drawing is None else Drawing(drawing, self._exporter, settings.parameters)
        self._is_leaving = False

    def server(self, **options: Any) -> web.Server:
        """What serves any path and method, in the running event loop. options: as `web.Server` has them.

        It is aiohttp's server without an application, whose routes, middlewares and signals nothing here needs.
        """
        return web.Server(self._serve, request_factory=_request_of(asyncio.get_running_loop()), **options)

    def leave(self) -> None:
        """From now on each answer says that its connection ends, so that clients go on by others. A connection that is
        closed while a client sends into it fails that request."""
        self._is_leaving = True

    def _close_if_leaving(self, response: web.StreamResponse) -> None:
        """Lets an answer say that its connection ends, where the process is to end. Call it before the answer
        begins."""
        if self._is_leaving:
            response.force_close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._answer_to(request)
        except web.HTTPException as refusal:  # as of a body that is too long
            self._close_if_leaving(refusal)
            raise
        if not response.prepared:
            self._close_if_leaving(response)
        return response

    async def _answer_to(self, request: web.BaseRequest) -> web.StreamResponse:
        if not request.path.startswith("/"):  # `OPTIONS *` asks the server itself, and CONNECT is for other proxies
            return web.Response(status=HTTPStatus.NOT_FOUND, text="404: Not Found")
        _ask_for_body(request)
        if self._upstream.mark and INNER_HEADER in request.headers:
            return web.Response(status=LOOP, text="the gateway led the injector's own request back to it\n")
        if PROBE_HEADER in request.headers:
            return await self._probed(request)
        api = api_of(request.path) if request.method == "POST" else None
        try:
            return await (self._pass(request) if api is None else self._generate(request, api))
        except ConnectionResetError:
            return web.Response(status=CLIENT_CLOSED_REQUEST)  # nobody is there to read it

    def _assignment_of(self, request: web.BaseRequest) -> Assigned:
        """What the overlay's headers say."""
        own = self._settings
        return assigned(
            lambda name: request.headers.getall(name, ()), list(own.parameters), own.header_prefix, own.user_header
        )

    async def _probed(self, request: web.BaseRequest) -> web.Response:
        """Answers the operator's probe, without the engine unless it asks for it; tells a client's nothing."""
        nonce = probe_nonce(request.headers.getall(PROBE_HEADER))
        if nonce is None:
            return web.Response(
                status=400, text=f"the header '{PROBE_HEADER}' must be 1 to {MAX_NONCE} printable ASCII characters\n"
            )
        if self._drawing is None:
            told = self._assignment_of(request)
        else:
            drawn = self._drawing.probed(request.headers, nonce)
            if drawn is None:
                return web.Response(status=503, text="no weights of the campaign of this probe were read yet\n")
            told, nonce = drawn
        api, by_gateway = api_of(request.path) if request.method == "POST" else None, self._settings.gateway_writes
        if api is None or ASK_HEADER not in request.headers or not told.asks_engine(nonce):
            answer = answer_to_probe(api) if by_gateway else None
            headers = {ECHO_HEADER: told.echo(nonce)}
            if answer is None:
                return web.Response(status=204, headers=headers)
            return web.Response(body=answer, content_type="application/json", headers=headers)
        ask = pass_operators_question if by_gateway else answer_to_operator
        return await ask(
            self._upstream, request, api, self._wanted(told), self._headers_for_engine(request), told.echo(nonce)
        )

    def _wanted(self, told: Assigned) -> dict[str, tuple[BodySetting, str]]:
        """Where each setting of a request goes, and its value."""
        return {name: (self._settings.parameters[name], text) for name, text in told.settings.items()}

    async def _pass(self, request: web.BaseRequest) -> web.StreamResponse:
        """What generates nothing goes through as it is, and is counted nowhere."""
        if is_websocket(request):
            try:
                return await pass_websocket(self._upstream, request, self._headers_for_engine(request))
            except EngineUnreachable as error:
                return _bad_gateway(error)
        body = request.content if request.can_read_body else None
        try:
            async with self._upstream.send(
                request.method, path_of(request), self._headers_for_engine(request), body
            ) as answer:
                response = web.StreamResponse(status=answer.status, headers=passed_on(answer.headers))
                self._close_if_leaving(response)
                await response.prepare(request)
                await _pass_on(request, answer.content, response)
                return response
        except EngineUnreachable as error:
            return _bad_gateway(error)

    async def _generate(self, request: web.BaseRequest, api: Api) -> web.StreamResponse:
        arrived = time.time()
        if self._drawing is None:
            told, golden = self._assignment_of(request), GOLDEN_HEADER in request.headers
        else:
            told, golden = self._drawing.assigned(request.headers)
        with CountedRequest(self._exporter, self._telemetry, told.assignment, golden=golden) as counted:
            edit = checked if self._settings.gateway_writes else edited
            body, wanted = await request.read(), self._wanted(told)
            change = edit(body, api, wanted)
            counted.edited(change, told.settings)
            without_usage = partial(edit, body, api, wanted, may_ask_usage=False)
            try:
                async with self._answered(request, change, without_usage) as (change, answer):
                    head = passed_on(answer.headers)
                    if golden:
                        head.update(told.names(self._settings.header_prefix))
                    elif answer.status == 200:
                        head.update(self._receipt(told, arrived))
                    if answer.status == 200 and _is_stream(change, answer.content_type):
                        return await self._stream(request, api, change, counted, answer.content, head)
                    whole = await answer.read()
                    counted.ended(read_answer(api, whole) if answer.status == 200 else None)
                    return web.Response(status=answer.status, body=whole, headers=head)
            except EngineUnreachable as error:
                counted.ended(None)
                return _bad_gateway(error)
            except aiohttp.ClientPayloadError as error:
                counted.ended(None)
                return _bad_gateway(EngineUnreachable(f"the engine's answer broke off: {error}"))

    @asynccontextmanager
    async def _answered(
        self, request: web.BaseRequest, change: EditedBody, without_usage: Callable[[], EditedBody]
    ) -> AsyncIterator[tuple[EditedBody, aiohttp.ClientResponse]]:
        """The engine's answer to this body. Where the engine does not take the question for usage, which was not the
        client's, it has refused and generated nothing, and gets the body without that question."""
        async with self._sent(request, change) as answer:
            if not (change.asks_usage and answer.status in REFUSALS and _USAGE_OPTION.search(await answer.read())):
                yield change, answer
                return
        change = without_usage()
        async with self._sent(request, change) as answer:
            yield change, answer

    def _sent(
        self, request: web.BaseRequest, change: EditedBody
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = self._headers_for_engine(request)
        headers["Content-Length"] = str(len(change.body))
        return self._upstream.send("POST", path_of(request), headers, change.body)

    def _receipt(self, told: Assigned, arrived: float) -> dict[str, str]:
        """The header by which votes and labels on an answer are counted later; none where it counts for no campaign."""
        if self._receipts is None or not told.is_assigned:
            return {}
        receipt = self._receipts.issue(told.assignment, arrived, is_scored=False)
        return {RESPONSE_HEADER: receipt} if receipt else {}

    async def _stream(
        self,
        request: web.BaseRequest,
        api: Api,
        change: EditedBody,
        counted: CountedRequest,
        content: aiohttp.StreamReader,
        head: CIMultiDict[str],
    ) -> web.StreamResponse:
        """Passes a stream on as it comes. It is counted before the client can see its end."""
        if change.asks_usage:
            head.popall("Content-Length", None)
        response = web.StreamResponse(headers=head)
        self._close_if_leaving(response)
        await response.prepare(request)
        events = EventStream(api, hides_usage=change.asks_usage)
        try:
            async for piece in content.iter_any():
                passed = events.feed(piece)
                if events.is_complete:
                    counted.ended(events.answer)
                if passed:
                    await response.write(passed)
        except aiohttp.ClientPayloadError:
            counted.ended(None)
            _break_off(request)
            return response
        finally:
            if events.has_ended:  # a client may go at the mark of the end
                counted.ended(events.answer)
        rest = events.rest()
        counted.ended(events.answer)
        if rest:
            await response.write(rest)
        await response.write_eof()
        return response

    def _headers_for_engine(self, request: web.BaseRequest) -> CIMultiDict[str]:
        """The headers that the engine gets: none of ours, and none that would make it pack its answer."""
        return passed_on(request.headers, _NOT_FOR_THE_ENGINE, (self._settings.header_prefix,))


def _ask_for_body(request: web.BaseRequest) -> None:
    """Tells a client that waits with its body to send it (RFC 9110, 10.1.1). Raises HTTPExpectationFailed for any other
    expectation."""
    expected = request.headers.get(aiohttp.hdrs.EXPECT)
    if expected is None or request.version != aiohttp.HttpVersion11:
        return
    if expected.lower() != "100-continue":
        raise web.HTTPExpectationFailed(text="the only expectation that is met is 100-continue\n")
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _request_of(loop: asyncio.AbstractEventLoop) -> Callable[..., web.BaseRequest]:
    """Makes requests whose bodies may be as long as MAX_BODY."""
    return partial(web.BaseRequest, loop=loop, client_max_size=MAX_BODY)


async def _pass_on(request: web.BaseRequest, content: aiohttp.StreamReader, response: web.StreamResponse) -> None:
    try:
        async for piece in content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except aiohttp.ClientPayloadError:
        _break_off(request)


def _is_stream(change: EditedBody, content_type: str) -> bool:
    """Whether an answer comes piece by piece. Some engines call a stream plain text, and an error by its own type."""
    return content_type == _EVENTS or (change.streams and content_type != "application/json")


def _break_off(request: web.BaseRequest) -> None:
    """The client is to see that its answer broke off, as it would have seen it without us."""
    if request.transport is not None:
        request.transport.abort()


def _bad_gateway(error: EngineUnreachable) -> web.Response:
    message = {"error": {"message": f"early-stop injector: {error}", "type": "server_error", "code": "bad_gateway"}}
    return web.json_response(message, status=502)
