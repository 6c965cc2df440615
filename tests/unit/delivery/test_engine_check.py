"""Before users get a setting, the engine is asked whether it takes it; what the answers leave open holds nobody up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from earlystop.api.body_knobs import Api
from earlystop.api.conditions import Refusal
from earlystop.api.wire import ECHO_HEADER, IN_FORCE_MARK, UNKNOWN_FIELDS_HEADER
from earlystop.delivery.probes.engine_check import (
    SECONDS_BETWEEN_ASKING,
    AskEngine,
    EngineAnswer,
    EngineCheck,
    ask_engine,
    engine_says,
    judge,
    words_in,
)
from earlystop.delivery.probes.questions import question_of
from earlystop.delivery.proof import ProbeTarget
from tests.unit.delivery.probe_answers import served

FINE, REFUSED = EngineAnswer(200), EngineAnswer(400, "reasoning_config is not configured")
NO = Refusal("NeedsServerFlag", "No.")


@pytest.mark.parametrize(
    ("plain", "answers", "reason"),
    [
        (200, {"baseline": FINE, "candidate": FINE}, None),
        (200, {"baseline": FINE, "candidate": REFUSED}, "NeedsServerFlag"),
        (200, {"baseline": FINE, "w10": FINE, "w5": EngineAnswer(422)}, "NeedsServerFlag"),
        (200, {"baseline": REFUSED, "candidate": REFUSED}, "NeedsServerFlag"),  # whose settings it refuses alike
        (400, {"baseline": REFUSED, "candidate": REFUSED}, None),  # it may be the request
        (401, {"baseline": EngineAnswer(401), "candidate": EngineAnswer(401)}, None),
        (0, {"candidate": REFUSED}, None),
        (200, {"baseline": FINE, "candidate": EngineAnswer(503)}, None),
        (200, {}, None),
        (0, {"baseline": FINE, "candidate": EngineAnswer(200, unknown="windw")}, "FieldUnknownToEngine"),
    ],
)
def test_a_setting_is_at_fault_where_the_same_request_without_it_is_taken(
    plain: int, answers: Mapping[str, EngineAnswer], reason: str | None
) -> None:
    refusal = judge(plain, answers)
    assert (refusal and refusal.reason) == reason
    if refusal is not None and any(each.words for each in answers.values()):
        assert "takes the same one without: reasoning_config is not configured. " in refusal.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "no parser.", "code": 400}}', "no parser"),
        (b'{"message": "no parser"}', "no parser"),
        (b'{"detail": "no\x5cn\x5cu001bparser"}', "no  parser"),
        (json.dumps({"error": "x" * 1000}).encode(), "x" * 200),
        (b'{"error": {"message": 4}}', ""),
        (b"<html>", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_engines_words_are_quoted_printable_and_short(body: bytes, words: str) -> None:
    assert words_in(body) == words


@pytest.mark.parametrize("api", Api)
def test_the_question_is_the_shortest_of_its_api_and_names_a_model_where_one_is_known(api: Api) -> None:
    assert question_of(api, "qwen") == {"model": "qwen", **question_of(api, None)}
    assert "model" not in question_of(api, None)


def test_what_the_engine_refused_is_asked_again_after_a_while_and_what_it_took_is_not() -> None:
    refused, taken = EngineCheck("r1", 100.0, NO), EngineCheck("r1", 100.0)
    late = 100.0 + SECONDS_BETWEEN_ASKING
    assert isinstance(engine_says(None, (), "r1", 0.0), AskEngine)
    assert engine_says(refused, (), "r1", late - 1) == NO and isinstance(
        engine_says(refused, (), "r1", late), AskEngine
    )
    assert engine_says(taken, (), "r1", late) is None
    assert isinstance(engine_says(taken, (), "r2", 100.0), AskEngine), "another campaign has other settings"


def target(url: str, variant: str) -> ProbeTarget:
    headers = (("x-early-stop-golden", variant),)
    return ProbeTarget(url, "qa.example.com", "n1", headers, "r1", ((variant, 100),))


class EngineBehindInjector:
    """Takes no candidate's request. echoes: whether an answer has the probe's echo. models: what /v1/models says."""

    def __init__(self, *, echoes: bool = True, models: Any = None) -> None:
        self.echoes = echoes
        self.models = models
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        assert request.headers["Host"] == "qa.example.com"
        if request.method == "GET":
            assert request.path == "/v1/models" and "x-early-stop-probe" not in request.headers
            if isinstance(self.models, bytes):
                return web.Response(body=self.models, content_type="application/json")
            return web.json_response(self.models)
        self.asked.append(json.loads(await request.read()))
        variant = request.headers.get("x-early-stop-golden")
        if variant is None:  # by the user's own route, past the injector
            assert not [name for name in request.headers if name.lower().startswith("x-early-stop")]
            return web.json_response({})
        headers = {ECHO_HEADER: f"n1{IN_FORCE_MARK};r1;{variant}"} if self.echoes else {}
        if variant == "baseline":
            return web.json_response({}, headers=headers)
        error = {"error": {"message": "no parser"}}
        return web.json_response(error, status=400, headers={**headers, UNKNOWN_FIELDS_HEADER: ""})


async def asked(engine: EngineBehindInjector) -> Refusal | None:
    async with served(engine) as url, aiohttp.ClientSession() as session:
        return await ask_engine(session, [target(url, "baseline"), target(url, "candidate")])


async def test_each_variant_is_asked_once_with_the_model_that_the_engine_names() -> None:
    engine = EngineBehindInjector(models={"data": [{"id": "qwen"}]})
    refusal = await asked(engine)
    assert refusal is not None and (refusal.reason, "no parser" in refusal.message) == ("NeedsServerFlag", True)
    assert engine.asked == [{**question_of(Api.CHAT_COMPLETIONS, "qwen")}] * 3


@pytest.mark.parametrize("models", [None, [], {"data": []}, {"data": [{"id": 4}]}, {"data": "x"}, b"[" * 9_999])
async def test_without_a_model_that_can_be_read_none_is_named(models: Any) -> None:
    engine = EngineBehindInjector(models=models)
    assert await asked(engine) is not None
    assert all("model" not in each for each in engine.asked)


async def test_an_answer_that_did_not_come_by_the_injector_says_nothing() -> None:
    assert await asked(EngineBehindInjector(echoes=False)) is None


async def test_an_engine_that_cannot_be_reached_holds_nobody_up() -> None:
    async with aiohttp.ClientSession() as session:
        url = "http://127.0.0.1:1/v1/chat/completions"
        assert await ask_engine(session, [target(url, "baseline"), target(url, "candidate")]) is None
