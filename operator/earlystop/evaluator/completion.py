"""What the body of a chat completion says. Pure and total: any bytes give an answer, or None where there is none.

| the server sends                                            | the answer is                                   |
|-------------------------------------------------------------|-------------------------------------------------|
| `content` as a text                                         | scored by that text                             |
| `content` as a list of parts                                | scored by its text parts; thinking is left out  |
| `content` as a number, truth value or object                | scored by that value as JSON                    |
| `choices[0].text`, as of the older completions API          | scored by that text                             |
| `<think>…</think>` before the text; `reasoning_content`     | scored by the text alone                        |
| thinking with its closing mark alone, or in channels        | scored by the text after it (`thinking`)        |
| a thinking block that does not end                          | empty: scored as wrong                          |
| `content` null, absent or empty                             | empty: scored as wrong                          |
| calls of tools without text                                 | empty, but with the scoring json:FIELD, which   |
|                                                             | reads the arguments of the calls                |
| a stream of events, with `--stream` or unasked              | as the completion that it adds up to            |
| a stream that breaks off, or holds an error                 | failed                                          |
| `refusal` or finish reason `content_filter`, without text   | refused: scored as wrong                        |
| the finish reason `length`, or `max_tokens`, with text      | truncated: scored by that text                  |
| several choices                                             | scored by the one with index 0, else the first  |
| half a surrogate pair, bytes that are no UTF-8              | scored; U+FFFD stands where they were           |
| another content type, a byte order mark, NaN                | scored: the body alone counts                   |
| `usage` absent, null, negative, no whole number, above ten  | scored; tokens are unknown, they enter no mean, |
| million, or zero beside a text                              | and the budget is charged the most they can be  |
| `message` null or no object; `choices` null, empty, no list | failed                                          |
| status 200 with an `error`, or a finish reason by which the | failed                                          |
| engine broke off, as `error` or `abort`                     |                                                 |
| HTML, an empty body, JSON cut off, too deep or no object    | failed                                          |
| status 408, 409, 429 or 5xx, a hang-up, no answer in time   | asked again, after `Retry-After`; then failed   |
| another status from 400; a redirect to no completion        | failed                                          |
| an answer without the headers of its variant                | unattributed: in no pair and in no count        |

An answer that cannot be scored is a wrong one in its pair, unless neither can (`graded`). `client` and `grading` decide
the last three lines, and `failed_answers` whose fault it is that an answer failed: beside one that came it is wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from earlystop.api.finish_reasons import BROKEN_OFF, CUT, FILTERED, finish_of
from earlystop.api.token_usage import usage_in
from earlystop.evaluator.content import REFUSAL, as_json, is_refusal, text_of
from earlystop.evaluator.folded_stream import folded_stream
from earlystop.evaluator.thinking import without_thinking

MOST_TOKENS = 10_000_000
"""Output tokens of one answer that are believed; no context is longer."""
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Completion:
    """text: the answer, "" when nothing can be read; tokens: output tokens, None when the server does not say.
    arguments: those of the answer's calls of tools, as their JSON texts one after the other."""

    text: str
    finish_reason: str
    tokens: int | None
    arguments: str = ""


def read_completion(body: bytes) -> Completion | None:
    """The completion in a response's body, None when the body holds none."""
    found = _document(body) or folded_stream(body.decode("utf-8-sig", "replace"))
    if not isinstance(found, dict) or found.get("error"):
        return None
    choice = _first_choice(found.get("choices"))
    if choice is None or finish_of(choice.get("finish_reason")) == BROKEN_OFF:
        return None
    raw, refused = _content(choice)
    if raw is None:
        return None
    text = _LONE_SURROGATE.sub("\ufffd", without_thinking(raw))
    finish = choice.get("finish_reason")
    reason = REFUSAL if refused and not text.strip() else _reason(finish)
    arguments = _LONE_SURROGATE.sub("\ufffd", _arguments(choice.get("message")))
    return Completion(text, reason, _tokens(found.get("usage"), text), arguments)


def _document(body: bytes) -> Any:
    """The JSON value of a body, None where it is none; whole numbers of hundreds of digits are read as infinite."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), strict=False, parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else float(digits)


def _reason(finish: Any) -> str:
    """Why an answer ended. Engines of other APIs behind this one have their own words for a budget that ended, and
    SGLang may give a record in place of a word."""
    word = finish_of(finish)
    if word in (CUT, FILTERED):
        return word
    return finish if isinstance(finish, str) else "stop"


def _first_choice(choices: Any) -> dict[str, Any] | None:
    if not isinstance(choices, list) or not choices:
        return None
    numbered = [each for each in choices if isinstance(each, dict) and each.get("index") == 0]
    first = numbered[0] if numbered else choices[0]
    return first if isinstance(first, dict) else None


def _content(choice: dict[str, Any]) -> tuple[str | None, bool]:
    """The text of a choice, None when it has no message; and whether the server says that it refused."""
    message = choice.get("message")
    if isinstance(message, dict):
        parts = message.get("content")
        refused = bool(message.get("refusal")) or (isinstance(parts, list) and any(map(is_refusal, parts)))
        return text_of(parts), refused
    if message is None and isinstance(choice.get("text"), str):
        return choice["text"], False
    return None, False


def _arguments(message: Any) -> str:
    """The arguments of a message's calls of tools; engines send them as text, some as an object."""
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    functions = [each.get("function") for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
    functions += [message.get("function_call")] if isinstance(message, dict) else []  # as before there were tools
    found = [each.get("arguments") for each in functions if isinstance(each, dict)]
    return "\n".join(each if isinstance(each, str) else as_json(each) for each in found if each)


def _tokens(usage: Any, text: str) -> int | None:
    count, _ = usage_in({"usage": usage})
    return None if count is None or count > MOST_TOKENS or (count == 0 and text.strip()) else count
