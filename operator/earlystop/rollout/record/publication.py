"""One digest over all verdicts, published outside of them, so that one which somebody removes shows.

What is published covers the verdicts that were made before a moment, so a new one changes nothing of it and a removed
one does. Verdicts that retention has removed still count, as checkpoints tell of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from earlystop.api.wire import GROUP
from earlystop.rollout.formatting import rfc3339

DIGEST, COUNT, BEFORE, BROKEN = (f"{GROUP}/record-{each}" for each in ("digest", "verdicts", "before", "broken"))
"""Annotations of the Lease."""
SETTLED_SECONDS = 5
"""What was made less than so long ago is published the next time: more of that second may still come."""


class Stored(NamedTuple):
    """A verdict that was stored once. created: by the API server, as RFC 3339. digest: of its record."""

    created: str
    namespace: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published. digest: over the `verdicts` that were made before the moment `before`, as RFC 3339. broken: a
    sentence on what was once found not to be as it was published, "" for nothing: who may edit the Lease takes it out.
    """

    digest: str
    verdicts: int
    before: str
    broken: str = ""

    def annotations(self) -> dict[str, str]:
        """As the Lease has it."""
        found = {DIGEST: self.digest, COUNT: str(self.verdicts), BEFORE: self.before}
        return {**found, BROKEN: self.broken} if self.broken else found


def publication_in(annotations: Mapping[str, str]) -> Publication | None:
    """What a Lease's annotations publish; None where they publish nothing."""
    digest, count, before = (annotations.get(each, "") for each in (DIGEST, COUNT, BEFORE))
    if not digest or not before or not count.isdecimal():
        return None
    return Publication(digest, int(count), before, annotations.get(BROKEN, ""))


def published_at(stored: Iterable[Stored], before: str) -> Publication:
    """What is to be published of the verdicts that were made before a moment: sha256 over a line for each of them, as
    `NAMESPACE/NAME DIGEST`, sorted."""
    lines = sorted({f"{each.namespace}/{each.name} {each.digest}" for each in stored if each.created < before})
    text = "".join(f"{line}\n" for line in lines)
    return Publication(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", len(lines), before)


def difference(known: Publication, stored: Iterable[Stored]) -> str:
    """What is not as it was published, as a sentence; "" where all is."""
    now = published_at(stored, known.before)
    if (now.digest, now.verdicts) == (known.digest, known.verdicts):
        return ""
    return (
        f"Of the verdicts that were made before {known.before}, {known.verdicts} were published with the digest "
        f"{known.digest}, and {now.verdicts} are there, with the digest {now.digest}: somebody removed, changed or "
        "restored some."
    )


def next_publication(known: Publication | None, stored: Iterable[Stored], now: float) -> Publication:
    """What is to be published at Unix time `now`; the same as before where nothing was added.

    known: what is published, None for nothing. What was found broken stays told until somebody takes it out.
    """
    found = tuple(stored)
    following = published_at(found, rfc3339(int(now) - SETTLED_SECONDS))
    if known is None:
        return following
    broken = known.broken or difference(known, found)
    if (following.digest, following.verdicts, broken) == (known.digest, known.verdicts, known.broken):
        return known
    return replace(following, broken=broken)
