"""The operator's question holds each variant's settings as users' requests will, whatever API and engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from earlystop.api.body_knobs import KNOB_TYPES, KNOBS, Api, Engine, Knob
from earlystop.delivery.probes.questions import question_of
from earlystop.injector.body import Effect, edited
from earlystop.injector.question import as_users_send
from tests.unit.every_row import every_row

VALUES = {"Choice": "low", "Boolean": "false"}
KNOWN = [
    (engine, knob, api) for engine, knobs in KNOBS.items() for knob, setting in knobs.items() for api in setting.fields
]


def asked(engine: Engine, api: Api, values: dict[Knob, str]) -> tuple[dict[str, Any], dict[str, Effect], bool]:
    """The body that the engine gets, what the settings did to it, and whether its answer may be long."""
    wanted = {knob.value: (KNOBS[engine][knob], value) for knob, value in values.items()}
    question, may_be_long = as_users_send(json.dumps(question_of(api, "m")).encode(), api, wanted)
    change = edited(question, api, wanted)
    return json.loads(change.body), dict(change.effects), may_be_long


@every_row(("engine", "knob", "api"), KNOWN)
def test_every_knob_is_written_into_the_question_of_every_api_that_has_it(engine: Engine, knob: Knob, api: Api) -> None:
    value = VALUES.get(KNOB_TYPES[knob], "2048")
    _, effects, _ = asked(engine, api, {knob: value})
    assert effects[knob] in (Effect.SET, Effect.LOWERED)


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("api", list(Api))
def test_knobs_that_guard_each_other_are_written_beside_each_other(engine: Engine, api: Api) -> None:
    both = {Knob.THINKING_BUDGET: "2048", Knob.ANSWER_CAP: "4096"}
    here = {knob: value for knob, value in both.items() if api in KNOBS[engine][knob].fields}
    for values in (here, dict(reversed(here.items()))):
        body, effects, _ = asked(engine, api, values)
        assert set(effects.values()) <= {Effect.SET, Effect.LOWERED}
        if api is Api.MESSAGES:
            assert body["max_tokens"] == 4096


def test_a_question_whose_cap_is_not_written_asks_for_one_token_and_no_stream() -> None:
    body, _, may_be_long = asked(Engine.VLLM, Api.CHAT_COMPLETIONS, {Knob.THINKING_BUDGET: "2048"})
    assert (body["max_tokens"], body["thinking_token_budget"], may_be_long) == (1, 2048, False)
    assert "stream" not in body
    assert asked(Engine.VLLM, Api.CHAT_COMPLETIONS, {})[0]["max_tokens"] == 1


def test_one_that_may_be_answered_at_length_is_a_stream_of_which_the_beginning_is_enough() -> None:
    body, _, may_be_long = asked(Engine.VLLM, Api.CHAT_COMPLETIONS, {Knob.ANSWER_CAP: "2048"})
    assert may_be_long and body["stream"] is True and body["max_completion_tokens"] == 2048
    assert "max_tokens" not in body


def test_a_messages_request_keeps_the_cap_that_it_must_have_also_where_no_setting_can_be_written() -> None:
    """OpenAI's budget of 10 is below what its API takes, so it is written nowhere."""
    body, effects, _ = asked(Engine.OPENAI, Api.MESSAGES, {Knob.THINKING_BUDGET: "10"})
    assert effects[Knob.THINKING_BUDGET] is Effect.REFUSED and body["max_tokens"] > 0


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_question_stays_as_it_is(body: bytes) -> None:
    assert as_users_send(body, Api.CHAT_COMPLETIONS, {}) == (body, False)
