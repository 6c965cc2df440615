"""How long a policy is left alone between reconciliations. All in seconds."""

from __future__ import annotations

from zlib import crc32

# Between checks of an accepted policy and the objects that it refers to; watches tell of most changes much sooner.
RECHECK_SECONDS = 300.0
# Between checks of a refused one, which people wait for.
RECHECK_REFUSED_SECONDS = 10.0

# Traffic that could not be put in force is tried again after the first pause, each time after a longer one.
FIRST_RETRY_SECONDS = 0.3
RETRY_GROWTH = 1.5
# Nothing that failed is left for longer.
LONGEST_RETRY_SECONDS = 15.0

# So that a moment that has just passed does not keep the operator busy with one policy.
SHORTEST_PAUSE_SECONDS = 0.05


def tick_after(uid: str, period: float, moment: float) -> float:
    """The first moment after `moment` on the policy's own grid of `period` seconds. Policies that began together,
    as all do when the operator starts, are thereby spread over the period."""
    offset = period * crc32(uid.encode()) / 2**32
    return offset + period * ((moment - offset) // period + 1)
