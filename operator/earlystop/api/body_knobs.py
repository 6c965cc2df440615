"""What can be set in a request's body: the fields of each engine, by API, with every alias that the engine obeys.

A wrong field is ignored by all engines without a word, and a cap on one of two aliases is evaded by the other. Sources:
vLLM 0.32.0 and llama.cpp b11434 as they ran, and their and SGLang 0.5.23's own sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from earlystop.api.body_guards import (
    ABOVE_BUDGET,
    BELOW_CAP,
    BEST_OF,
    MIN_TOKENS,
    REASONING_SHOWN,
    TEMPERATURE,
    THINKS,
    Guard,
)


class Api(StrEnum):
    """The APIs by which text is generated, told by the end of a request's path."""

    CHAT_COMPLETIONS = "ChatCompletions"
    COMPLETIONS = "Completions"
    RESPONSES = "Responses"
    MESSAGES = "Messages"


ENDINGS = {
    "/chat/completions": Api.CHAT_COMPLETIONS,
    "/completions": Api.COMPLETIONS,
    "/responses": Api.RESPONSES,
    "/messages": Api.MESSAGES,
}
"""How the path of each API ends, longer endings first."""


_MESSAGES_OF_A_THREAD = re.compile(r"/(?:threads|conversations)/[^/]+/messages$")
"""A message is kept there, and none is generated."""


def api_of(path: str) -> Api | None:
    """The API of a request's path, whatever stands before it; None where nothing is generated."""
    path = path.rstrip("/")
    if _MESSAGES_OF_A_THREAD.search(path):
        return None
    return next((api for ending, api in ENDINGS.items() if path.endswith(ending)), None)


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


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Values of ReasoningEffort, from least to most."""

KNOB_TYPES: Mapping[str, str] = MappingProxyType(
    {
        Knob.THINKING_BUDGET.value: "Integer",
        Knob.ANSWER_CAP.value: "Integer",
        Knob.REASONING_EFFORT.value: "Choice",
        Knob.THINKING.value: "Boolean",
        Knob.SAMPLES.value: "Integer",
        Knob.REPETITION_STOP.value: "Integer",
    }
)
"""The type of the parameter of a policy that each knob belongs to."""

LEAST_OF_KNOB: Mapping[str, float] = MappingProxyType(
    {
        Knob.THINKING_BUDGET.value: 0.0,
        Knob.ANSWER_CAP.value: 1.0,
        Knob.SAMPLES.value: 1.0,
        Knob.REPETITION_STOP.value: 2.0,
    }
)
"""The smallest value that engines take for each knob that is a number. Below it stands what means no bound at all."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body, and how the engine reads what a client wrote there.

    path: keys from the body's root.
    unbounded_below_zero: whether a negative number means that there is no bound. zero_is_absent: whether 0 does.
    only_if: a path and the client's value there without which engines refuse the field; None for a field that may
    always be set.
    reads_text: whether a number in quotes is one to the engine. Where it is none, engines refuse it or ignore it.
    only_whole: whether a number with a decimal point or an exponent is none to the engine.
    least: the smallest number that the engine takes there, None for that of the setting.
    words: those of the setting's words that the engine takes there, none for all of them.
    off_where: paths and the client's words there of which each switches the field off where it is left out.
    by_some_models: whether only some models look at it. Then it stands for no other field: where a client wrote it
    alone, the first field is set beside it.
    """

    path: tuple[str, ...]
    unbounded_below_zero: bool = False
    only_if: tuple[tuple[str, ...], str] | None = None
    zero_is_absent: bool = False
    reads_text: bool = False
    only_whole: bool = False
    least: float | None = None
    words: tuple[str, ...] = ()
    off_where: tuple[tuple[tuple[str, ...], str], ...] = ()
    by_some_models: bool = False

    def takes(self, text: str) -> bool:
        """Whether the engine takes a setting's value there. text: as a header says it, of a number where `least` is
        one."""
        return (self.least is None or float(text) >= self.least) and (not self.words or text in self.words)


@dataclass(frozen=True, slots=True)
class BodySetting:
    """Where a setting goes: the fields of each API, the one that is set first and then its aliases, which are changed
    where a client sent them.

    order: the values from the smallest to the largest, where they are words that can be compared; none where not.
    least: the smallest number that may be written, None for any. pattern: JSON around a whole number, which stands for
    its `{}`, where the field holds an object; "" where the field holds the value itself.
    where: a path and the word that a client's body must hold there, None for every body.
    guards: what must hold between a number and other fields of a body, by API; where it does not, nothing is set.
    """

    type: ValueType
    apply: Apply
    fields: Mapping[Api, tuple[Field, ...]]
    order: tuple[str, ...] = ()
    least: float | None = None
    pattern: str = ""
    where: tuple[tuple[str, ...], str] | None = None
    guards: Mapping[Api, tuple[Guard, ...]] = field(default_factory=dict)

    def adjusted(self, apply: Apply | None, where: tuple[tuple[str, ...], str] | None) -> BodySetting:
        """This setting with other rules. apply: when it is written over the client's value, None as before. where: into
        which bodies it is written."""
        return self if apply is None and where is None else replace(self, apply=apply or self.apply, where=where)


def _field(path: str, *, unbounded_below_zero: bool = False) -> Field:
    return Field(tuple(path.split(".")), unbounded_below_zero)


def _caps(
    *, zero_is_absent: bool = False, reads_text: bool = False, least: Mapping[Api, float] | None = None
) -> Mapping[Api, tuple[Field, ...]]:
    """The fields of a cap by their names at OpenAI, and how an engine reads them."""
    names = {
        _CHAT: ("max_completion_tokens", "max_tokens"),
        _COMPLETIONS: ("max_tokens",),
        _RESPONSES: ("max_output_tokens",),
        _MESSAGES: ("max_tokens",),
    }
    return {
        api: tuple(
            Field((name,), zero_is_absent=zero_is_absent, reads_text=reads_text, least=(least or {}).get(api))
            for name in each
        )
        for api, each in names.items()
    }


def _llama_caps() -> Mapping[Api, tuple[Field, ...]]:
    """llama.cpp makes chat completions of responses with all their fields, and of messages with those it knows."""
    names = {
        _CHAT: ("n_predict", "max_completion_tokens", "max_tokens"),
        _COMPLETIONS: ("n_predict", "max_tokens"),
        _RESPONSES: ("max_output_tokens", "n_predict", "max_completion_tokens", "max_tokens"),
        _MESSAGES: ("max_tokens",),
    }
    return {api: tuple(_field(name, unbounded_below_zero=True) for name in each) for api, each in names.items()}


def _number(
    least: float,
    fields: Mapping[Api, tuple[Field, ...]],
    guards: Mapping[Api, tuple[Guard, ...]] | None = None,
) -> BodySetting:
    """A number that lowers a client's larger one."""
    fields, guards = MappingProxyType(dict(fields)), MappingProxyType(dict(guards or {}))
    return BodySetting(ValueType.INTEGER, Apply.IF_LARGER, fields, least=least, guards=guards)


def _effort(fields: Mapping[Api, tuple[Field, ...]]) -> BodySetting:
    return BodySetting(ValueType.STRING, Apply.IF_LARGER, MappingProxyType(dict(fields)), order=EFFORTS)


_CHAT, _COMPLETIONS, _RESPONSES, _MESSAGES = Api
_CAPS = _caps(least={_RESPONSES: 16})
_VLLM_CAPS = _caps(reads_text=True)
# `max_completion_tokens or max_tokens`: 0 counts as if it were not there.
_SGLANG_CAPS = _caps(reads_text=True, zero_is_absent=True)
_LLAMA_CAPS = _llama_caps()
_LLAMA_THINKING_MESSAGES = (Field(("thinking", "budget_tokens"), only_if=THINKS),)
# Anthropic's own API takes no smaller budget, and vLLM checks it alike; llama.cpp takes any.
_THINKING_MESSAGES = (replace(_LLAMA_THINKING_MESSAGES[0], least=1024),)
_FROM_MIN_TOKENS = {_CHAT: (MIN_TOKENS,), _COMPLETIONS: (MIN_TOKENS,), _RESPONSES: (MIN_TOKENS,)}
_SAMPLES = {_CHAT: (_field("n"),), _COMPLETIONS: (_field("n"),)}
# n_cmpl is looked for first, and n where it is missing.
_LLAMA_SAMPLES = {api: (_field("n"), _field("n_cmpl")) for api in (_CHAT, _COMPLETIONS)}
_READ_SAMPLES = {api: (Field(("n",), reads_text=True),) for api in (_CHAT, _COMPLETIONS)}
# A template's own arguments win over the effort, of which these engines make this one where it is left out.
_OFF = (("reasoning_effort",), "none")


_OFF_IN_RESPONSES = (("reasoning", "effort"), "none")
_OFF_IN_MESSAGES = (("thinking", "type"), "disabled")


def _thinks(*off_where: tuple[tuple[str, ...], str]) -> tuple[Field, ...]:
    """Templates of Qwen, GLM and others look at the first, those of DeepSeek and Kimi at the second."""
    names = ("chat_template_kwargs", "enable_thinking"), ("chat_template_kwargs", "thinking")
    return Field(names[0], off_where=off_where), Field(names[1], by_some_models=True)


def _thinking(fields: Mapping[Api, tuple[Field, ...]]) -> BodySetting:
    return BodySetting(ValueType.BOOLEAN, Apply.IF_LARGER, MappingProxyType(dict(fields)))


# llama.cpp looks at no message's `thinking.type`.
_LLAMA_THINKING = _thinking({_CHAT: _thinks(_OFF), _RESPONSES: _thinks(_OFF, _OFF_IN_RESPONSES), _MESSAGES: _thinks()})
_VLLM_THINKING = _thinking(
    {_CHAT: _thinks(_OFF), _RESPONSES: _thinks(_OFF_IN_RESPONSES), _MESSAGES: _thinks(_OFF_IN_MESSAGES)}
)
# Chat completions with such an object get its effort in place of the one beside it, whatever that says.
_SGLANG_EFFORT = (_field("reasoning.effort"), _field("reasoning.reasoning_effort"))
_SGLANG_THINKING = _thinking({_CHAT: _thinks(_OFF, _OFF_IN_RESPONSES)})
# What a client writes for the template counts at vLLM where the field above is left out, and wins over it at SGLang.
_EFFORT_OF_TEMPLATES = _field("chat_template_kwargs.reasoning_effort")
_EFFORT_OF_CHATS = (_field("reasoning_effort"), _EFFORT_OF_TEMPLATES)
# vLLM takes Anthropic's efforts there, which know none and minimal not, and makes none of thinking that is disabled.
_EFFORT_OF_MESSAGES = Field(("output_config", "effort"), words=EFFORTS[2:], off_where=(_OFF_IN_MESSAGES,))

KNOBS: Mapping[Engine, Mapping[Knob, BodySetting]] = MappingProxyType(
    {
        Engine.VLLM: {
            Knob.THINKING_BUDGET: _number(
                0,
                {
                    _CHAT: (_field("thinking_token_budget", unbounded_below_zero=True),),
                    _MESSAGES: _THINKING_MESSAGES,
                },
                {_CHAT: (REASONING_SHOWN,), _MESSAGES: (BELOW_CAP,)},
            ),
            Knob.ANSWER_CAP: _number(1, _VLLM_CAPS, {**_FROM_MIN_TOKENS, _MESSAGES: (ABOVE_BUDGET,)}),
            Knob.REASONING_EFFORT: _effort(
                {
                    _CHAT: _EFFORT_OF_CHATS,
                    _RESPONSES: (_field("reasoning.effort"), _EFFORT_OF_TEMPLATES),
                    _MESSAGES: (_EFFORT_OF_MESSAGES, _EFFORT_OF_TEMPLATES),
                }
            ),
            Knob.THINKING: _VLLM_THINKING,
            Knob.SAMPLES: _number(1, _READ_SAMPLES, dict.fromkeys(_READ_SAMPLES, (TEMPERATURE,))),
            Knob.REPETITION_STOP: BodySetting(
                ValueType.JSON,
                Apply.IF_ABSENT,
                {_CHAT: (_field("repetition_detection"),), _COMPLETIONS: (_field("repetition_detection"),)},
                least=2,
                pattern='{"max_pattern_size":20,"min_count":{}}',
            ),
        },
        Engine.SGLANG: {
            Knob.THINKING_BUDGET: _number(0, {_CHAT: (Field(("custom_params", "thinking_budget"), only_whole=True),)}),
            Knob.ANSWER_CAP: _number(1, _SGLANG_CAPS, _FROM_MIN_TOKENS),
            Knob.REASONING_EFFORT: _effort({_CHAT: (*_EFFORT_OF_CHATS, *_SGLANG_EFFORT)}),
            Knob.THINKING: _SGLANG_THINKING,
            Knob.SAMPLES: _number(1, _READ_SAMPLES),
        },
        Engine.LLAMA_CPP: {
            Knob.THINKING_BUDGET: _number(
                0,
                {
                    _CHAT: (
                        _field("reasoning_budget_tokens", unbounded_below_zero=True),
                        _field("thinking_budget_tokens", unbounded_below_zero=True),
                    ),
                    _MESSAGES: _LLAMA_THINKING_MESSAGES,
                },
            ),
            Knob.ANSWER_CAP: _number(1, _LLAMA_CAPS),
            Knob.REASONING_EFFORT: _effort(
                {
                    _CHAT: _EFFORT_OF_CHATS,
                    _RESPONSES: (
                        _field("reasoning.effort"),
                        _field("reasoning_effort"),
                        _EFFORT_OF_TEMPLATES,
                    ),
                    _MESSAGES: (_EFFORT_OF_TEMPLATES,),
                }
            ),
            Knob.THINKING: _LLAMA_THINKING,
            Knob.SAMPLES: _number(1, _LLAMA_SAMPLES),
        },
        Engine.OPENAI: {
            Knob.THINKING_BUDGET: _number(0, {_MESSAGES: _THINKING_MESSAGES}, {_MESSAGES: (BELOW_CAP,)}),
            Knob.ANSWER_CAP: _number(1, _CAPS, {_MESSAGES: (ABOVE_BUDGET,)}),
            Knob.REASONING_EFFORT: _effort(
                {_CHAT: (_field("reasoning_effort"),), _RESPONSES: (_field("reasoning.effort"),)}
            ),
            Knob.SAMPLES: _number(1, _SAMPLES, {_COMPLETIONS: (BEST_OF,)}),
        },
    }
)
"""Which knobs an engine has, and where."""
