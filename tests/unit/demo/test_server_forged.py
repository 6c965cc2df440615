"""The reference server believes headers only with the campaign's token: else it serves a request as any other."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Tally
from earlystop.api.wire import IN_FORCE_MARK, commitment_of, signed_nonce
from earlystop.demo.app import ServerSettings
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import NOBODY, POLICY, ask, scrape, serving, settings_in_force, tallies, told

TOKEN = "7f" * 32
PROTECTED = f"0123456789-{commitment_of(POLICY, TOKEN)}"
QUESTION = recordings()[0].question
PROBE, ECHO = "x-early-stop-probe", "x-early-stop-echo"
WRONG = [{}, {"x-early-stop-token": "00" * 32}, {"x-early-stop-token": ""}]


def genuine(**changes: object) -> dict[str, str]:
    """The headers that the overlay sets."""
    return told(revision=PROTECTED, **changes) | {"x-early-stop-token": TOKEN}  # type: ignore[arg-type]


def without_token(given: dict[str, str]) -> dict[str, str]:
    """The overlay's headers as a client would forge them, with this token or none."""
    return told(revision=PROTECTED) | given


@pytest.mark.parametrize("given", WRONG)
async def test_a_forged_request_gets_the_default_setting_and_is_evidence_for_nobody(given: dict[str, str]) -> None:
    async with serving() as (client, _):
        await ask(client, QUESTION, genuine(window=1))
        plain = await (await client.post("/v1/chat/completions", json=_chat())).json()
        headers = without_token(given)
        async with client.post("/v1/chat/completions", json=_chat(), headers=headers) as response:
            body = await response.json()
            assert response.status == 200
            assert response.headers["x-early-stop-revision"] == "unassigned"
            assert response.headers["x-early-stop-variant"] == "unassigned"
        assert body["usage"] == plain["usage"]
        assert (await tallies(client))[PROTECTED, "0", "candidate"].started == 1
        assert [row.value for row in await scrape(client) if row.name == "earlystop_forged_requests_total"] == [1]


async def test_a_forged_request_exposes_nothing_of_a_campaign_and_states_no_setting() -> None:
    async with serving() as (client, _):
        await ask(client, QUESTION, without_token({}))
        assert set(await tallies(client)) == {NOBODY}
        assert await settings_in_force(client) == set()


@pytest.mark.slow
@pytest.mark.parametrize("named", ["window", "patience,window"])
async def test_a_parameter_that_the_overlay_names_is_acted_on(named: str) -> None:
    async with serving() as (client, _):
        response = await ask(client, QUESTION, genuine() | {"x-early-stop-parameters": named})
        assert response.headers["x-early-stop-variant"] == "candidate"


@pytest.mark.parametrize("named", ["patience", "", "windows", "Window"])
async def test_a_parameter_that_a_client_added_is_not_acted_on_and_counts_for_nobody(named: str) -> None:
    async with serving() as (client, _):
        response = await ask(client, QUESTION, genuine(window=1) | {"x-early-stop-parameters": named})
        assert (response.status, response.headers["x-early-stop-variant"]) == (200, "unassigned")
        assert await settings_in_force(client) == set()


async def test_two_tokens_are_as_good_as_none() -> None:
    async with serving() as (client, _):
        headers = [*genuine().items(), ("x-early-stop-token", TOKEN)]
        async with client.post("/v1/chat/completions", json=_chat(), headers=headers) as response:
            assert response.headers["x-early-stop-variant"] == "unassigned"


@pytest.mark.parametrize("mark", ["", IN_FORCE_MARK])
async def test_the_operators_own_probe_is_told_its_variant(mark: str) -> None:
    nonce = signed_nonce(TOKEN, "0123") + mark
    async with serving() as (client, _), client.get("/", headers={**genuine(), PROBE: nonce}) as response:
        assert (response.status, response.headers[ECHO]) == (204, f"{nonce};{PROTECTED};candidate")


@pytest.mark.parametrize("nonce", ["hello", f"hello{IN_FORCE_MARK}", signed_nonce("00" * 32, "0123"), "-", "0123-"])
async def test_nobody_else_who_probes_through_the_overlay_learns_a_variant(nonce: str) -> None:
    async with serving() as (client, _):
        async with client.get("/", headers={**genuine(), PROBE: nonce}) as response:
            assert (response.status, response.headers[ECHO]) == (204, f"{nonce};unassigned;unassigned")
        assert not any(any(tally.row()) for tally in (await tallies(client)).values())


@pytest.mark.slow
@pytest.mark.parametrize("given", WRONG)
async def test_a_probe_past_the_overlay_learns_no_variant(given: dict[str, str]) -> None:
    nonce = signed_nonce(TOKEN, "0123")
    headers = {**without_token(given), PROBE: nonce}
    async with serving() as (client, _), client.get("/", headers=headers) as response:
        assert response.headers[ECHO] == f"{nonce};unassigned;unassigned"


async def test_the_token_is_in_no_answer() -> None:
    probe = {PROBE: signed_nonce(TOKEN, "0123")}
    golden = {"x-early-stop-golden": "candidate"}
    async with serving() as (client, _):
        said = ""
        for headers in (genuine(), genuine(window=99), genuine(step="x"), {**genuine(), **probe}, genuine() | golden):
            for question in (QUESTION, "never recorded"):
                body = _chat(question)
                async with client.post("/v1/chat/completions", json=body, headers=headers) as response:
                    said += f"{response.headers} {await response.text()}"
        for path in ("/metrics", "/nowhere", "/v1/models"):
            async with client.get(path, headers=genuine()) as response:
                said += f"{response.headers} {await response.text()}"
        assert PROTECTED in said and TOKEN not in said


async def test_golden_questions_are_answered_as_the_route_says_and_counted_nowhere() -> None:
    async with serving() as (client, _):
        response = await ask(client, QUESTION, genuine() | {"x-early-stop-golden": "candidate"})
        assert response.headers["x-early-stop-revision"] == PROTECTED
        assert set((await tallies(client)).values()) == {Tally()}


async def test_no_answer_to_a_user_names_a_variant_unless_the_server_was_told_to() -> None:
    golden = {"x-early-stop-golden": "candidate"}
    for names in (False, True):
        async with serving(ServerSettings(names_variants=names)) as (client, _):
            said = []
            for body, headers in ((_chat(), told()), ({}, told()), (_chat(), {**told(), **golden})):
                async with client.post("/v1/chat/completions", json=body, headers=headers) as response:
                    said.append(response.headers.get("x-early-stop-variant"))
            # An answer, an error, and the answer to an evaluator, which asked for the variant itself.
            assert said == [*(["candidate"] if names else [None]) * 2, "candidate"]


def _chat(question: str = QUESTION) -> dict[str, object]:
    return {"model": "any", "messages": [{"role": "user", "content": question}]}
