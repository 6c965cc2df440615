"""Which verdicts may be removed: those beyond a number or an age of which nothing depends on what they hold.

What is kept whatever its age: the latest of every chain, that of the decision in a policy's status, what the next
campaign counts (attempts that share risks, losses since a pinned baseline), what a search that starts from history
would read, and the earlier trials of a search of which a verdict is kept. A chain with a gap, a fork or a changed
verdict is left as it is: somebody must look at it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.checkpoint import RemovedVerdict
from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.manual import BY_PERSON
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.search.history import MOST_VERDICTS
from earlystop.rollout.search.verdict_chain import Chains, Link
from earlystop.rollout.spent_risk import keys_recorded

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept of each policy's verdicts. verdicts: the latest so many; days: those of so many days; 0 for all."""

    verdicts: int = 0
    days: int = 0

    @property
    def removes(self) -> bool:
        """Whether the policy's retention ever removes a verdict."""
        return self.verdicts > 0 or self.days > 0


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """What retention must know of a verdict, without its looks.

    uid: of the object. removed: what is left of it in a checkpoint. link: in its chain. subject: what tells which
    history it belongs to. risk_keys: what it tells of campaigns that share risks. is_loss: whether losses since a
    pinned baseline are counted by it. search: its search, "" for none.
    """

    uid: str
    removed: RemovedVerdict
    link: Link
    subject: str
    risk_keys: tuple[str, ...]
    is_loss: bool
    search: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> StoredVerdict:
        """What retention needs of a verdict. Raises ValueError, KeyError or TypeError for one that this release cannot
        read."""
        spec, metadata = manifest["spec"], manifest["metadata"]
        plan = parse_plan(spec["plan"])
        subject = [[each.wire() for each in plan.spec.parameters], plan.spec.baseline_settings()]
        search = spec.get("search")
        margin = spec.get("margin") or {}
        return cls(
            uid=str(metadata["uid"]),
            removed=RemovedVerdict(
                name=metadata["name"],
                policy_uid=spec["policyUid"],
                at=spec["at"],
                created=metadata["creationTimestamp"],
                decision=spec["decision"],
                candidate=spec["candidate"],
                digest=spec["digest"],
                previous=spec.get("previous", ""),
            ),
            link=Link.of(manifest),
            subject=hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest(),
            risk_keys=keys_recorded(spec),
            is_loss="spentAfter" in margin or (bool(margin) and spec["reason"] in (*BY_PERSON, *AFTER_PROMOTION)),
            search=f"{spec['policyUid']}/{search['number']}" if search else "",
        )


def removable(
    verdicts: Iterable[StoredVerdict],
    already_removed: Iterable[Link],
    retention: Retention,
    now: float,
    decided: str = "",
) -> list[StoredVerdict]:
    """The verdicts of one policy's name that may be removed at Unix time `now`, the oldest first.

    verdicts: all that are there. already_removed: links of those that checkpoints tell of. decided: digest of the
    decision that the policy's status is about, "" for none: its looks may stand in that verdict alone.
    """
    latest_first = sorted(verdicts, key=lambda each: (each.removed.at, each.removed.name), reverse=True)
    if not retention.removes or _is_broken(latest_first, already_removed):
        return []
    oldest = rfc3339(int(now) - retention.days * DAY)
    kept = _needed(latest_first) | {each.removed.name for each in latest_first if each.link.digest == decided}
    for place, each in enumerate(latest_first):
        is_over = 0 < retention.verdicts <= place or (retention.days > 0 and each.removed.at < oldest)
        if not is_over:
            kept.add(each.removed.name)
    searches = {each.search for each in latest_first if each.removed.name in kept and each.search}
    return [each for each in reversed(latest_first) if each.removed.name not in kept and each.search not in searches]


def batch(chosen: Sequence[StoredVerdict], most: int) -> list[StoredVerdict]:
    """The first of the verdicts that may be removed, at most so many: trials of one search go together, unless there
    are more of them than that."""
    later = {each.search for each in chosen[most:] if each.search}
    return [each for each in chosen[:most] if each.search not in later] or list(chosen[:most])


def _is_broken(verdicts: Sequence[StoredVerdict], already_removed: Iterable[Link]) -> bool:
    """Whether any verdict is not of a whole chain."""
    links = [each.link for each in verdicts]
    chains = Chains([*already_removed, *links])
    return any(chains.problem_of(each) is not None for each in links)


def _needed(latest_first: Sequence[StoredVerdict]) -> set[str]:
    """Names of the verdicts that something depends on."""
    followed = {each.link.previous for each in latest_first}
    needed, by_subject, risk_keys = set(), Counter[str](), set[str]()
    for each in latest_first:
        by_subject[each.subject] += 1
        is_newest_of_a_key = not risk_keys.issuperset(each.risk_keys)
        risk_keys.update(each.risk_keys)
        is_history = by_subject[each.subject] <= MOST_VERDICTS
        if each.link.digest not in followed or each.is_loss or is_newest_of_a_key or is_history:
            needed.add(each.removed.name)
    return needed
