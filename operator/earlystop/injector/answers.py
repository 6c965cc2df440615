"""What an engine's answer says of itself: output tokens, why it ended, whether it holds anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.body_knobs import Api
from earlystop.api.finish_reasons import BROKEN_OFF, CUT, finish_of
from earlystop.api.token_usage import usage_in

_UNSEEN_PARTS = ("thinking", "reasoning", "redacted_thinking")
_FOR_USER = ("tool_calls", "function_call", "refusal", "audio", "images")
"""Members of a chat message that a user gets beside its content."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request's answer, however many choices it has.

    tokens: output tokens of all choices, None where the engine does not say; reasoning_tokens: those of them that the
    user does not see, 0 where the engine does not say. finishes: why each choice ended. is_empty: whether no choice has
    text or a tool call.
    """

    tokens: int | None
    reasoning_tokens: int = 0
    finishes: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether any choice ended because it had no tokens left."""
        return CUT in self.finishes


def read_answer(api: Api, body: bytes) -> Answer | None:
    """The answer in a whole body; None for anything else, as an error that was sent with status 200, or an answer of
    which the engine aborted a choice."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or answer.get("error"):
        return None
    tokens, reasoning = usage_in(answer)
    finishes = tuple(word for _, word in finishes_in(answer))
    if (tokens is None and not finishes) or BROKEN_OFF in finishes:
        return None
    return Answer(tokens, reasoning, finishes, is_empty=not has_content(api, answer))


def choices_in(answer: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The choices of an answer, or of one event, with the index of each: its place where it has none."""
    for place, choice in enumerate(dicts(answer.get("choices"))):
        index = choice.get("index")
        yield (index if isinstance(index, int) else place), choice


def finishes_in(answer: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Why the choices of an answer, or of one event, ended, with the index of each."""
    for index, choice in choices_in(answer):
        if word := finish_of(choice.get("finish_reason")):
            yield index, word
    if word := finish_of(answer.get("stop_reason")):  # Messages
        yield 0, word
    if answer.get("object") == "response":  # Responses
        details = answer.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        if word := finish_of(reason or answer.get("status")):
            yield 0, word


def has_content(api: Api, answer: Mapping[str, Any]) -> bool:
    """Whether any choice of an answer, or of one event, has text or a tool call; reasoning alone is none."""
    if api is Api.COMPLETIONS:
        return any(choice.get("text") for choice in dicts(answer.get("choices")))
    if api is Api.CHAT_COMPLETIONS:
        messages = [choice.get("message") or choice.get("delta") for choice in dicts(answer.get("choices"))]
        return any(_is_for_user(each) for each in dicts(messages))
    if api is Api.MESSAGES:
        return any(each.get("text") or is_shown_block(each) for each in dicts(answer.get("content")))
    return any(_is_output(item) for item in dicts(answer.get("output")))


def says_nothing(choice: Mapping[str, Any]) -> bool:
    """Whether a choice of an event has neither a word nor a reason, as one beside a usage may."""
    told = {key: value for key, value in choice.items() if key != "index" and value}
    delta = told.pop("delta", {})
    return not told and isinstance(delta, dict) and not any(value for key, value in delta.items() if key != "role")


def is_shown_block(block: Mapping[str, Any]) -> bool:
    """Whether a block of a message is something for a user whatever it holds, as the use of a tool is."""
    return block.get("type") not in (None, "text", *_UNSEEN_PARTS)


def _is_for_user(message: Mapping[str, Any]) -> bool:
    """Whether a chat message, or a piece of one, has anything for a user. A list of parts may hold thinking alone."""
    content = message.get("content")
    if isinstance(content, list):
        content = [each for each in content if not isinstance(each, dict) or each.get("type") not in _UNSEEN_PARTS]
    return bool(content) or any(message.get(each) for each in _FOR_USER)


def _is_output(item: Mapping[str, Any]) -> bool:
    if item.get("type") == "message":
        return any(part.get("text") or part.get("refusal") for part in dicts(item.get("content")))
    return item.get("type") not in (None, "reasoning")


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, none where it is no list: nothing that an engine sends is trusted."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
