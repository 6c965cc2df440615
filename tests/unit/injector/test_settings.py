"""What a user of the injector writes is checked, and a mistake is answered by what to write instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earlystop.api.body_knobs import Api, Apply, Engine, ValueType
from earlystop.api.body_settings import body_settings
from earlystop.injector.settings import read_file, read_text, read_words

WRITTEN = """
engine: SGLang
parameters:
- {name: budget, knob: ThinkingBudget, apply: Always}
- name: window
  type: Integer
  apply: IfSmaller
  paths:
  - {api: ChatCompletions, path: custom_params.window}
  - {api: Completions, path: custom_params.window}
"""

OWN = "engine: VLLM\nparameters: [{{name: a, {more}, paths: [{{api: ChatCompletions, path: x}}]}}]"


def test_words_from_the_smallest_to_the_largest_can_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text(OWN.format(more="type: String, apply: IfLarger, choices: [low, high]"))
    assert body_settings(read_file(path))["a"].order == ("low", "high")


def test_knobs_and_fields_of_ones_own_are_read(tmp_path: Path) -> None:
    (tmp_path / "parameters.yaml").write_text(WRITTEN)
    found = body_settings(read_file(tmp_path / "parameters.yaml"))
    assert found["budget"].apply is Apply.ALWAYS
    assert found["budget"].fields[Api.CHAT_COMPLETIONS][0].path == ("custom_params", "thinking_budget")
    assert found["window"].type is ValueType.INTEGER
    assert found["window"].fields[Api.COMPLETIONS][0].path == ("custom_params", "window")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("engine: vllm\nparameters: [{name: a, knob: Samples}]", "engine"),
        ("engine: VLLM\nparameters: []", "parameters"),
        ("engine: VLLM\nparameters: [{name: a}]", "needs either `knob` or `paths`"),
        ("engine: VLLM\nparameters: [{name: A, knob: Samples}]", "parameters.0.name"),
        ("engine: VLLM\nparameters: [{name: a, knob: Samples, aply: Always}]", "aply"),
        ("engine: VLLM\nparameters: [{name: a, paths: [{api: ChatCompletions, path: a..b}]}]", "path"),
        (OWN.format(more="type: Json, apply: IfLarger"), "apply IfLarger compares values, and objects have no order"),
        ("engine: VLLM\nparameters: [{name: a, knob: RepetitionStop, apply: IfLarger}]", "objects have no order"),
        (OWN.format(more="type: String, apply: IfSmaller"), "compares values, and texts have no order"),
        (
            "engine: VLLM\nparameters: [{name: a, paths: [{api: ChatCompletions, path: stream}]}]",
            "sent and counted",
        ),
        ("engine: [", "no YAML"),
        ("", "it"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=told):
        read_file(path)


@pytest.mark.parametrize(
    ("engine", "words", "told"),
    [
        (Engine.OPENAI, ["a=Thinking"], "OpenAI has no field for Thinking; write one of ThinkingBudget"),
        (Engine.VLLM, ["a"], "no NAME=KNOB"),
        (Engine.VLLM, ["a=Budget"], "ThinkingBudget"),
        (Engine.VLLM, ["a=Samples", "a=Samples"], "twice"),
    ],
)
def test_words_with_a_mistake_are_refused(engine: Engine, words: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        body_settings(read_words(engine, words))


def test_what_the_operator_writes_as_text_is_read_and_a_mistake_in_it_is_told() -> None:
    written = read_words(Engine.VLLM, ["a=AnswerCap"])
    assert read_text(json.dumps(written.wire())) == written
    for text, told in (("{", "JSON"), ('{"engine": "VLLM", "parameters": []}', "parameters"), ("[]", "object")):
        with pytest.raises(ValueError, match=told):
            read_text(text)
