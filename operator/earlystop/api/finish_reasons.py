"""Why an answer ended: what engines call it, by the words under which it is counted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

STOPPED = "stop"
CUT = "length"
TOOL_CALLS = "tool_calls"
BROKEN_OFF = "aborted"
FILTERED = "content_filter"
OTHER = "other"
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "stop": STOPPED,
        "end_turn": STOPPED,
        "stop_sequence": STOPPED,
        "eos": STOPPED,
        "eos_token": STOPPED,  # TGI
        "complete": STOPPED,
        "completed": STOPPED,
        "length": CUT,
        "max_tokens": CUT,
        "max_output_tokens": CUT,
        "model_length": CUT,  # Mistral
        "model_context_window_exceeded": CUT,  # Messages
        "incomplete": CUT,
        "tool_calls": TOOL_CALLS,
        "tool_use": TOOL_CALLS,
        "function_call": TOOL_CALLS,
        "repetition": "repetition",
        "content_filter": FILTERED,
        "refusal": FILTERED,
        "safety": FILTERED,
        "recitation": FILTERED,
        "sensitive": FILTERED,  # GLM
        "prohibited_content": FILTERED,  # Gemini, by proxies
        "blocklist": FILTERED,
        "spii": FILTERED,
        "abort": BROKEN_OFF,
        "aborted": BROKEN_OFF,
        "cancelled": BROKEN_OFF,  # TensorRT-LLM
        "canceled": BROKEN_OFF,
        "timeout": BROKEN_OFF,  # TensorRT-LLM, of which nobody gets the rest
        "network_error": BROKEN_OFF,  # GLM
        "error": BROKEN_OFF,
        "failed": BROKEN_OFF,
        "insufficient_system_resource": BROKEN_OFF,  # DeepSeek
    }
)
"""Others count as `other`. One that the engine aborted, of its own or after an error within, is no answer."""

_GOES_ON = ("", "null", "None")
"""As engines write in a stream that an answer has not ended."""


def finish_of(reason: Any) -> str | None:
    """The word for what an engine gives as the reason, None where it gives none, as while an answer goes on."""
    if isinstance(reason, dict):  # SGLang's own record, which some of its versions let through
        reason = reason.get("type")
    if not isinstance(reason, str) or reason in _GOES_ON:
        return None
    return _WORDS.get(reason.lower(), OTHER)
