"""Chat completions as servers send them, and documents that are nearly some."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def body(usage: Any = USAGE, **choice: Any) -> dict[str, Any]:
    """A completion as it should be, with some of its one choice's fields replaced."""
    whole = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "42"}, **choice}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [whole], "usage": usage}


def message(content: Any, **fields: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **fields}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["choices", "message", "content", "usage", "completion_tokens", "error", "type", "text", "index", "finish_reason"]
)
NEAR = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
"""Any JSON, with the names that a completion has in any place."""
