"""Whether verdicts follow each other as they were made: what `kubectl earlystop verify` says of a chain, of many at
once and without keeping their looks.

A chain is of all policies that had a name in a namespace, one after the other. Verdicts that retention has removed are
links still: a checkpoint holds their digests (`rollout.checkpoint`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from earlystop.rollout.verdict import digest_of


@dataclass(frozen=True, slots=True)
class Link:
    """What a chain needs of a verdict. policy_uid, name, digest, previous: as its record says; is_sound: whether the
    digest is that of the record."""

    policy_uid: str
    name: str
    digest: str
    previous: str
    is_sound: bool

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Link:
        """The link of a verdict. Raises KeyError, TypeError or AttributeError for an object that is none."""
        spec, digest = manifest["spec"], str(manifest["spec"]["digest"])
        name, previous = str(manifest["metadata"]["name"]), str(spec.get("previous", ""))
        return cls(str(spec["policyUid"]), name, digest, previous, digest_of(spec) == digest)


class DatedLink(NamedTuple):
    """A link with the moment of its decision, as RFC 3339."""

    at: str
    link: Link


def last_digest(links: Iterable[DatedLink], removed: Iterable[Link] = ()) -> str:
    """Digest of the verdict of a chain that none follows, "" where there is none. Of several it is the latest one: the
    others are forks, which `verify` tells of. A record that was changed counts for nothing, and so does one that takes
    the place of a verdict which retention has `removed`."""
    gone = list(removed)
    places = {_place(each) for each in gone}
    by_removed = {each.digest for each in gone}
    sound = [
        each
        for each in links
        if each.link.is_sound and (each.link.digest in by_removed or _place(each.link) not in places)
    ]
    followed = {each.link.previous for each in sound}
    last = (each for each in sound if each.link.digest not in followed)
    return max(((each.at, each.link.digest) for each in last), default=("", ""))[1]


def forks(links: Iterable[Link]) -> dict[tuple[str, str], list[Link]]:
    """Links that take one place: those that follow the same one, and those that are each said to be the first of one
    policy. Keyed by that policy's UID, "" for the former, and the digest that they follow."""
    after: dict[tuple[str, str], list[Link]] = {}
    for each in links:
        after.setdefault(_place(each), []).append(each)
    return {key: found for key, found in after.items() if len(found) > 1}


def _place(link: Link) -> tuple[str, str]:
    """The place in a chain that a link takes: after another one, or as the first of a policy."""
    return "" if link.previous else link.policy_uid, link.previous


class Chains:
    """The chains of any number of policies. links: of all their verdicts, those that retention has removed among
    them."""

    def __init__(self, links: Iterable[Link]) -> None:
        # A verdict is there and in a checkpoint, too, when the operator ended between the two.
        known = tuple({(each.name, each.digest): each for each in links}.values())
        self._by_digest = {each.digest: each for each in known}
        self._forks: dict[str, str] = {}
        for (_, previous), found in forks(known).items():
            names = " and ".join(sorted(each.name for each in found))
            end = "follow the same one." if previous else "are each said to be the first."
            self._forks |= {each.policy_uid: f"The verdicts {names} {end}" for each in found}

    def problem_of(self, link: Link) -> str | None:
        """Why a verdict cannot be trusted as one of its chain, as a sentence; None where it can. Of a policy with two
        verdicts in one place none can: one of them was not made by the operator, and nobody knows which."""
        followed = {link.digest}
        while link.policy_uid not in self._forks:
            if not link.is_sound:
                return f"The verdict {link.name} on its chain was changed after it was made."
            if not link.previous:
                return None
            before = self._by_digest.get(link.previous)
            if before is None:
                return f"The verdict before {link.name}, with the digest {link.previous}, is not there."
            if before.digest in followed:
                return f"The chain of verdicts leads back to {before.name}."
            followed.add(before.digest)
            link = before
        return self._forks[link.policy_uid]
