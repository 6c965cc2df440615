"""The operator's own question goes the whole way to the engine, is counted nowhere, and nobody else can ask so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import body_settings
from earlystop.api.wire import commitment_of, signed_nonce
from earlystop.injector.known_fields import known_fields, unknown_fields
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import CHAT, HEADERS, SETTINGS, client

TOKEN = "t" * 43
REVISION = f"0123456789-{commitment_of('llm/qa', TOKEN)}"
NONCE = signed_nonce(TOKEN, "n1") + ".in-force"
ASKED = {
    **HEADERS,
    "x-early-stop-revision": REVISION,
    "x-early-stop-token": TOKEN,
    "x-early-stop-probe": NONCE,
    "x-early-stop-ask": "1",
}
ECHO = f"{NONCE};{REVISION};candidate"


def document(*fields: str) -> bytes:
    """What an engine says of itself, as FastAPI writes it."""
    reference = {"$ref": "#/components/schemas/Request"}
    body = {"content": {"application/json": {"schema": reference}}}
    schemas: dict[str, Any] = {"Request": {"properties": {name: {} for name in fields}}}
    return json.dumps({"paths": {CHAT: {"post": {"requestBody": body}}}, "components": {"schemas": schemas}}).encode()


@dataclass
class TalkingEngine(StubEngine):
    """An engine that publishes the fields that it knows."""

    document: bytes = b""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/openapi.json":
            return web.Response(body=self.document, content_type="application/json")
        return await super().serve(request)


async def asked(engine: StubEngine, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json={"max_tokens": 100}, headers=headers) as answer:
            found = answer.status, answer.headers.copy(), await answer.read()
        assert (await asking.counts())["started"] == 0
        assert f'revision="{REVISION}"' not in await asking.page()
    return found


async def test_the_operators_question_has_its_setting_and_comes_back_with_the_engines_words_and_the_echo() -> None:
    refusal = b'{"error":{"message":"reasoning_config is not configured"}}'
    engine = TalkingEngine(status=400, plain=refusal)
    assert (await asked(engine, ASKED))[0::2] == (400, refusal)
    ((body, received),) = engine.received
    assert json.loads(body)["max_completion_tokens"] == 20 and not [
        name for name in received if name.lower().startswith("x-early-stop")
    ]
    status, headers, _ = await asked(TalkingEngine(), ASKED)
    assert (status, headers["x-early-stop-echo"]) == (200, ECHO)


async def test_a_budget_that_the_engine_takes_nowhere_is_asked_about_as_it_is_so_that_the_engine_says_why() -> None:
    """A question that lets the model think and names no budget is refused for that, in words that help nobody."""
    words = b'{"error":{"message":"Input should be greater than or equal to 1024"}}'
    budget = InjectorSettings(body_settings(read_words(Engine.VLLM, ["budget=ThinkingBudget"])))
    engine = TalkingEngine(refuses={b'"budget_tokens":30': words})
    async with client(engine, budget) as asking:
        headers = {**ASKED, "x-early-stop-param-budget": "30"}
        async with asking.session.post("/v1/messages", json={"max_tokens": 1}, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (422, words)
    sent = json.loads(engine.received[-1][0])
    assert sent["thinking"] == {"type": "enabled", "budget_tokens": 30} and sent["max_tokens"] > 30


async def test_a_setting_for_some_bodies_is_asked_about_too() -> None:
    """Its question has no effort, and would meet no flag that the engine lacks."""
    cap = replace(SETTINGS.parameters["cap"], where=(("reasoning_effort",), "low"))
    engine = TalkingEngine()
    async with (
        client(engine, replace(SETTINGS, parameters={"cap": cap})) as asking,
        asking.session.post(CHAT, json={"max_tokens": 100}, headers=ASKED) as answer,
    ):
        assert answer.status == 200
    assert json.loads(engine.received[0][0])["max_completion_tokens"] == 20


@pytest.mark.parametrize(
    ("fields", "unknown"),
    [(("max_completion_tokens",), None), (("prompt",), "max_completion_tokens"), ((), None)],
)
async def test_a_field_that_the_engine_does_not_list_is_named(fields: tuple[str, ...], unknown: str | None) -> None:
    _, headers, _ = await asked(TalkingEngine(document=document(*fields)), ASKED)
    assert headers.get("x-early-stop-unknown-fields") == unknown


@pytest.mark.parametrize(
    "changes",
    [
        {"x-early-stop-probe": signed_nonce(TOKEN, "n1")},  # which no overlay marked
        {"x-early-stop-probe": "n1.in-force"},  # which nobody signed
        {"x-early-stop-probe": signed_nonce("guessed", "n1") + ".in-force"},
        {"x-early-stop-token": "guessed"},
        {"x-early-stop-revision": "r1", "x-early-stop-token": ""},  # a campaign without a token
    ],
)
async def test_what_is_not_signed_and_marked_is_answered_as_any_probe_without_the_engine(
    changes: dict[str, str],
) -> None:
    engine = StubEngine()
    status, headers, body = await asked(engine, ASKED | changes)
    assert (status, body, engine.received) == (204, b"", []) and "x-early-stop-echo" in headers


@pytest.mark.parametrize(
    "broken",
    [b"", b"[]", b"{", b'{"paths": 1}', b"[" * 100_000, document("n").replace(b"#/components", b"#/elsewhere")],
)
def test_a_document_that_cannot_be_read_says_nothing_of_any_field(broken: bytes) -> None:
    assert known_fields(broken, CHAT) is None
    assert unknown_fields(None, [("any",)]) == ()


def test_of_a_nested_field_the_engine_lists_the_first_key_only() -> None:
    known = known_fields(document("custom_params"), CHAT)
    paths: list[Any] = [("custom_params", "window"), ("other", "window"), ("other", "window")]
    assert unknown_fields(known, paths) == ("other.window",)
    assert known_fields(document("custom_params"), "/v1/completions") is None
