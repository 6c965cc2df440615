"""Through the injector each answer has a receipt of its request, plain and streamed, and what has failed has none."""

from __future__ import annotations

import dataclasses

import pytest

from earlystop.api.wire import GOLDEN_HEADER, RESPONSE_HEADER, commitment_of
from earlystop.exporter.receipts import Receipts
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import CHAT, HEADERS, POLICY, REVISION, SETTINGS, client

KEY = b"0123456789abcdef" * 2
WITH_RECEIPTS = dataclasses.replace(SETTINGS, receipt_keys=(KEY,))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_has_a_receipt_that_takes_labels(stream: bool) -> None:
    async with (
        client(StubEngine(), WITH_RECEIPTS) as asking,
        asking.session.post(CHAT, json={"stream": stream}, headers=HEADERS) as answer,
    ):
        found = Receipts([KEY]).open(answer.headers[RESPONSE_HEADER])
        await answer.read()
    assert found is not None and not found.is_scored
    told = found.assignment
    assert (told.policy, told.revision, told.step, told.variant) == (POLICY, REVISION, 0, "candidate")


async def test_golden_questions_forged_requests_and_errors_have_no_receipt() -> None:
    forged = dict(HEADERS) | {"x-early-stop-revision": f"0123456789-{commitment_of(POLICY, 'secret')}"}
    for engine, headers in (
        (StubEngine(), dict(HEADERS) | {GOLDEN_HEADER: "candidate"}),
        (StubEngine(), forged),
        (StubEngine(), {}),
        (StubEngine(status=500), HEADERS),
    ):
        async with (
            client(engine, WITH_RECEIPTS) as asking,
            asking.session.post(CHAT, json={}, headers=headers) as answer,
        ):
            assert RESPONSE_HEADER not in answer.headers


async def test_a_client_that_writes_a_receipt_into_its_request_sends_it_to_no_engine() -> None:
    engine = StubEngine()
    made_up = {**HEADERS, RESPONSE_HEADER: "made up"}
    async with (
        client(engine, WITH_RECEIPTS) as asking,
        asking.session.post(CHAT, json={}, headers=made_up) as answer,
    ):
        assert answer.headers[RESPONSE_HEADER] != "made up"
    assert RESPONSE_HEADER not in engine.received[0][1]
