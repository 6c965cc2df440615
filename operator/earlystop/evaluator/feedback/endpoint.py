"""The HTTP side: `POST /v1/feedback` takes one vote or label, whoever sends it, and answers with what became of it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence

from aiohttp import web

from earlystop.evaluator.feedback.intake import Intake
from earlystop.evaluator.feedback.outcomes import REPLIES, Outcome
from earlystop.evaluator.feedback.telemetry import Telemetry
from earlystop.evaluator.feedback.vote import MOST_BYTES, Kind, read_vote
from earlystop.exporter.listening import runner_of

PATH = "/v1/feedback"
LONGEST_BODY_SECONDS = 10.0
LINGERING_SECONDS = 1.0
"""For how long the rest of a refused body is read, so that its sender can read the answer."""
MOST_OPEN = 256
"""Requests at a time; more of them are refused, so that slow senders fill no memory."""
_BEARER = "bearer "
_HEADERS = {Outcome.TOO_MANY: {"Retry-After": "1"}, Outcome.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"}}


class Endpoint:
    """intake: what counts. label_keys: who knows one may label; none: nobody may."""

    def __init__(self, intake: Intake, telemetry: Telemetry, label_keys: Sequence[bytes] = ()) -> None:
        self._intake = intake
        self._telemetry = telemetry
        self._label_keys = label_keys
        self._open = 0

    def application(self) -> web.Application:
        """The application; `/healthz` is for Kubernetes."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes([web.post(PATH, self._vote), web.get("/healthz", self._healthy)])
        return app

    def runner(self) -> web.AppRunner:
        """What serves the application. A packed body is none that can be read, so none is unpacked."""
        return runner_of(self.application(), auto_decompress=False, lingering_time=LINGERING_SECONDS)

    async def _vote(self, request: web.Request) -> web.Response:
        if self._open >= MOST_OPEN:
            return self._refused(Outcome.TOO_MANY)
        self._open += 1
        try:
            return await self._read(request)
        finally:
            self._open -= 1

    async def _read(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(LONGEST_BODY_SECONDS):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refused(Outcome.TOO_LARGE)
        except TimeoutError:
            return self._refused(Outcome.TOO_SLOW)
        vote = read_vote(body)
        if vote is None:
            return self._refused(Outcome.MALFORMED)
        return _response(self._intake.take(vote, is_labeller=self._is_labeller(request)))

    def _is_labeller(self, request: web.Request) -> bool:
        """Whether the request has one of the label keys. All are compared, so that the time tells nothing of them."""
        said = request.headers.get("Authorization", "")
        if said[: len(_BEARER)].lower() != _BEARER:
            return False
        key = said[len(_BEARER) :].strip().encode(errors="replace")
        return sum(hmac.compare_digest(key, each) for each in self._label_keys) > 0

    def _refused(self, outcome: Outcome, kind: Kind | None = None) -> web.Response:
        self._telemetry.ended(kind, outcome)
        return _response(outcome)

    async def _healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")


def _response(outcome: Outcome) -> web.Response:
    reply = REPLIES[outcome]
    headers = _HEADERS.get(outcome, {})
    response = web.json_response(
        {"outcome": outcome.value, "message": reply.message}, status=reply.status, headers=headers
    )
    if outcome in (Outcome.TOO_LARGE, Outcome.TOO_SLOW):
        response.force_close()  # the rest of the body is not waited for
    return response
