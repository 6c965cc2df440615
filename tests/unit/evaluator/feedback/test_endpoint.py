"""Over real HTTP every request gets a status and a sentence, none stops the endpoint, and nothing tells a variant."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evaluator.feedback import endpoint
from earlystop.evaluator.feedback.endpoint import PATH
from earlystop.evaluator.feedback.outcomes import REPLIES, Outcome
from earlystop.evaluator.feedback.vote import MOST_BYTES, read_vote
from tests.unit.evaluator.feedback.given import LABEL_KEY, receipt, served, taking

LABELLER = {"Authorization": f"Bearer {LABEL_KEY.decode()}"}


async def test_votes_and_labels_are_taken_and_answered_alike_whichever_variant_answered() -> None:
    with taking() as process:
        async with served(process) as (client, _):
            said = []
            for variant in ("baseline", "candidate"):
                thumb = {"responseId": receipt(variant), "sentiment": "up"}
                label = {"responseId": receipt(variant), "match": False}
                for body, headers in ((thumb, {}), (label, LABELLER)):
                    async with client.post(PATH, json=body, headers=headers) as answer:
                        said.append((answer.status, await answer.text(), sorted(answer.headers)))
            assert said[:2] == said[2:] and [status for status, *_ in said[:2]] == [200, 202]


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", f"Basic {LABEL_KEY.decode()}", LABEL_KEY.decode()])
async def test_only_who_knows_the_label_key_may_label(key: str) -> None:
    with taking() as process:
        async with served(process) as (client, _):
            headers = {"Authorization": key} if key else {}
            body = {"responseId": receipt(), "match": True}
            async with client.post(PATH, json=body, headers=headers) as answer:
                assert answer.status == 401 and "Authorization: Bearer KEY" in (await answer.json())["message"]
        assert process.intake.store.waiting == 0


ID = receipt()
ODD: list[Any] = [
    [],
    {},
    "up",
    None,
    {"responseId": ID},
    {"responseId": ID, "sentiment": "up", "match": True},
    {"responseId": ID, "sentiment": "UP"},
    {"responseId": ID, "sentiment": True},
    {"responseId": ID, "sentiment": None},
    {"responseId": ID, "match": "true"},
    {"responseId": ID, "match": 1},
    {"responseId": ID, "match": True, "variant": "baseline"},
    {"responseId": 7, "match": True},
    {"responseId": "", "match": True},
    {"responseId": [ID], "match": True},
    {"response_id": ID, "match": True},
    {"sentiment": "up"},
]


@pytest.mark.parametrize("body", [json.dumps(each).encode() for each in ODD] + [b"", b"\xff\xfe", b"{", b"[" * 4000])
async def test_a_body_that_says_no_vote_is_refused_with_what_to_write(body: bytes) -> None:
    with taking() as process:
        async with served(process) as (client, _), client.post(PATH, data=body, headers=LABELLER) as answer:
            told = await answer.json()
            assert (answer.status, told["outcome"]) == (400, "malformed") and '{"responseId": ID' in told["message"]
        assert process.told() == {("", "malformed"): 1} and process.counts() == {}


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_of_bodies_fail(body: bytes) -> None:
    assert read_vote(body) is None


async def test_one_vote_that_many_connections_send_at_once_counts_once() -> None:
    with taking() as process:
        body = {"responseId": receipt(), "sentiment": "down"}
        async with served(process) as (client, _):

            async def sent() -> int:
                async with client.post(PATH, json=body) as answer:
                    return answer.status

            statuses = await asyncio.gather(*(sent() for _ in range(40)))
        assert statuses.count(200) == 1 and len(set(statuses)) == 2
        assert [tally.feedback_down for tally in process.counts().values()] == [1]


ODD_IDS = ["\ud800", "\u202e", "\0", "١٢", "é" * 50, "😀", "=" * 64, "A" * 512, "../../etc/passwd", "' OR 1=1 --"]


@pytest.mark.parametrize("written", ODD_IDS, ids=ascii)
async def test_an_id_that_no_server_gave_out_is_unknown_in_whatever_signs(written: str) -> None:
    with taking() as process:
        async with served(process) as (client, _):
            body = json.dumps({"responseId": written, "sentiment": "down"})
            async with client.post(PATH, data=body) as answer:
                assert 400 <= answer.status < 500 and written not in await answer.text()
        assert process.counts() == {}


async def test_a_huge_body_is_refused_before_it_is_read_whole_also_a_packed_one() -> None:
    huge = json.dumps({"responseId": receipt(), "sentiment": "up", "more": "x" * 10_000_000}).encode()
    with taking() as process:
        async with served(process) as (client, _):
            async with client.post(PATH, data=huge) as answer:
                assert (answer.status, (await answer.json())["outcome"]) == (413, "too_large")
            packed = gzip.compress(b" " * MOST_BYTES * 100)
            async with client.post(PATH, data=packed, headers={"Content-Encoding": "gzip"}) as answer:
                assert answer.status in (400, 413)
            async with client.post(PATH, json={"responseId": receipt(), "sentiment": "up"}) as answer:
                assert answer.status == 200


async def test_a_sender_that_does_not_finish_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "LONGEST_BODY_SECONDS", 0.05)
    monkeypatch.setattr(endpoint, "LINGERING_SECONDS", 0.05)
    with taking() as process:
        async with served(process) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 408")
            writer.close()
        assert process.told() == {("", "too_slow"): 1}


async def test_more_senders_at_once_than_are_held_are_refused_and_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "MOST_OPEN", 0)
    with taking() as process:
        async with served(process) as (client, _), client.post(PATH, json={}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")


PAGES = [("GET", PATH, 405), ("POST", "/", 404), ("GET", "/metrics", 404), ("GET", "/healthz", 200)]


@pytest.mark.parametrize(("method", "path", "status"), PAGES)
async def test_the_endpoint_has_no_other_page_and_shows_users_no_metrics(method: str, path: str, status: int) -> None:
    with taking() as process:
        async with served(process) as (client, _), client.request(method, path) as answer:
            assert answer.status == status


def test_every_outcome_has_a_status_and_a_sentence_that_names_no_variant() -> None:
    assert set(REPLIES) == set(Outcome)
    assert all(reply.message and "variant" not in reply.message for reply in REPLIES.values())
    taken = {outcome for outcome, reply in REPLIES.items() if reply.status < 400}
    assert taken == {Outcome.COUNTED, Outcome.HELD}
