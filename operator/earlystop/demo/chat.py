"""The part of the OpenAI chat API that the reference server speaks: its JSON bodies, and nothing of HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MODEL = "early-stop-replay"


class ChatError(Exception):
    """A request that gets an error body. status: HTTP status; code: the machine-readable reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> bytes:
        """The error as the OpenAI API shapes it."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return _encode(
            {"error": {"message": str(self), "type": kind, "param": None, "code": self.code}},
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """Words of the question and of all samples that were used; the words stand for tokens."""

    prompt: int
    completion: int


def read_question(body: bytes) -> str:
    """The text of the last user message of a chat request. Raises ChatError (400) saying what to send instead."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise ChatError(400, "invalid_json", "the body is not JSON; send a chat completion request") from None
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list):
        raise ChatError(400, "invalid_messages", "'messages' must be a list of messages")
    if request.get("stream"):
        raise ChatError(400, "unsupported_stream", "'stream' is not supported; leave it out or set it to false")
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            return _text(message.get("content"))
    raise ChatError(400, "invalid_messages", "'messages' holds no message with the role 'user'; add the question")


def _text(content: Any) -> str:
    """The text of a message: a string, or the text parts of a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        texts = [text for text in parts if isinstance(text, str)]
        if texts and len(texts) == len(parts):
            return "".join(texts)
    raise ChatError(400, "invalid_messages", "the user's 'content' must be a text or a list of text parts")


def completion(identity: str, created: int, answer: str, usage: Usage, *, cut: bool = False) -> bytes:
    """A finished chat completion. identity: unique in the server; created: Unix seconds; cut: whether a limit of tokens
    cut the answer off."""
    message = {"role": "assistant", "content": answer}
    return _encode(
        {
            "id": identity,
            "object": "chat.completion",
            "created": created,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "length" if cut else "stop"}],
            "usage": {
                "prompt_tokens": usage.prompt,
                "completion_tokens": usage.completion,
                "total_tokens": usage.prompt + usage.completion,
            },
        }
    )


def models() -> bytes:
    """The list of models: one."""
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "earlystop"}
    return _encode({"object": "list", "data": [model]})


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
