"""The factors that evidence is divided by where the same users are in every look, as they follow from looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from earlystop.api.counts import Look, UserScatter

THOUSAND = 1000


class UserFactors(NamedTuple):
    """How many times as much events of each kind scatter as independent ones, each at least 1."""

    answers: float = 1.0
    lengths: float = 1.0
    failures: float = 1.0
    feedback: float = 1.0


NO_FACTORS = UserFactors()


@dataclass(frozen=True, slots=True)
class SeenUsers:
    """What looks have shown of their users.

    last: of the last look that knew them, None before any. requests: that started up to it. since: after it.
    """

    last: UserScatter | None = None
    requests: int = 0
    since: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the last look knew the users."""
        return self.last is not None and not self.since

    @property
    def factors(self) -> UserFactors:
        """The factors now. Where later looks did not know the users, they are the largest possible: squares of users
        grow at most with the square of their requests, so a factor grows at most as requests do."""
        if self.last is None:
            return NO_FACTORS
        growth = 1 + self.since / max(self.requests, 1)
        known = self.last.answers, self.last.lengths, self.last.failures, self.last.feedback
        return UserFactors(*(max(1.0, each / THOUSAND * growth) for each in known))


NOBODY_SEEN = SeenUsers()


def observe(seen: SeenUsers, look: Look) -> SeenUsers:
    """What is seen of users after one more look of a comparison whose users are counted."""
    new = look.baseline.started + look.candidate.started
    if look.users is not None and look.users.is_known:
        return SeenUsers(look.users, seen.requests + seen.since + new)
    return SeenUsers(seen.last, seen.requests, seen.since + new)
