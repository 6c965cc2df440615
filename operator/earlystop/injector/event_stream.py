"""Follows a stream of server-sent events as it passes: when it has ended, and what its answer was."""

from __future__ import annotations

import json
import re
from typing import Any

from earlystop.api.body_knobs import Api
from earlystop.api.finish_reasons import BROKEN_OFF
from earlystop.api.token_usage import usage_in
from earlystop.injector.answers import (
    Answer,
    choices_in,
    dicts,
    finishes_in,
    has_content,
    is_shown_block,
    says_nothing,
)

MAX_HELD = 4 << 20
"""Bytes of an event without an end that are held. A longer one passes, and its answer cannot be read any more."""

LONGEST_END = 4
# An empty line, whatever its own end and that of the line before it.
_END = re.compile(rb"\r\n\r?\n|\n\r?\n|\r\r\n?")
_DATA = b"data:"
# An event that is called an error, or a line of llama.cpp's (until September 2025), which names its field so.
_ERROR = re.compile(rb"error:|event:[ ]?error[ ]*\Z")
# Most events of a stream are a token and nothing else; those with one of these words are parsed. Choices each have an
# end of their own, so all that name one are.
_TELLING = (b"usage", b"choices", b"stop_reason", b"error", b"[DONE]", b"response.", b"message_")
# Beside these members, and a usage, an event without choices has nothing for a client.
_ABOUT = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier", "provider", "timings"})
_OVER = {Api.RESPONSES: ("response.completed", "response.incomplete"), Api.MESSAGES: ("message_stop",)}


class EventStream:
    """Takes a stream's bytes piece by piece and gives those that the client gets: all of them, each as soon as it has
    come, but for the event with the usage that the client did not ask for.

    hides_usage: whether that event is left out; then whole events are passed on only.
    """

    def __init__(self, api: Api, *, hides_usage: bool) -> None:
        self._api = api
        self._hides_usage = hides_usage
        self._held = b""
        self._tokens: int | None = None
        self._reasoning_tokens = 0
        self._finishes: dict[int, str] = {}
        self._begun: set[int] = set()
        self._has_content = False
        self._is_readable = True
        self._has_failed = False
        self.has_ended = False

    @property
    def is_complete(self) -> bool:
        """Whether the stream has ended and lacks nothing. Some engines send their usage after the mark of the end."""
        return self.has_ended and (self._tokens is not None or self.answer is None)

    @property
    def answer(self) -> Answer | None:
        """What was answered; None until the stream has ended, after an error in it, and if it could not be read."""
        if not self.has_ended or self._has_failed or not self._is_readable:
            return None
        finishes = tuple(self._finishes.values())
        return Answer(self._tokens, self._reasoning_tokens, finishes, is_empty=not self._has_content)

    def feed(self, piece: bytes) -> bytes:
        """Takes the next bytes of the stream, and gives those that the client is to get now."""
        if not self._is_readable:
            return piece
        # What is held has no end in it, so no more of it is searched again than an end may begin in.
        searched = max(0, len(self._held) - LONGEST_END + 1)
        self._held += piece
        passed, at = [], 0
        for end in _END.finditer(self._held, searched):
            event = self._held[at : end.end()]
            at = end.end()
            if not (self._read(event) and self._hides_usage):
                passed.append(event)
        self._held = self._held[at:]
        whole = b"".join(passed)
        if len(self._held) > MAX_HELD:
            self._is_readable = False
            whole, self._held = whole + self._held, b""
        return whole if self._hides_usage or not self._is_readable else piece

    def rest(self) -> bytes:
        """What is still to be passed on when the body has ended, as of a last event without an empty line. One that
        ended as it should after its usage and the reason of each choice that had begun is whole, also where the engine
        sends no mark of the end."""
        rest, self._held = self._held, b""
        is_usage = self._is_readable and self._read(rest)
        if self._has_every_reason and self._tokens is not None:
            self.has_ended = True
        return rest if self._hides_usage and not is_usage else b""

    def _read(self, event: bytes) -> bool:
        """Learns from an event. Whether it is the one that holds the usage alone."""
        if self._has_content and not any(word in event for word in _TELLING):
            return False
        lines = event.splitlines()
        if b"error" in event and any(map(_ERROR.match, lines)):
            self._has_failed = True
        data = b"\n".join(each.removeprefix(_DATA).removeprefix(b" ") for each in lines if each.startswith(_DATA))
        if data.strip() == b"[DONE]":
            self.has_ended = True
            return False
        try:
            told = json.loads(data) if data else None
        except (ValueError, RecursionError):
            return False
        return isinstance(told, dict) and self._learn(told)

    def _learn(self, told: dict[str, Any]) -> bool:
        kind = told.get("type")
        is_error = bool(told.get("error")) or told.get("object") == "error" or kind in ("error", "response.failed")
        self._has_failed = self._has_failed or is_error
        inner = told.get("response") or told.get("message") or told
        source = inner if isinstance(inner, dict) else told
        self._learn_usage(source, kind)
        self._begun.update(choice for choice, _ in choices_in(told))
        delta = told.get("delta")
        # Some engines tell the end of a choice twice, or with each of its pieces: its last word holds.
        found = dict(finishes_in(delta if isinstance(delta, dict) else self._ended(source, kind)))
        self._finishes.update(found)
        self._has_failed = self._has_failed or BROKEN_OFF in found.values()
        self._has_content = self._has_content or self._shows_content(told, kind)
        if kind in _OVER.get(self._api, ()):
            self.has_ended = True
        return not is_error and self._is_usage_alone(told)

    def _is_usage_alone(self, told: dict[str, Any]) -> bool:
        """Some write the usage beside no choice, or no list of any, and some beside an empty one, after the reasons."""
        if not isinstance(told.get("usage"), dict):
            return False
        if "choices" not in told:
            return told.keys() <= _ABOUT | {"usage"}
        choices = dicts(told["choices"])
        return not choices or (self._has_every_reason and all(map(says_nothing, choices)))

    @property
    def _has_every_reason(self) -> bool:
        """Whether each choice that had begun, and there is one, has ended."""
        return bool(self._finishes) and self._begun <= self._finishes.keys()

    def _ended(self, source: dict[str, Any], kind: Any) -> dict[str, Any]:
        """A response is told of from its creation on, and has its reason only at its end."""
        return source if self._api is not Api.RESPONSES or kind in _OVER[Api.RESPONSES] else {}

    def _learn_usage(self, source: dict[str, Any], kind: Any) -> None:
        """The last one counts, since they grow; but for one of 0 after another, which says nothing. A message's first
        is an engine's guess before it generates, and stands for no later one that is missing."""
        tokens, reasoning = (None, 0) if kind == "message_start" else usage_in(source)
        if tokens is not None and (tokens or not self._tokens):
            self._tokens, self._reasoning_tokens = tokens, reasoning

    def _shows_content(self, told: dict[str, Any], kind: Any) -> bool:
        if self._api in (Api.CHAT_COMPLETIONS, Api.COMPLETIONS):
            return has_content(self._api, told)
        delta = told.get("delta")
        if self._api is Api.MESSAGES:
            block = told.get("content_block")
            return (isinstance(block, dict) and is_shown_block(block)) or (
                isinstance(delta, dict) and bool(delta.get("text"))
            )
        response = told.get("response")
        if kind in _OVER[Api.RESPONSES] and isinstance(response, dict):
            return has_content(self._api, response)
        is_shown = isinstance(kind, str) and kind.endswith(".delta") and not kind.startswith("response.reasoning")
        return is_shown and bool(delta)
