"""A steady open-loop pace: a token bucket, as a pure function of the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

# What may be made up after a delay. Longer stalls are lost: a burst is not the traffic that was asked for.
CATCH_UP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests are due. rate: a second, above 0; due: now, with its fraction; at: seconds."""

    rate: float
    at: float
    due: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"the rate is {self.rate}; write the requests a second, above 0")

    def wait(self, now: float) -> Pace:
        """The pace at a later moment: due is at most one, plus CATCH_UP_SECONDS of the rate or another one."""
        most = 1.0 + max(1.0, self.rate * CATCH_UP_SECONDS)
        return replace(self, at=now, due=min(most, self.due + self.rate * max(0.0, now - self.at)))

    def send(self, count: int) -> Pace:
        """The pace after `count` of the due requests were sent."""
        return replace(self, due=self.due - count)

    @property
    def seconds_to_next(self) -> float:
        """Seconds until the next request is to be sent, 0 or more."""
        return max(0.0, (1.0 - self.due) / self.rate)
