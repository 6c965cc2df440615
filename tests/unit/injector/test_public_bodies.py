"""Of bodies as clients of public engines send them, the setting alone changes, byte by byte and through real HTTP."""

from __future__ import annotations

from itertools import groupby

import pytest

from earlystop.api.body_knobs import ENDINGS, KNOBS, Api, Engine, Knob
from earlystop.api.body_settings import body_settings
from earlystop.injector.body import Effect, edited
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.unit.every_row import every_row
from tests.unit.injector.bodies_of_engines import OF_ENGINES
from tests.unit.injector.bodies_of_servers import OF_SERVERS
from tests.unit.injector.public_bodies import BODIES, UNREADABLE, Sent
from tests.unit.injector.stub_engine import StubEngine
from tests.unit.injector.through import HEADERS, client

EVERY = (*BODIES, *OF_SERVERS, *OF_ENGINES)
PATHS = {api: f"/v1{ending}" for ending, api in ENDINGS.items()}


@every_row("sent", EVERY)
def test_nothing_changes_in_a_body_but_the_setting(sent: Sent) -> None:
    change = edited(sent.before, sent.api, {"it": (KNOBS[sent.engine][sent.knob], sent.value)})
    assert change.body == sent.after
    assert change.effects["it"] is Effect(sent.effect)


@every_row("body", UNREADABLE)
@every_row("api", list(Api))
def test_what_cannot_be_read_goes_on_as_it_came_and_is_counted_as_refused(api: Api, body: bytes) -> None:
    setting = KNOBS[Engine.VLLM][Knob.ANSWER_CAP]
    change = edited(body, api, {"it": (setting, "20")})
    assert (change.body, change.effects["it"]) == (body, Effect.REFUSED)


@pytest.mark.slow
async def test_an_engine_gets_each_of_these_bodies_over_http_as_it_is_to_be() -> None:
    for (engine, knob), group in groupby(sorted(EVERY, key=_kind), key=_kind):
        stub = StubEngine()
        settings = InjectorSettings(body_settings(read_words(Engine(engine), [f"it={knob}"])))
        async with client(stub, settings) as asking:
            rows = list(group)
            for sent in rows:
                headers = {**HEADERS, "x-early-stop-param-it": sent.value, "Content-Type": "application/json"}
                async with asking.session.post(PATHS[sent.api], data=sent.before, headers=headers) as answer:
                    await answer.read()
            assert [body for body, _ in stub.received] == [sent.after for sent in rows]
            for body in UNREADABLE:
                async with asking.session.post(PATHS[Api.CHAT_COMPLETIONS], data=body, headers=HEADERS) as answer:
                    await answer.read()
            assert [body for body, _ in stub.received[len(rows) :]] == list(UNREADABLE)


def _kind(sent: Sent) -> tuple[str, str]:
    return sent.engine.value, sent.knob.value
