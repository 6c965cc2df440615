"""An injector counts all that passed it, whosever, so that an engine's own counters can be compared with it."""

from __future__ import annotations

import json

from earlystop.api.wire import GOLDEN_HEADER
from tests.unit.injector.stub_engine import TOKENS, StubEngine, completion
from tests.unit.injector.through import CHAT, HEADERS, Client, client

ASKED = {"model": "m", "messages": [{"role": "user", "content": "2+2?"}]}


async def passed(asked: Client) -> dict[str, float]:
    """The counters of all that passed, by the end of their names."""
    lines = [line for line in (await asked.page()).splitlines() if line.startswith("earlystop_injector_")]
    found = {line.split(" ")[0].removeprefix("earlystop_injector_"): float(line.split(" ")[1]) for line in lines}
    return {name: value for name, value in found.items() if not name.endswith("_created") and "{" not in name}


async def test_golden_questions_and_requests_of_nobody_count_as_the_engine_counts_them() -> None:
    async with client(StubEngine()) as asked:
        for headers in (HEADERS, {}, {**HEADERS, GOLDEN_HEADER: "1"}):
            async with asked.session.post(CHAT, json=ASKED, headers=headers) as answer:
                assert answer.status == 200
        async with asked.session.post(CHAT, json={**ASKED, "stream": True}, headers=HEADERS) as answer:
            await answer.read()
        assert await passed(asked) == {
            "sequences_total": 4,
            "tokens_total": 4 * TOKENS,
            "tokens_squared_total": 4 * TOKENS**2,
            "in_flight": 0,
            "most_choices": 1,
            "restarts_total": 0,
        }


async def test_each_choice_counts_as_a_sequence_as_engines_count_them() -> None:
    choice = json.loads(completion())["choices"][0]
    async with client(StubEngine(plain=completion(choices=[choice, choice, choice]))) as asked:
        async with asked.session.post(CHAT, json={**ASKED, "n": 3}, headers=HEADERS) as answer:
            await answer.read()
        found = await passed(asked)
    assert (found["sequences_total"], found["tokens_total"], found["most_choices"]) == (3, TOKENS, 3)


async def test_a_request_that_failed_is_in_flight_no_more_and_passed_nothing() -> None:
    async with client(StubEngine(status=500)) as asked:
        async with asked.session.post(CHAT, json=ASKED, headers=HEADERS) as answer:
            assert answer.status == 500
        found = await passed(asked)
    assert (found["sequences_total"], found["tokens_total"], found["in_flight"]) == (0, 0, 0)
