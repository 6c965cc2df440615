"""Through the injector a client gets what the engine answers, the engine what the variant says, and all is counted."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import aiohttp
import pytest

from earlystop.api.wire import UNASSIGNED, commitment_of, signed_nonce
from earlystop.exporter.listening import SERVER_LOG
from earlystop.injector.proxy import InjectorSettings
from tests.turns import Turns
from tests.unit.closed_port import closed_port
from tests.unit.injector.stub_engine import DONE, TOKENS, USAGE_EVENT, StubEngine, chunk, completion, event, stream_of
from tests.unit.injector.through import CHAT, HEADERS, SETTINGS, client, client_of

ANSWERED = {"started": 1, "completed": 1, "failed": 0, "tokens": TOKENS, "scored": 0, "empty": 0, "cut": 0}
FAILED = {**dict.fromkeys(ANSWERED, 0), "started": 1, "failed": 1}


async def test_the_setting_is_in_the_body_and_no_header_of_ours_reaches_the_engine() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        headers = {**HEADERS, "Authorization": "Bearer x", "x-early-stop-token": "", "Accept-Encoding": "gzip"}
        async with asking.session.post(CHAT, json={"max_tokens": 100, "seed": 1}, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, completion())
            assert not [name for name in answer.headers if name.lower().startswith("x-early-stop")]
        ((body, received),) = engine.received
        assert body == b'{"max_tokens": 20, "seed": 1}'
        assert not [name for name in received if name.lower().startswith("x-early-stop")]
        assert received["Authorization"] == "Bearer x" and "Accept-Encoding" not in received
        assert await asking.counts() == ANSWERED
        page = await asking.page()
    labels = 'effect="lowered",parameter="cap",policy="llm/qa",variant="candidate"'
    assert f"earlystop_injector_settings_total{{{labels}}} 1.0" in page
    assert 'parameter="cap",policy="llm/qa",revision="r1",value="20",variant="candidate"' in page
    assert 'earlystop_injector_finishes_total{policy="llm/qa",reason="stop",variant="candidate"} 1.0' in page


async def test_a_stream_comes_byte_for_byte_but_for_the_usage_that_nobody_asked_for() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            assert await answer.read() == b"".join(stream_of(asks_usage=False))
        asked = {"stream": True, "stream_options": {"include_usage": True}}
        async with asking.session.post(CHAT, json=asked, headers=HEADERS) as answer:
            assert await answer.read() == b"".join(stream_of(asks_usage=True))
        assert await asking.counts() == {name: 2 * count for name, count in {**ANSWERED, "cut": 1}.items()}
        assert 'reason="length",variant="candidate"} 2.0' in await asking.page()


@pytest.mark.parametrize(
    "words",
    [
        b'{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}',
        b'{"error":{"message":"Unrecognized request argument supplied: stream_options"}}',
        b'{"error":{"message":"Stream options are not supported by this model."}}',
    ],
)
async def test_an_engine_that_cannot_be_asked_for_usage_streams_to_the_client_all_the_same(words: bytes) -> None:
    engine = StubEngine(refuses={b"stream_options": words})
    async with client(engine) as asking:
        sent = {"max_tokens": 100, "stream": True}
        async with asking.session.post(CHAT, json=sent, headers=HEADERS) as answer:
            assert (answer.status, await answer.read()) == (200, b"".join(stream_of(asks_usage=False)))
        assert [json.loads(body) for body, _ in engine.received][1:] == [{"max_tokens": 20, "stream": True}]
        # Nobody knows how many tokens it had.
        assert await asking.counts() == FAILED
        assert 'earlystop_injector_failures_total{cause="usage"} 1.0' in await asking.page()


@pytest.mark.parametrize("stream_type", ["text/plain", "application/x-ndjson", "application/octet-stream"])
async def test_a_stream_is_one_by_whatever_name_an_engine_calls_its_type(stream_type: str) -> None:
    async with client(StubEngine(stream_type=stream_type)) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            assert answer.content_type == stream_type and "Content-Length" not in answer.headers
            assert await answer.read() == b"".join(stream_of(asks_usage=False))
        assert await asking.counts() == {**ANSWERED, "cut": 1}


@pytest.mark.parametrize("own", [{}, {"stream_options": {"include_usage": True}}])
async def test_a_request_that_the_engine_refuses_for_the_clients_own_fields_is_sent_once(own: dict[str, Any]) -> None:
    refused = b"include_usage" if own else b"no-such-model"
    engine = StubEngine(refuses={refused: b'{"error":{"message":"stream_options or model: no"}}'[: 99 if own else 9]})
    async with client(engine) as asking:
        sent = {"model": "no-such-model", "stream": True, **own}
        async with asking.session.post(CHAT, json=sent, headers=HEADERS) as answer:
            assert answer.status == 422
        assert len(engine.received) == 1
        assert await asking.counts() == FAILED


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_stream_that_comes_in_odd_pieces_is_the_same_and_is_counted_once(size: int) -> None:
    whole = b"".join(stream_of(asks_usage=True)).replace(b"\n", b"\r\n")
    engine = StubEngine(pieces=[whole[at : at + size] for at in range(0, len(whole), size)])
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            assert await answer.read() == whole.replace(USAGE_EVENT.replace(b"\n", b"\r\n"), b"")
        assert await asking.counts() == {**ANSWERED, "cut": 1}


async def test_each_event_is_passed_on_before_the_next_one_is_there() -> None:
    came = asyncio.Event()

    class Slow(StubEngine):
        async def serve(self, request: Any) -> Any:
            return await _first_then_wait(request, chunk({"content": "4"}), came)

    async with (
        client(Slow()) as asking,
        asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer,
    ):
        first = await asyncio.wait_for(answer.content.readany(), 30)
        assert first == chunk({"content": "4"})
        came.set()
        assert await answer.read() == DONE


async def _first_then_wait(request: Any, first: bytes, until: asyncio.Event) -> aiohttp.web.StreamResponse:
    response = aiohttp.web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(first)
    await until.wait()
    await response.write(DONE)
    await response.write_eof()
    return response


@pytest.mark.parametrize(
    ("engine", "body"),
    [
        (StubEngine(status=400, plain=b'{"error":{"message":"reasoning_config is not configured"}}'), {}),
        (StubEngine(status=503, plain=b"busy"), {}),
        (StubEngine(plain=b'{"error":{"message":"out of memory"}}'), {}),
        (StubEngine(plain=b"<html>proxy</html>"), {}),
        (StubEngine(plain=completion(usage=None)), {}),
        (StubEngine(pieces=[chunk({"content": "4"})]), {"stream": True}),
        (StubEngine(pieces=[chunk({"content": "4"}), event({"error": {"message": "boom"}}), DONE]), {"stream": True}),
        (StubEngine(pieces=[chunk({"content": "4"}, "stop"), DONE]), {"stream": True}),
    ],
    ids=[
        "400",
        "503",
        "200 with an error",
        "html",
        "no usage",
        "cut stream",
        "error in a stream",
        "stream without usage",
    ],
)
async def test_what_is_no_whole_answer_has_failed_and_reaches_the_client_as_it_is(
    engine: StubEngine, body: dict[str, Any]
) -> None:
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json=body, headers=HEADERS) as answer:
            assert answer.status == engine.status
            assert await answer.read() == (engine.plain if engine.pieces is None else b"".join(engine.pieces))
        assert await asking.counts() == FAILED


async def test_a_connection_that_breaks_off_in_a_stream_breaks_off_for_the_client_too() -> None:
    engine = StubEngine(pieces=[chunk({"content": "4"})], breaks_off=True)
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert await asking.counts() == FAILED


async def test_a_client_that_goes_away_ends_the_engines_work_and_has_failed() -> None:
    engine = StubEngine(hangs=True)
    async with client(engine) as asking:
        asked, turns = asyncio.ensure_future(asking.session.post(CHAT, json={}, headers=HEADERS)), Turns()
        while not engine.received and turns.another():  # noqa: ASYNC110 - an engine sets no event
            await asyncio.sleep(0.01)
        asked.cancel()
        while not ((await asking.counts())["failed"] and engine.cancelled):
            assert turns.another()
        assert engine.cancelled == 1
        assert await asking.counts() == FAILED
        assert 'earlystop_injector_failures_total{cause="client"} 1.0' in await asking.page()


async def test_a_client_that_goes_away_in_a_stream_has_failed_and_the_engine_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = StubEngine(pieces=[chunk({"content": "word "})] * 100_000)
    async with client(engine) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            await answer.content.readany()
            answer.close()
        turns = Turns()
        while not (await asking.counts())["failed"]:
            assert turns.another()
        assert await asking.counts() == FAILED
        assert 'earlystop_injector_failures_total{cause="client"} 1.0' in await asking.page()
    assert not [each for each in caplog.records if each.name == SERVER_LOG.name and each.levelname == "ERROR"]


async def test_an_engine_that_is_not_there_is_told_and_the_injector_is_not_ready() -> None:
    with closed_port() as port:
        async with client_of(f"http://127.0.0.1:{port}") as asking:
            assert await asking.ready() == 503
            async with asking.session.post(CHAT, json={}, headers=HEADERS) as answer:
                assert answer.status == 502
                assert "the engine cannot be reached" in (await answer.json())["error"]["message"]
            assert await asking.counts() == FAILED


async def test_a_connection_that_the_engine_had_closed_costs_no_request() -> None:
    """Engines close idle connections when they like; the first request after that must not fail."""
    answered = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(1024)
        body = completion()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        answered += 1
        await writer.drain()
        if answered < 3:  # read the next request, and close without a word
            await reader.read(1024)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, client_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as asking:
        for _ in range(2):
            async with asking.session.post(CHAT, json={}, headers=HEADERS) as answer:
                assert answer.status == 200
        assert (await asking.counts())["completed"] == 2


async def test_other_paths_go_through_as_they_are_and_are_not_counted() -> None:
    engine = StubEngine(plain=b"anything", status=207)
    async with client(engine) as asking:
        async with asking.session.put("/v1/files/a%2Fb?x=%20y", data=b"\x00\xff" * 1000, headers=HEADERS) as answer:
            assert (answer.status, await answer.read()) == (207, b"anything")
        assert engine.received[0][0] == b"\x00\xff" * 1000
        assert (await asking.counts())["started"] == 0


async def test_a_packed_body_goes_on_as_it_came() -> None:
    packed = gzip.compress(b'{"max_tokens": 100}')
    engine = StubEngine()
    async with client(engine) as asking:
        headers = {**HEADERS, "Content-Encoding": "gzip", "Content-Type": "application/json"}
        async with asking.session.post(CHAT, data=packed, headers=headers) as answer:
            assert answer.status == 200
        ((body, received),) = engine.received
        assert body == packed and received["Content-Encoding"] == "gzip"
        page = await asking.page()
        assert 'effect="refused"' in page
        assert 'value="20"' not in page  # a setting that was refused is not in force


@pytest.mark.slow
async def test_a_body_over_the_limit_is_refused_and_has_failed() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        async with asking.session.post(CHAT, data=b" " * (65 << 20), headers=HEADERS) as answer:
            assert answer.status == 413
        assert not engine.received
        assert await asking.counts() == FAILED


async def test_an_evaluators_question_gets_the_setting_and_is_counted_by_the_evaluator_alone() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        headers = {**HEADERS, "x-early-stop-golden": "1"}
        async with asking.session.post(CHAT, json={"max_tokens": 100}, headers=headers) as answer:
            named = [answer.headers[f"x-early-stop-{name}"] for name in ("revision", "step", "variant")]
            assert (answer.status, named) == (200, ["r1", "0", "candidate"])
        assert engine.received[0][0] == b'{"max_tokens": 20}'
        assert (await asking.counts())["started"] == 0


async def test_a_request_without_its_revisions_token_gets_no_setting_and_is_told_nothing() -> None:
    token = "t" * 43
    revision = f"0123456789-{commitment_of('llm/qa', token)}"
    genuine = {**HEADERS, "x-early-stop-revision": revision, "x-early-stop-token": token}
    forged = {**genuine, "x-early-stop-token": "guessed"}
    engine = StubEngine()
    async with client(engine) as asking:
        for headers in (genuine, forged):
            async with asking.session.post(CHAT, json={"max_tokens": 100}, headers=headers) as answer:
                assert answer.status == 200
        assert [json.loads(body)["max_tokens"] for body, _ in engine.received] == [20, 100]
        page = await asking.page()
        assert "earlystop_forged_requests_total" in page and token not in page
        nonce = signed_nonce(token, "n1")
        for headers, named in ((genuine, f"{revision};candidate"), (forged, f"{UNASSIGNED};{UNASSIGNED}")):
            async with asking.session.get("/any", headers={**headers, "x-early-stop-probe": nonce}) as answer:
                assert (answer.status, answer.headers["x-early-stop-echo"]) == (204, f"{nonce};{named}")
        assert len(engine.received) == 2


async def test_a_policy_that_is_not_served_is_counted_nowhere() -> None:
    settings = InjectorSettings(SETTINGS.parameters, policies=("llm/other",))
    async with client(StubEngine(), settings) as asking:
        async with asking.session.post(CHAT, json={}, headers=HEADERS) as answer:
            assert answer.status == 200
        assert (await asking.counts())["started"] == 0


async def test_an_incumbents_requests_get_its_setting_and_are_counted_beside_the_two_that_are_compared() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        headers = {**HEADERS, "x-early-stop-variant": "incumbent", "x-early-stop-param-cap": "30"}
        async with asking.session.post(CHAT, json={"max_tokens": 100}, headers=headers) as answer:
            assert answer.status == 200
        ((body, _),) = engine.received
        assert body == b'{"max_tokens": 30}'
        assert await asking.counts("incumbent") == ANSWERED
        assert await asking.counts("candidate") == await asking.counts("baseline") == dict.fromkeys(ANSWERED, 0)
