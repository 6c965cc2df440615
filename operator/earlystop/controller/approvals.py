"""EarlyStopApprovals as watches have shown them, by the policy that each names, and what each is told became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from earlystop.api.approval_kind import COUNTED, ApprovalSpec
from earlystop.controller.cluster import APPROVALS, Cluster, Manifest
from earlystop.controller.condition_writer import ConditionWriter, DueConditions, Key, told_in
from earlystop.rollout.approval import Asked, Fate, GivenApproval, fates
from earlystop.rollout.approval_words import fate_sentence
from earlystop.rollout.formatting import from_rfc3339

SECONDS_TO_LIST = 30.0
"""Until a policy that is not known is none: approvals may be listed before policies are."""


@dataclass(frozen=True, slots=True)
class _Known:
    """An approval as it was shown last. policy: its namespace, and the policy's name. told: status and reason of its
    stored conditions, by type. since: when it was shown first, Unix seconds."""

    policy: Key
    given: GivenApproval
    told: Mapping[str, tuple[str, str]]
    since: float

    @property
    def is_told(self) -> bool:
        """Whether it says already what became of it."""
        return self.told.get(COUNTED, ("Unknown", ""))[0] != "Unknown"


class Approvals(ConditionWriter):
    """Keeps what watches show of approvals, wakes the policies that they name, and writes their conditions.

    cluster: for the conditions. asks: what a policy asks people, None where it is not known. wake: has a policy
    reconciled. clock: Unix seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        asks: Callable[[Key], Asked | None],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(cluster, APPROVALS, "EarlyStopApproval", clock)
        self._asks = asks
        self._wake = wake
        self._known: dict[Key, dict[str, _Known]] = {}

    def shown(self, manifest: Manifest) -> None:
        """A watch shows an approval. One that the API server could not have admitted is passed over."""
        found = _read(manifest, self._clock())
        if found is None:
            return
        known = self._known.setdefault(found.policy, {})
        before = known.get(found.given.name)
        known[found.given.name] = found if before is None else replace(found, since=before.since)
        if before is None or before.given != found.given:
            self._wake(found.policy)
            self._changed.set()

    def deleted(self, manifest: Manifest) -> None:
        """A watch shows that an approval was deleted: it counts no more, if it was not followed yet."""
        found = _read(manifest, self._clock())
        known = {} if found is None else self._known.get(found.policy, {})
        if found is None or known.pop(found.given.name, None) is None:
            return
        self._not_before.pop((found.policy[0], found.given.name), None)
        if not known:
            del self._known[found.policy]

    def given_to(self, policy: Key) -> tuple[GivenApproval, ...]:
        """All approvals that name a policy, whether they count or not."""
        return tuple(each.given for each in self._known.get(policy, {}).values())

    async def confirmed(self, policy: Key) -> tuple[GivenApproval, ...]:
        """The same, once the API server has been asked for those that name the decision which waits now: a watch may
        have missed that one was deleted. Raises ClusterError when it cannot be asked."""
        of = self._asks(policy)
        for name, each in list(self._known.get(policy, {}).items()):
            if of is None or not of.digest or each.given.digest != of.digest:
                continue
            manifest = await self._cluster.get(APPROVALS, policy[0], name)
            found = None if manifest is None else _read(manifest, each.since)
            if found is None:
                self._known.get(policy, {}).pop(name, None)
            elif found.given != each.given and name in self._known.get(policy, {}):
                self._known[policy][name] = found
        return self.given_to(policy)

    def _to_write(self) -> Iterable[DueConditions]:
        """What became of an approval is said once; while the decision that it names waits, it may still change. That
        it was followed is said whatever was said before."""
        for policy, known in self._known.items():
            of = self._asks(policy)
            told = self._told_of_none(known) if of is None else fates(self.given_to(policy), of)
            for given, fate in told:
                is_open = fate is Fate.COUNTED or (of is not None and given.digest == of.digest)
                said = {COUNTED: ("True" if fate is Fate.COUNTED else "False", fate.value)}
                if known[given.name].told != said and (is_open or not known[given.name].is_told):
                    yield DueConditions((policy[0], given.name), said, fate_sentence(fate, policy[1]))

    def _told_of_none(self, known: Mapping[str, _Known]) -> tuple[tuple[GivenApproval, Fate], ...]:
        now = self._clock()
        late = (each.given for each in known.values() if now - each.since >= SECONDS_TO_LIST)
        return tuple((each, Fate.NO_POLICY) for each in late)

    def _is_same(self, manifest: Manifest, due: DueConditions) -> bool:
        found = _read(manifest, self._clock())
        known = None if found is None else self._known.get(found.policy, {}).get(found.given.name)
        return found is not None and known is not None and known.given == found.given

    def _note_written(self, manifest: Manifest) -> None:
        found = _read(manifest, self._clock())
        if found is not None and found.given.name in self._known.get(found.policy, {}):
            self._known[found.policy][found.given.name] = found


def _read(manifest: Manifest, now: float) -> _Known | None:
    metadata = manifest["metadata"]
    try:
        spec = ApprovalSpec.model_validate(manifest["spec"])
        created = from_rfc3339(metadata["creationTimestamp"])
    except (ValidationError, ValueError, KeyError):
        return None
    given = GivenApproval(
        name=metadata["name"],
        created=created,
        by=spec.by,
        policy_uid=spec.policy_uid,
        digest=spec.decision_digest,
        approves=spec.answer == "Approve",
        comment=spec.comment,
    )
    return _Known((metadata["namespace"], spec.policy), given, told_in(manifest), now)
