"""An injector that only counts is a sidecar of an engine whose own arguments are tried: it changes no body, counts by
variant, and names the variant on the answers of golden questions, as a stock engine does not."""

from __future__ import annotations

import json

from earlystop.api.wire import ECHO_HEADER, GOLDEN_HEADER, PROBE_HEADER
from earlystop.injector.proxy import InjectorSettings
from tests.unit.injector.stub_engine import TOKENS, StubEngine
from tests.unit.injector.through import CHAT, HEADERS, client

COUNT_ONLY = InjectorSettings({})
BODY = b'{ "model":"m",\t"max_tokens": 9007199254740993, "messages": [] }'


async def test_bodies_go_on_byte_for_byte_and_are_counted_for_their_variant() -> None:
    engine = StubEngine()
    async with client(engine, COUNT_ONLY) as asked:
        async with asked.session.post(CHAT, data=BODY, headers=HEADERS) as answer:
            assert answer.status == 200
        assert engine.received[0][0] == BODY
        streamed = json.dumps({"model": "m", "messages": [], "stream": True})
        async with asked.session.post(CHAT, data=streamed, headers=HEADERS) as answer:
            assert b'"usage"' not in await answer.read(), "the client did not ask for it"
        counts = await asked.counts()
        assert (counts["started"], counts["completed"], counts["tokens"]) == (2, 2, 2 * TOKENS)
        assert counts["failed"] == counts["scored"] == 0


async def test_a_golden_answer_names_its_variant_and_a_probe_is_answered() -> None:
    async with client(StubEngine(), COUNT_ONLY) as asked:
        async with asked.session.post(CHAT, data=BODY, headers={**HEADERS, GOLDEN_HEADER: "candidate"}) as answer:
            named = {name: answer.headers[f"x-early-stop-{name}"] for name in ("revision", "step", "variant")}
        assert named == {"revision": "r1", "step": "0", "variant": "candidate"}
        async with asked.session.get(CHAT, headers={**HEADERS, PROBE_HEADER: "nonce"}) as answer:
            assert answer.status == 204 and answer.headers[ECHO_HEADER].startswith("nonce")
