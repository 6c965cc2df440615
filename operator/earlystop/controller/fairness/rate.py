"""How often something may happen that others can provoke without end: a number of times at once, then at a rate."""

from __future__ import annotations

from collections.abc import Hashable

# Buckets that are full again are forgotten whenever there are twice as many as were left the last time, or as these.
LEAST_KEPT = 1024


class Rate:
    """A token bucket for each key, of which only the time is kept at which it will be full again.

    burst: how many times at once; seconds: between further times. Both are above 0. Times are in seconds of any one
    clock; one that is set back holds nothing up for longer than a bucket takes to fill.
    """

    def __init__(self, burst: int, seconds: float) -> None:
        self._burst, self._seconds = burst, seconds
        self._full_at: dict[Hashable, float] = {}
        self._kept = LEAST_KEPT

    def earliest(self, key: Hashable, now: float) -> float:
        """When it may happen next for this key: `now` or later."""
        full_at = min(self._full_at.get(key, now), now + (self._burst + 1) * self._seconds)
        return max(now, full_at - (self._burst - 1) * self._seconds)

    def note(self, key: Hashable, at: float) -> None:
        """Remembers that it happens for this key at time `at`, which must not be before `earliest`."""
        full_at = self._full_at.get(key, at)
        if full_at > at + self._burst * self._seconds:
            full_at = at  # the clock was set back
        self._full_at[key] = max(full_at, at) + self._seconds
        if len(self._full_at) > 2 * self._kept:
            self._full_at = {each: full_at for each, full_at in self._full_at.items() if full_at > at}
            self._kept = max(LEAST_KEPT, len(self._full_at))

    def is_allowed(self, key: Hashable, now: float) -> bool:
        """Whether it may happen for this key at time `now`. If so, it is noted."""
        if self.earliest(key, now) > now:
            return False
        self.note(key, now)
        return True
