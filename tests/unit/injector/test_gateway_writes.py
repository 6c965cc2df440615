"""Behind a gateway that writes, an injector counts, checks bodies, writes what was left out, and answers as APIs do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.body_knobs import Api
from earlystop.api.gateway_body import WRITABLE_APIS
from earlystop.api.wire import ECHO_HEADER, PROBE_HEADER, UNWRITTEN_HEADER, commitment_of, signed_nonce
from earlystop.injector.answers import read_answer
from earlystop.injector.checking import answer_to_probe
from tests.unit.injector.stub_engine import TOKENS, StubEngine
from tests.unit.injector.through import CHAT, HEADERS, SETTINGS, client

CHECKING = replace(SETTINGS, gateway_writes=True)
WRITTEN = b'{ "model":"m",\t"max_completion_tokens": 20, "seed": 9007199254740993, "messages": [] }'
TOKEN = "t" * 43
REVISION = f"0123456789-{commitment_of('llm/qa', TOKEN)}"
NONCE = signed_nonce(TOKEN, "n1") + ".in-force"
ASKED = {
    **HEADERS,
    "x-early-stop-revision": REVISION,
    "x-early-stop-token": TOKEN,
    PROBE_HEADER: NONCE,
    "x-early-stop-ask": "1",
}


def effects(page: str) -> dict[str, float]:
    found = (line for line in page.splitlines() if line.startswith("earlystop_injector_settings_total{"))
    return {line.split('effect="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in found}


async def test_a_body_that_the_gateway_has_written_goes_on_byte_for_byte_and_counts() -> None:
    engine = StubEngine()
    async with client(engine, CHECKING) as asked:
        async with asked.session.post(CHAT, data=WRITTEN, headers=HEADERS) as answer:
            assert answer.status == 200
        assert engine.received[0][0] == WRITTEN
        counts = await asked.counts()
        assert (counts["started"], counts["completed"], counts["tokens"]) == (1, 1, TOKENS)
        assert effects(await asked.page()) == {"kept": 1.0}


@pytest.mark.parametrize("body", [{"messages": []}, {"messages": [], "max_tokens": 21}])
async def test_what_the_gateway_left_out_is_written_and_told(body: dict[str, object]) -> None:
    engine = StubEngine()
    async with client(engine, CHECKING) as asked:
        async with asked.session.post(CHAT, json=body, headers=HEADERS) as answer:
            assert answer.status == 200
        assert 20 in json.loads(engine.received[0][0]).values()
        assert effects(await asked.page()) == {"missing": 1.0}


@pytest.mark.parametrize(("body", "unwritten"), [({"max_tokens": 20}, None), ({"max_tokens": 100}, "cap"), ({}, "cap")])
async def test_the_operators_question_goes_on_as_it_came_and_the_answer_says_what_it_did_not_have(
    body: dict[str, int], unwritten: str | None
) -> None:
    engine = StubEngine()
    async with client(engine, CHECKING) as asked:
        async with asked.session.post(CHAT, json=body, headers=ASKED) as answer:
            assert (answer.status, answer.headers.get(UNWRITTEN_HEADER)) == (200, unwritten)
            assert answer.headers[ECHO_HEADER] == f"{NONCE};{REVISION};candidate"
        assert json.loads(engine.received[-1][0]) == body
        assert (await asked.counts())["started"] == 0


async def test_a_probe_is_answered_as_its_api_answers_since_the_gateway_reads_it() -> None:
    async with client(StubEngine(), CHECKING) as asked:
        async with asked.session.post(CHAT, data=b"{}", headers={**HEADERS, PROBE_HEADER: "nonce"}) as answer:
            assert (answer.status, answer.headers[ECHO_HEADER]) == (200, "nonce;r1;candidate")
            assert answer.content_type == "application/json" and (await answer.json())["choices"]
        async with asked.session.get(CHAT, headers={**HEADERS, PROBE_HEADER: "nonce"}) as answer:
            assert answer.status == 204
        assert (await asked.counts())["started"] == 0


@pytest.mark.parametrize("api", WRITABLE_APIS)
def test_that_answer_is_one_whose_tokens_can_be_read(api: Api) -> None:
    written = answer_to_probe(api)
    assert written is not None
    answer = read_answer(api, written)
    assert answer is not None and answer.tokens == 0
    assert answer_to_probe(Api.COMPLETIONS) is None and answer_to_probe(None) is None
