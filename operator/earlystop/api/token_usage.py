"""How many tokens an answer took, by what engines and services call it: for injector and evaluator alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_DIGITS = 20


def usage_in(answer: Mapping[str, Any]) -> tuple[int | None, int]:
    """Output tokens and reasoning tokens of an answer or of one event of a stream, by the words of all APIs.

    xAI counts reasoning beside the completion's tokens, and not among them. Its total tells it.
    """
    for usage in _usages(answer):
        tokens, reasoning = _counts(usage)
        if tokens is not None:
            return tokens, reasoning
    return None, 0


def _usages(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where a usage may stand: by itself; in the one choice of a stream's last event (Moonshot); in Groq's own member;
    in a message's delta, as Anthropic once documented it and others built it."""
    choices = answer.get("choices")
    only = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    for holder in (answer, only, answer.get("x_groq"), answer.get("delta")):
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            yield usage


def _counts(usage: Mapping[str, Any]) -> tuple[int | None, int]:
    counts = (_count(usage.get(name)) for name in ("completion_tokens", "output_tokens"))
    tokens = next((each for each in counts if each is not None), None)
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    reasoning = _count(details.get("reasoning_tokens")) if isinstance(details, dict) else None
    reasoning = reasoning or _count(usage.get("reasoning_tokens")) or 0  # SGLang writes it beside the others
    if tokens is not None and reasoning and _adds_up(usage, tokens, reasoning):
        tokens += reasoning
    return tokens, reasoning


def _adds_up(usage: Mapping[str, Any], *output: int) -> bool:
    """Whether the total of a usage is its input and all of these."""
    counts = (_count(usage.get(name)) for name in ("prompt_tokens", "input_tokens"))
    given = next((each for each in counts if each is not None), None)
    return given is not None and _count(usage.get("total_tokens")) == given + sum(output)


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # 7.0 is how some write 7
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
