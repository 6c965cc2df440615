"""For how many looks nothing is promoted, since they teach how much answers scatter: one rule for all who wait.

Answers of one session are alike, so blocks of looks must be longer than a session before they show its scatter, and it
takes four blocks to learn from (`scatter`). Where a policy declares how long a session lasts at most, blocks need not
be longer than that asks for; where it says nothing, they are as long as sessions of 20 looks ask for. The declaration
is an assumption: a session that lasts longer is seen by the longer blocks, which count as soon as they are learned, but
a promotion does not wait for these.
"""

from __future__ import annotations

from math import ceil

from earlystop.api.session_rules import MOST_LOOKS
from earlystop.evidence.scatter import KNOWN_LOOKS

TOUCHED_BY_BLOCK = {16: 5, KNOWN_LOOKS: 20, 64: MOST_LOOKS}
"""Looks in a block -> looks that a session may touch, so that errors stay within the risk (`make bench-street`). Blocks
of 8 for 5 are not enough: four of them say too little."""

LEAST_BLOCK = min(TOUCHED_BY_BLOCK)

BLOCKS_TO_LEARN = 4
"""Blocks in a row before those of a length are learned."""


def block_for(longest_session: int | None, look_seconds: int) -> int:
    """Looks in the blocks that must be learned, one of `scatter.SCALES`.

    longest_session: seconds, >= 0, as the policy declares them; None where it does not. look_seconds: between two looks
    at first, > 0; later ones are further apart, so a session touches fewer of them. Raises ValueError, saying what to
    write, for a session that touches more looks than `MOST_LOOKS`.
    """
    if longest_session is None:
        return KNOWN_LOOKS
    touched = ceil(longest_session / look_seconds) + 1
    if touched > MOST_LOOKS:
        raise ValueError(
            f"sessions of {longest_session} s touch {touched} looks of {look_seconds} s, more than blocks of looks can "
            f"show; write a rollout.lookSeconds of {ceil(longest_session / (MOST_LOOKS - 1))}, or more"
        )
    return next(block for block, most in TOUCHED_BY_BLOCK.items() if touched <= most)


def looks_to_learn(block: int) -> int:
    """Looks until blocks of so many of them are learned."""
    return BLOCKS_TO_LEARN * block
