"""How the reference server answers: the chat API, probes, and headers and bodies that nobody should send."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.counts import Tally
from earlystop.api.wire import COUNTED_METRICS
from earlystop.demo.app import ServerSettings
from earlystop.demo.recordings import Recording
from tests.unit.demo.serving import (
    NOBODY,
    POLICY,
    REVISION,
    ask,
    chat,
    scrape,
    serving,
    settings_in_force,
    tallies,
    told,
    without,
)

SAID = ("the answer is no", "the answer is yes", "the answer is yes", "I pass")
ONE = [Recording("Is it so?", ("yes",), SAID)]
QUESTION = ONE[0].question


async def test_an_answer_has_the_shape_of_an_openai_chat_completion() -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, QUESTION, told(window=40))
        body = await response.json()
    assert response.content_type == "application/json"
    assert response.headers["x-early-stop-variant"] == "candidate"
    assert isinstance(body.pop("created"), int)
    assert body.pop("id").startswith("chatcmpl-")
    assert body.pop("model")
    assert body == {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 14, "total_tokens": 17},
    }


async def test_the_window_of_the_header_decides_when_sampling_stops() -> None:
    async with serving(recorded=ONE) as (client, _):
        answers = {}
        for window in (1, 2, 3):
            body = await (await ask(client, QUESTION, told(window=window))).json()
            answers[window] = body["choices"][0]["message"]["content"], body["usage"]["completion_tokens"]
    assert answers == {1: ("no", 4), 2: ("yes", 14), 3: ("yes", 14)}


async def test_the_question_is_the_last_user_message_as_text_or_as_parts() -> None:
    parts = [{"type": "text", "text": "Is it "}, {"type": "image_url"}, {"type": "text", "text": "so?"}]
    messages: list[Any] = [
        {"role": "user", "content": "Something else"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "Well"},
    ]
    async with serving(recorded=ONE) as (client, _):
        response = await client.post("/v1/chat/completions", json={"messages": messages})
        assert response.status == 200


async def test_the_models_are_listed() -> None:
    async with serving() as (client, _):
        body = await (await client.get("/v1/models")).json()
        assert [model["object"] for model in body["data"]] == ["model"]


async def test_another_prefix_can_be_chosen() -> None:
    renamed = {name.replace("x-early-stop-", "x-acme-"): value for name, value in told(window=1).items()}
    async with serving(ServerSettings("x-acme-", names_variants=True), ONE) as (client, _):
        response = await ask(client, QUESTION, renamed)
        assert response.headers["x-acme-variant"] == "candidate"
        await ask(client, QUESTION, told(window=1))
        assert {key: tally.tokens for key, tally in (await tallies(client)).items() if tally.tokens} == {
            (REVISION, "0", "candidate"): 4,
            NOBODY: 14,
        }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"messages": "Is it so?"}',
        b'{"messages": []}',
        b'{"messages": [{"role": "system", "content": "Is it so?"}]}',
        b'{"messages": [{"role": "user"}]}',
        b'{"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}',
        b'{"messages": [{"role": "user", "content": "Is it so?"}], "stream": true}',
    ],
)
async def test_a_body_that_is_no_chat_request_is_a_failed_request_with_a_reason(body: bytes) -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await client.post("/v1/chat/completions", data=body, headers=told())
        assert response.status == 400
        assert (await response.json())["error"]["message"]
        assert (await tallies(client))[REVISION, "0", "candidate"] == Tally(started=1, failed=1)


async def test_a_body_over_the_limit_is_a_failed_request() -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await client.post("/v1/chat/completions", data=b"x" * (2 << 20), headers=told())
        assert response.status == 413
        assert (await tallies(client))[REVISION, "0", "candidate"] == Tally(started=1, failed=1)


async def test_an_unrecorded_question_is_not_found_and_failed() -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, "Is it otherwise?", told())
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "question_not_found"
        assert (await tallies(client))[REVISION, "0", "candidate"] == Tally(started=1, failed=1)


@pytest.mark.parametrize("window", ["0", "41", "-1", "+5", "5.0", "05", "five", "", "5 5", "٥", "5" * 5000])
async def test_an_invalid_window_fails_and_never_runs_another_one_under_the_variants_name(window: str) -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, QUESTION, told(window=window))
        assert response.status == 400
        message = (await response.json())["error"]["message"]
        assert "x-early-stop-param-window" in message and "1 to 40" in message
        assert (await tallies(client))[REVISION, "0", "candidate"] == Tally(started=1, failed=1)
        assert not await settings_in_force(client)


@pytest.mark.parametrize("name", ["policy", "revision", "step", "variant", "param-window"])
async def test_a_missing_header_makes_the_request_unassigned_at_the_baseline_window(name: str) -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, QUESTION, without(name, told(window=1)))
        assert response.status == 200
        assert await tallies(client) == {NOBODY: Tally(started=1, completed=1, match=1, tokens=14, tokens_squared=196)}


@pytest.mark.parametrize("name", ["policy", "revision", "step", "variant", "param-window"])
async def test_a_header_that_stands_twice_makes_the_request_unassigned(name: str) -> None:
    headers = [*told(window=1).items(), (f"x-early-stop-{name}", told(window=1)[f"x-early-stop-{name}"])]
    async with serving(recorded=ONE) as (client, _):
        async with client.post("/v1/chat/completions", json=chat(QUESTION), headers=headers) as response:
            assert response.status == 200
        assert set(await tallies(client)) == {NOBODY}


@pytest.mark.parametrize(
    "forged",
    [
        told(policy="qa"),
        told(policy="llm/qa/x"),
        told(policy="LLM/QA"),
        told(policy='llm/"} 1\\'),
        told(policy="l" * 64 + "/qa"),
        told(revision="unassigned"),
        told(revision="r" * 65),
        told(revision="ré"),
        told(revision="r;candidate"),
        told(step="-1"),
        told(step="01"),
        told(step="1.5"),
        told(step="99999"),
        told(step="٣"),
        told(variant="the candidate"),
        told(variant="unassigned"),
    ],
)
async def test_a_forged_header_is_unassigned_and_leaves_no_trace_in_the_labels(forged: dict[str, str]) -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, QUESTION, forged)
        assert response.status == 200
        assert response.headers["x-early-stop-revision"] == "unassigned"
        assert {key: tally.completed for key, tally in (await tallies(client)).items() if tally.started} == {NOBODY: 1}
        values = {value for sample in await scrape(client) for value in sample.labels.values()}
        assert not values & (set(forged.values()) - set(told().values()) - {"unassigned"})


async def test_an_oversized_header_is_refused_and_the_next_request_is_served() -> None:
    async with serving(recorded=ONE) as (client, _):
        response = await ask(client, QUESTION, told(revision="r" * 20_000))
        assert response.status == 400
        assert await tallies(client) == {}
        assert (await ask(client, QUESTION, told())).status == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/", "/anything"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_probe_is_echoed_on_any_path_and_counted_nowhere(path: str, method: str) -> None:
    nonce = "n-1 ;~" + "x" * 122
    async with serving(recorded=ONE) as (client, _):
        async with client.request(method, path, headers={**told(), "x-early-stop-probe": nonce}) as response:
            assert response.status == 204
            assert response.headers["x-early-stop-echo"] == f"{nonce};{REVISION};candidate"
        zero = {(REVISION, "0", variant): Tally() for variant in ("baseline", "candidate")}
        assert await tallies(client) == zero
        assert await settings_in_force(client) == {(REVISION, "candidate", "5")}


async def test_a_probe_without_the_variants_headers_says_that_it_is_unassigned() -> None:
    async with serving(recorded=ONE) as (client, _):
        async with client.get("/", headers={"x-early-stop-probe": "n"}) as response:
            assert response.headers["x-early-stop-echo"] == "n;unassigned;unassigned"
        assert await tallies(client) == {}


@pytest.mark.parametrize("nonce", ["", "x" * 129, "né", "a\tb"])
async def test_a_nonce_out_of_bounds_is_refused_and_counted_nowhere(nonce: str) -> None:
    async with serving(recorded=ONE) as (client, _):
        headers = {**told(), "x-early-stop-probe": nonce}
        async with client.post("/v1/chat/completions", json=chat(QUESTION), headers=headers) as response:
            assert response.status == 400
            assert "x-early-stop-echo" not in response.headers
        assert await tallies(client) == {}


async def test_two_nonces_are_refused_since_no_one_knows_which_to_echo() -> None:
    async with serving(recorded=ONE) as (client, _):
        nonces = [*told().items(), ("x-early-stop-probe", "a"), ("x-early-stop-probe", "b")]
        async with client.get("/", headers=nonces) as response:
            assert response.status == 400
        assert await tallies(client) == {}


async def test_metrics_name_the_policy_of_each_count() -> None:
    async with serving(recorded=ONE) as (client, _):
        await ask(client, QUESTION, told())
        await ask(client, QUESTION, told(step="x"))
        counts = [sample.labels for sample in await scrape(client) if sample.name in COUNTED_METRICS]
        policies = {(labels["policy"], labels["revision"]) for labels in counts}
    assert policies == {(POLICY, REVISION), (POLICY, "unassigned")}


@pytest.mark.parametrize(
    "settings",
    [{"baseline_window": 0}, {"baseline_window": 41}, {"milliseconds_per_word": -1}, {"slow_wrong_answers": -1}],
)
def test_server_settings_out_of_range_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="write"):
        ServerSettings(**settings)  # type: ignore[arg-type]
