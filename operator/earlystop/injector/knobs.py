"""What can be set in a request's body: the fields of each engine, by API, with every alias that the engine obeys.

A wrong field is ignored by all engines without a word, and a cap on one of two aliases is evaded by the other. Sources:
vLLM 0.32.0 and llama.cpp b11434 as they ran, and their and SGLang 0.5.23's own sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Api(StrEnum):
    """The APIs by which text is generated, told by the end of a request's path."""

    CHAT_COMPLETIONS = "ChatCompletions"
    COMPLETIONS = "Completions"
    RESPONSES = "Responses"
    MESSAGES = "Messages"


_ENDINGS = {
    "/chat/completions": Api.CHAT_COMPLETIONS,
    "/completions": Api.COMPLETIONS,
    "/responses": Api.RESPONSES,
    "/messages": Api.MESSAGES,
}


def api_of(path: str) -> Api | None:
    """The API of a request's path, whatever stands before it; None where nothing is generated."""
    path = path.rstrip("/")
    return next((api for ending, api in _ENDINGS.items() if path.endswith(ending)), None)


class Engine(StrEnum):
    """The engines whose fields are known. OpenAI: a service behind that API, with the fields that the API names."""

    VLLM = "VLLM"
    SGLANG = "SGLang"
    LLAMA_CPP = "LlamaCpp"
    OPENAI = "OpenAI"


class Knob(StrEnum):
    """What a setting means, whatever an engine calls it."""

    THINKING_BUDGET = "ThinkingBudget"
    ANSWER_CAP = "AnswerCap"
    REASONING_EFFORT = "ReasoningEffort"
    THINKING = "Thinking"
    SAMPLES = "Samples"
    REPETITION_STOP = "RepetitionStop"


class Apply(StrEnum):
    """When a value is written over the client's: always, only where the client gave none, or only where the client's is
    larger or smaller. A client that gave none to a cap asked for no bound, so any cap is smaller."""

    ALWAYS = "Always"
    IF_ABSENT = "IfAbsent"
    IF_LARGER = "IfLarger"
    IF_SMALLER = "IfSmaller"


class ValueType(StrEnum):
    """How a header's text is written into JSON."""

    INTEGER = "Integer"
    DECIMAL = "Decimal"
    BOOLEAN = "Boolean"
    STRING = "String"
    JSON = "Json"


@dataclass(frozen=True, slots=True)
class Field:
    """path: keys from the body's root. unbounded_below_zero: whether a negative number means that there is no bound.
    only_if: a path and the client's value there without which engines refuse the field; None for a field that may
    always be set."""

    path: tuple[str, ...]
    unbounded_below_zero: bool = False
    only_if: tuple[tuple[str, ...], str] | None = None


@dataclass(frozen=True, slots=True)
class BodySetting:
    """Where a setting goes: the fields of each API, the one that is set first and then its aliases, which are changed
    where a client sent them."""

    type: ValueType
    apply: Apply
    fields: Mapping[Api, tuple[Field, ...]]


def _field(path: str, *, unbounded_below_zero: bool = False) -> Field:
    return Field(tuple(path.split(".")), unbounded_below_zero)


def _knob(kind: ValueType, apply: Apply, fields: Mapping[Api, tuple[Field, ...]]) -> BodySetting:
    return BodySetting(kind, apply, MappingProxyType(dict(fields)))


_CHAT, _COMPLETIONS, _RESPONSES, _MESSAGES = Api
_CAPS = {
    _CHAT: (_field("max_completion_tokens"), _field("max_tokens")),
    _COMPLETIONS: (_field("max_tokens"),),
    _RESPONSES: (_field("max_output_tokens"),),
    _MESSAGES: (_field("max_tokens"),),
}
_LLAMA_CAPS = {
    _CHAT: tuple(
        _field(name, unbounded_below_zero=True) for name in ("n_predict", "max_completion_tokens", "max_tokens")
    ),
    _COMPLETIONS: tuple(_field(name, unbounded_below_zero=True) for name in ("n_predict", "max_tokens")),
    _RESPONSES: (_field("max_output_tokens"),),
    _MESSAGES: (_field("max_tokens"),),
}
_THINKING_MESSAGES = (Field(("thinking", "budget_tokens"), only_if=(("thinking", "type"), "enabled")),)
_SAMPLES = {_CHAT: (_field("n"),), _COMPLETIONS: (_field("n"),)}
_CAP = (ValueType.INTEGER, Apply.IF_LARGER)
_SWITCH = (ValueType.BOOLEAN, Apply.ALWAYS)
_WORD = (ValueType.STRING, Apply.ALWAYS)
_SWITCH_FIELDS = {_CHAT: (_field("chat_template_kwargs.enable_thinking"),)}

KNOBS: Mapping[Engine, Mapping[Knob, BodySetting]] = MappingProxyType(
    {
        Engine.VLLM: {
            Knob.THINKING_BUDGET: _knob(
                *_CAP,
                {
                    _CHAT: (_field("thinking_token_budget", unbounded_below_zero=True),),
                    _MESSAGES: _THINKING_MESSAGES,
                },
            ),
            Knob.ANSWER_CAP: _knob(*_CAP, _CAPS),
            Knob.REASONING_EFFORT: _knob(
                *_WORD, {_CHAT: (_field("reasoning_effort"),), _RESPONSES: (_field("reasoning.effort"),)}
            ),
            Knob.THINKING: _knob(*_SWITCH, _SWITCH_FIELDS),
            Knob.SAMPLES: _knob(*_CAP, _SAMPLES),
            Knob.REPETITION_STOP: _knob(
                ValueType.JSON,
                Apply.IF_ABSENT,
                {_CHAT: (_field("repetition_detection"),), _COMPLETIONS: (_field("repetition_detection"),)},
            ),
        },
        Engine.SGLANG: {
            Knob.THINKING_BUDGET: _knob(*_CAP, {_CHAT: (_field("custom_params.thinking_budget"),)}),
            Knob.ANSWER_CAP: _knob(*_CAP, _CAPS),
            Knob.REASONING_EFFORT: _knob(*_WORD, {_CHAT: (_field("reasoning_effort"),)}),
            Knob.THINKING: _knob(*_SWITCH, _SWITCH_FIELDS),
            Knob.SAMPLES: _knob(*_CAP, _SAMPLES),
        },
        Engine.LLAMA_CPP: {
            Knob.THINKING_BUDGET: _knob(
                *_CAP,
                {
                    _CHAT: (
                        _field("reasoning_budget_tokens", unbounded_below_zero=True),
                        _field("thinking_budget_tokens", unbounded_below_zero=True),
                    ),
                    _MESSAGES: _THINKING_MESSAGES,
                },
            ),
            Knob.ANSWER_CAP: _knob(*_CAP, _LLAMA_CAPS),
            Knob.REASONING_EFFORT: _knob(*_WORD, {_CHAT: (_field("chat_template_kwargs.reasoning_effort"),)}),
            Knob.THINKING: _knob(*_SWITCH, _SWITCH_FIELDS),
            Knob.SAMPLES: _knob(*_CAP, _SAMPLES),
        },
        Engine.OPENAI: {
            Knob.THINKING_BUDGET: _knob(*_CAP, {_MESSAGES: _THINKING_MESSAGES}),
            Knob.ANSWER_CAP: _knob(*_CAP, _CAPS),
            Knob.REASONING_EFFORT: _knob(
                *_WORD, {_CHAT: (_field("reasoning_effort"),), _RESPONSES: (_field("reasoning.effort"),)}
            ),
            Knob.SAMPLES: _knob(*_CAP, _SAMPLES),
        },
    }
)
"""Which knobs an engine has, and where."""
