"""Shadows over real HTTP: what candidates would have done is counted to the last token, and no user sees any of it."""

from __future__ import annotations

import asyncio

import pytest

from earlystop.api.counts import Tally
from earlystop.demo.recordings import Recording
from earlystop.demo.replay import Replay
from tests.turns import Turns
from tests.unit.demo.recorded import expected, recordings
from tests.unit.demo.server_counts import ask_all, tally_of
from tests.unit.demo.server_shadows import HEADER, SHADOW, WINDOWS, right, shadow_of
from tests.unit.demo.serving import NOBODY, REVISION, Client, ask, chat, scrape, serving, tallies, told

COMBINED = {"a": (10, 0.8, 1), "b": (5, 0.6, 10), "c": (3, 0.6, 1), "d": (2, 1.0, 20)}


def source() -> list[Recording]:
    """The recorded GPT-3.5 answers where they are at hand, else the shipped set."""
    return list(recordings(expected().source))


async def left_out(client: Client) -> float:
    """Shadows that the server says it did not judge."""
    (value,) = (one.value for one in await scrape(client) if one.name == "earlystop_shadows_left_out_total")
    return value


@pytest.mark.slow
async def test_every_shadowed_window_is_counted_as_the_file_says_to_the_last_token_and_pair() -> None:
    recorded = source()
    async with serving(recorded=recorded) as (client, _):
        await ask_all(client, recorded, told("baseline", 40) | SHADOW)
        counted = await tallies(client)
        assert await left_out(client) == 0
    assert counted.pop((REVISION, "0", "baseline")) == tally_of(recorded, 40)
    for name, window in WINDOWS.items():
        assert counted.pop((REVISION, "0", name)) == shadow_of(recorded, window), name
    assert counted == {}


async def test_the_user_gets_the_baselines_answer_byte_for_byte() -> None:
    recorded = [each for each in source() if not right(each, 1)][:10]
    replay = Replay(recorded)
    async with serving(recorded=recorded) as (client, _):
        for recording in recorded:
            said = []
            for headers in (told("baseline", 40), told("baseline", 40) | SHADOW):
                body = chat(recording.question)
                async with client.post("/v1/chat/completions", json=body, headers=headers) as response:
                    answer = await response.json()
                    shown = {name: value for name, value in response.headers.items() if name.startswith("X-Early")}
                    said.append((response.status, answer["choices"], answer["usage"], shown))
            assert said[0] == said[1]
            reply = replay.reply(recording.question, 40)
            assert reply is not None and said[1][1][0]["message"]["content"] == reply.text


@pytest.mark.parametrize("odd", ["w10;window=41", "w10", "w10;window=10,", "w10;window=10, w10;window=5", "\xff"])
async def test_a_malformed_header_never_fails_the_request_and_is_counted_nowhere(odd: str) -> None:
    recorded = list(recordings())[:5]
    async with serving() as (client, _):
        await ask_all(client, recorded, told("baseline", 40) | {HEADER: odd})
        assert await tallies(client) == {
            (REVISION, "0", "baseline"): tally_of(recorded, 40),
            (REVISION, "0", "candidate"): Tally(),
        }
        assert await left_out(client) == 0


async def test_only_assigned_requests_that_the_baseline_serves_cast_a_shadow() -> None:
    recorded = list(recordings())[:5]
    async with serving() as (client, _):
        for arm in (told("candidate", 5), {}, told("baseline", 40, revision="unassigned")):
            await ask_all(client, recorded, arm | SHADOW)
        counted = await tallies(client)
    assert counted[REVISION, "0", "candidate"] == tally_of(recorded, 5)
    assert not {key[2] for key in counted} & set(WINDOWS)


async def test_probes_golden_questions_and_failed_requests_cast_no_shadow() -> None:
    async with serving() as (client, _):
        headers = told("baseline", 40) | SHADOW
        async with client.get("/", headers=headers | {"x-early-stop-probe": "n1"}) as response:
            assert (response.status, response.headers["x-early-stop-echo"]) == (204, f"n1;{REVISION};baseline")
        await ask(client, recordings()[0].question, headers | {"x-early-stop-golden": "baseline"})
        assert set((await tallies(client)).values()) == {Tally()}
        assert (await ask(client, "never recorded", headers)).status == 404
        assert (await ask(client, recordings()[0].question, told("baseline", 99) | SHADOW)).status == 400
        counted = await tallies(client)
        assert await left_out(client) == 0
    assert counted.pop((REVISION, "0", "baseline")) == Tally(started=2, failed=2)
    assert set(counted.values()) == {Tally()}


async def test_a_window_that_may_need_samples_which_the_baseline_did_not_make_is_left_out_of_every_request() -> None:
    recorded = list(recordings())[:20]
    async with serving() as (client, _):
        await ask_all(client, recorded, told("baseline", 5) | {HEADER: "w10;window=10, w4;window=4, w1;window=1"})
        counted = await tallies(client)
        assert await left_out(client) == 2 * len(recorded)
    assert set(counted) == {(REVISION, "0", "baseline"), (REVISION, "0", "w1")}
    assert counted[REVISION, "0", "w1"].tokens == tally_of(recorded, 1).tokens


@pytest.mark.slow
async def test_no_scrape_sees_a_shadow_without_the_answer_that_it_is_compared_with() -> None:
    recorded = list(recordings())[:200]
    async with serving(recorded=recorded) as (client, _):
        asking = asyncio.create_task(ask_all(client, recorded, told("baseline", 40) | SHADOW))
        turns = Turns()
        while not asking.done() and turns.another():
            counted = await tallies(client)
            full = counted.get((REVISION, "0", "baseline"), Tally()).completed
            for name in WINDOWS:
                seen = counted.get((REVISION, "0", name), Tally())
                assert (seen.started, seen.completed, seen.pairs.total) == (full, full, full)
        await asking


async def test_a_candidate_with_a_name_is_counted_by_its_name() -> None:
    recorded = list(recordings())[:10]
    async with serving() as (client, _):
        await ask_all(client, recorded, told("w5", 5))
        await ask_all(client, recorded, told("odd name", 5))
        counted = await tallies(client)
    assert counted[REVISION, "0", "w5"] == tally_of(recorded, 5)
    assert counted[REVISION, "0", "baseline"] == Tally()
    assert counted[NOBODY] == tally_of(recorded, 40)


async def test_combined_rules_are_all_judged_on_the_one_stream_of_samples_that_the_baseline_makes() -> None:
    recorded = list(recordings())[:60]
    header = ", ".join(f"{name};window={w};agreement={a};least-samples={n}" for name, (w, a, n) in COMBINED.items())
    async with serving(recorded=recorded) as (client, _):
        await ask_all(client, recorded, told("baseline", 40) | {HEADER: header})
        counted = await tallies(client)
        assert await left_out(client) == 0
    replay = Replay(recorded)
    for name, rule in COMBINED.items():
        said = [reply for each in recorded if (reply := replay.reply(each.question, *rule)) is not None]
        tally = counted[REVISION, "0", name]
        assert tally.tokens == sum(reply.vote.words for reply in said), name
        assert tally.pairs.both + tally.pairs.candidate_only == sum(reply.result == "match" for reply in said), name
        assert tally.pairs.total == len(recorded)


async def test_a_candidate_answers_by_the_agreement_and_least_samples_that_its_headers_name() -> None:
    recorded = list(recordings())[:20]
    bold = told("candidate", 5) | {"x-early-stop-param-agreement": "0.6", "x-early-stop-param-least-samples": "10"}
    async with serving() as (client, _):
        await ask_all(client, recorded, bold)
        counted = await tallies(client)
        shown = {one.labels["parameter"]: one.labels["value"] for one in await scrape(client) if "value" in one.labels}
        odd = await ask(client, recorded[0].question, bold | {"x-early-stop-param-agreement": "60"})
    replay = Replay(recorded)
    said = [reply for each in recorded if (reply := replay.reply(each.question, 5, 0.6, 10)) is not None]
    assert counted[REVISION, "0", "candidate"].tokens == sum(reply.vote.words for reply in said)
    assert shown == {"window": "5", "agreement": "0.6", "least-samples": "10"}
    assert odd.status == 400
    error = (await odd.json())["error"]["message"]
    assert error == "the header 'x-early-stop-param-agreement' must be a share above 0 and at most 1, such as 0.8"


async def test_a_setting_that_lost_one_of_its_parameters_on_the_way_counts_for_nobody() -> None:
    recorded = list(recordings())[:3]
    headers = told("candidate", 5) | {"x-early-stop-parameters": "window,agreement"}
    async with serving() as (client, _):
        await ask_all(client, recorded, headers)
        await ask_all(client, recorded, headers | {"x-early-stop-param-agreement": "0.8"})
        counted = await tallies(client)
    assert counted[NOBODY] == tally_of(recorded, 40)
    assert counted[REVISION, "0", "candidate"].started == len(recorded)
