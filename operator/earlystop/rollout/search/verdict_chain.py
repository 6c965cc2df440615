"""Whether verdicts follow each other as they were made: what `kubectl earlystop verify` says of a chain, of many at
once and without keeping their looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
        """That of a verdict. Raises KeyError, TypeError or AttributeError for an object that is none."""
        spec, digest = manifest["spec"], str(manifest["spec"]["digest"])
        name, previous = str(manifest["metadata"]["name"]), str(spec.get("previous", ""))
        return cls(str(spec["policyUid"]), name, digest, previous, digest_of(spec) == digest)


class Chains:
    """The chains of any number of policies. links: of all their verdicts."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._by_digest: dict[tuple[str, str], Link] = {}
        after: dict[tuple[str, str], list[str]] = {}
        for each in links:
            self._by_digest[each.policy_uid, each.digest] = each
            after.setdefault((each.policy_uid, each.previous), []).append(each.name)
        self._forks = {
            policy_uid: f"The verdicts {' and '.join(sorted(names))} "
            + ("follow the same one." if previous else "are each said to be the first.")
            for (policy_uid, previous), names in after.items()
            if len(names) > 1
        }

    def problem_of(self, link: Link) -> str | None:
        """Why a verdict cannot be trusted as one of its chain, as a sentence; None where it can. Of a policy with two
        verdicts in one place none can: one of them was not made by the operator, and nobody knows which."""
        fork, followed = self._forks.get(link.policy_uid), {link.digest}
        while fork is None:
            if not link.is_sound:
                return f"The verdict {link.name} on its chain was changed after it was made."
            if not link.previous:
                return None
            before = self._by_digest.get((link.policy_uid, link.previous))
            if before is None:
                return f"The verdict before {link.name}, with the digest {link.previous}, is not there."
            if before.digest in followed:
                return f"The chain of verdicts leads back to {before.name}."
            followed.add(before.digest)
            link = before
        return fork
