"""One digest over all verdicts, published outside of them, so that one which somebody removes shows.

What is published covers the verdicts that were made before a moment, so a new one changes nothing of it and a removed
one does. Verdicts that retention has removed still count, as checkpoints tell of them.

The API server says when a verdict was made, and the operator when it looked: their clocks may differ, and a verdict may
come while the others are listed. So the moment lies a while before the list was begun, and verdicts that only came
later than their time says are no difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from earlystop.api.wire import GROUP
from earlystop.rollout.formatting import rfc3339

DIGEST, COUNT, BEFORE, BROKEN, SCOPE = (
    f"{GROUP}/record-{each}" for each in ("digest", "verdicts", "before", "broken", "namespaces")
)
"""Annotations of the Lease."""
SETTLED_SECONDS = 60
"""What was made less than so long before the list was begun is published the next time: clocks differ by less."""
EVERYWHERE = "*"
"""The scope of an operator that watches all namespaces."""


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
    scope: the namespaces whose verdicts these are, with commas between, or EVERYWHERE.
    """

    digest: str
    verdicts: int
    before: str
    broken: str = ""
    scope: str = EVERYWHERE

    def annotations(self) -> dict[str, str]:
        """What is published, as annotations of the Lease."""
        found = {DIGEST: self.digest, COUNT: str(self.verdicts), BEFORE: self.before, SCOPE: self.scope}
        return {**found, BROKEN: self.broken} if self.broken else found


def publication_in(annotations: Mapping[str, str]) -> Publication | None:
    """What a Lease's annotations publish; None where they publish nothing."""
    digest, count, before = (annotations.get(each, "") for each in (DIGEST, COUNT, BEFORE))
    if not digest or not before or not count.isdecimal():
        return None
    return Publication(digest, int(count), before, annotations.get(BROKEN, ""), annotations.get(SCOPE, EVERYWHERE))


def published_at(stored: Iterable[Stored], before: str, scope: str = EVERYWHERE) -> Publication:
    """What is to be published of the verdicts that were made before a moment: sha256 over a line for each of them, as
    `NAMESPACE/NAME DIGEST`, sorted."""
    return _published(_made_before(stored, before), before, scope)


def difference(known: Publication, stored: Iterable[Stored]) -> str:
    """What is not as it was published, as a sentence; "" where all is, or where verdicts only came later than the time
    at which they were made: without the latest of them all is as it was."""
    there = _made_before(stored, known.before)
    now = _published(there, known.before, known.scope)
    came_later = len(there) - known.verdicts
    as_known = _published(there[: known.verdicts], known.before, known.scope) if came_later > 0 else now
    if (as_known.digest, as_known.verdicts) == (known.digest, known.verdicts):
        return ""
    return (
        f"Of the verdicts that were made before {known.before}, {known.verdicts} were published with the digest "
        f"{known.digest}, and {now.verdicts} are there, with the digest {now.digest}: somebody removed, changed or "
        "restored some."
    )


def next_publication(
    known: Publication | None, stored: Iterable[Stored], begun: float, scope: str = EVERYWHERE
) -> Publication:
    """What is to be published of a list; the same as before where nothing was added.

    known: what is published, None for nothing. begun: Unix time at which the list was begun. What was found broken
    stays told until somebody takes it out. What other namespaces held is compared with nothing.
    """
    found = tuple(stored)
    following = published_at(found, rfc3339(int(begun) - SETTLED_SECONDS), scope)
    if known is None:
        return following
    broken = known.broken or (difference(known, found) if known.scope == scope else "")
    if replace(following, before=known.before, broken=broken) == known:
        return known
    return replace(following, broken=broken)


def _made_before(stored: Iterable[Stored], before: str) -> list[Stored]:
    """Each once, the earliest first: one may be listed and stand in a checkpoint, too."""
    found = {(each.namespace, each.name, each.digest): each for each in stored if each.created < before}
    return sorted(found.values())


def _published(stored: Iterable[Stored], before: str, scope: str) -> Publication:
    lines = sorted(f"{each.namespace}/{each.name} {each.digest}" for each in stored)
    text = "".join(f"{line}\n" for line in lines)
    return Publication(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", len(lines), before, scope=scope)
