"""What a policy's next campaign is told apart by, before it begins."""

from __future__ import annotations

from typing import NamedTuple


class NextIdentity(NamedTuple):
    """entropy: random text that no campaign has yet. commitment: to the token that follows from it, "" without a key.
    has_key: whether the key of tokens was known when it was made."""

    entropy: str
    commitment: str
    has_key: bool
