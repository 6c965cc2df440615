"""What a policy remembers from one campaign to the next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many campaigns of a candidate have spent risk. candidate: digest of what it is (`spent_risk`)."""

    candidate: str
    campaigns: int


@dataclass(frozen=True, slots=True)
class ProvenLoss:
    """A setting that was proven since a pinned baseline. pinned: digest of that one's values (`pinned_baseline`).

    values: of each parameter. lost: Exact Match that it may have lost since, 0..1. risk: probability that it lost more.
    promotions: from the pinned baseline to it, at least 1.
    """

    pinned: str
    values: dict[str, str]
    lost: float
    risk: float
    promotions: int


@dataclass(frozen=True, slots=True)
class HandledRequest:
    """The latest request of a verb that the operator has dealt with, whether it was followed, refused or out of date.

    text: the value that was requested. signature: digest of the signature that stood beside it, "" when none did.
    by: who asked for it, in words. spent: digests of the texts that were dealt with before it, oldest first.
    """

    verb: str
    text: str
    signature: str
    by: str
    spent: tuple[str, ...] = ()
