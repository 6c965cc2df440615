"""The content of a message as engines send it, as text: pure and total."""

from __future__ import annotations

import json
from typing import Any

REFUSAL = "refusal"
_TEXT_PARTS = (None, "text", "output_text")


def is_refusal(part: Any) -> bool:
    """Whether a part of a content says that the model refused."""
    return isinstance(part, dict) and part.get("type") == REFUSAL


def text_of(content: Any) -> str:
    """The text of a content, which is a text, a list of parts or anything else; "" where it holds none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(map(_text_of_part, content))
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        return str(content["text"])
    return "" if content is None else as_json(content)


def _text_of_part(part: Any) -> str:
    """Parts of other types, such as thinking, images and refusals, hold nothing of the answer."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type") not in _TEXT_PARTS:
        return ""
    text = part.get("text")
    if isinstance(text, dict):  # {"type": "text", "text": {"value": "42"}}, as assistants' messages have it
        text = text.get("value")
    return text if isinstance(text, str) else ""


def as_json(value: Any) -> str:
    """A value as JSON, "" where it is nested too deep."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""
