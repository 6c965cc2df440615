"""A chat completion that came as a stream of events, as the document that it would have been. Pure and total."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from earlystop.api.finish_reasons import BROKEN_OFF, finish_of
from earlystop.evaluator.content import is_refusal, text_of

_DONE = "[DONE]"
_LINE_END = re.compile(r"\r\n|\n|\r")
"""Of a stream of events. U+2028 and other line ends may stand within JSON."""
_ERRORS = re.compile(r"error:|event: ?error *$")
"""Beginnings of lines by which an engine says that it failed, beside what an event's data says."""


def folded_stream(text: str) -> dict[str, Any] | None:
    """The completion, None where the text is no such stream, or one that breaks off before its end, tells an error in
    another way than by an `error` in its data, or has no choice in it.

    Thinking in fields of its own is left out; the usage is the last one that a chunk tells.
    """
    if any(map(_ERRORS.match, _LINE_END.split(text))):
        return None
    whole: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[int, dict[str, Any]] = {}
    finish: Any = None
    usage: Any = None
    ended = answered = False
    for data in _events(text):
        if data == _DONE:
            ended = True
            break
        chunk = _chunk(data)
        if chunk is None or chunk.get("error"):
            return chunk
        if chunk.get("object") == "error":
            return None
        usage = chunk.get("usage") or usage
        choice = _first(chunk.get("choices"))
        if choice is None:
            continue
        answered = True
        reason = choice.get("finish_reason")
        if finish_of(reason) == BROKEN_OFF:
            return None
        finish = reason if finish_of(reason) else finish
        _add(whole, calls, choice.get("delta") or choice.get("message"), choice.get("text"))
    if not answered or (finish is None and not ended):
        return None
    message = {**whole, **({"tool_calls": [calls[index] for index in sorted(calls)]} if calls else {})}
    return {"choices": [{"index": 0, "finish_reason": finish, "message": message}], "usage": usage}


def _events(text: str) -> Iterator[str]:
    """The data of each event. It may stand on several lines; some engines leave no empty line between events, so that
    each line may also be an event of its own."""
    held: list[str] = []
    for line in (*_LINE_END.split(text), ""):
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            if not held and (data == _DONE or _chunk(data) is not None):
                yield data
            else:
                held.append(data)
        elif not line and held:
            yield "\n".join(held)
            held = []


def _add(whole: dict[str, Any], calls: dict[int, dict[str, Any]], delta: Any, text: Any) -> None:
    """Adds what one chunk holds to the message and its calls of tools."""
    if not isinstance(delta, dict):
        whole["content"] += text if isinstance(text, str) else ""
        return
    parts = delta.get("content")
    whole["content"] += text_of(parts)
    if isinstance(parts, list) and any(map(is_refusal, parts)):
        whole["refusal"] = whole.get("refusal") or "a part of the content says so"
    if isinstance(delta.get("refusal"), str):
        whole["refusal"] = whole.get("refusal", "") + delta["refusal"]
    pieces = delta.get("tool_calls")
    called = {"index": 0, "function": delta.get("function_call")}  # as before there were tools
    for piece in (*(pieces if isinstance(pieces, list) else ()), called):
        function = piece.get("function") if isinstance(piece, dict) else None
        index = piece.get("index") if isinstance(piece, dict) else None
        if isinstance(function, dict) and isinstance(index, int):
            known = calls.setdefault(index, {"type": "function", "function": {"name": "", "arguments": ""}})["function"]
            for name in ("name", "arguments"):
                known[name] += function[name] if isinstance(function.get(name), str) else ""


def _chunk(data: str) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _first(choices: Any) -> dict[str, Any] | None:
    """The choice with index 0 of a chunk, which may hold another one's, or none. One whose index is no number has that
    of its place."""
    known = [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []
    placed = (
        (index if isinstance(index := each.get("index"), int) else place, each) for place, each in enumerate(known)
    )
    return next((each for index, each in placed if index == 0), None)
