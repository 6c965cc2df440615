"""EarlyStopApprovals as watches have shown them, by the policy that each names, and what each is told became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from earlystop.api.approval_kind import COUNTED, ApprovalSpec
from earlystop.controller.cluster import APPROVALS, Cluster, Manifest
from earlystop.controller.condition_writer import DueConditions, stored_conditions
from earlystop.controller.policy_objects import Known, PolicyObjects
from earlystop.controller.resources import Key
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.waiting.approval import Asked, Fate, GivenApproval, fates
from earlystop.rollout.waiting.approval_words import fate_sentence

SECONDS_TO_LIST = 30.0
"""Until a policy that is not known is none: approvals may be listed before policies are."""


class Approvals(PolicyObjects[GivenApproval]):
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
        super().__init__(cluster, APPROVALS, "EarlyStopApproval", wake, clock)
        self._asks = asks

    def given_to(self, policy: Key) -> tuple[GivenApproval, ...]:
        """All approvals that name a policy, whether they count or not."""
        return self.said_to(policy)

    async def confirmed(self, policy: Key) -> tuple[GivenApproval, ...]:
        """The approvals that name a policy, once the API server was asked for those that count for the decision that
        waits now: a watch may have missed that one was deleted. Of one person it is asked for the first alone, however
        many there are. Raises ClusterError when it cannot be asked."""
        of, asked_for = self._asks(policy), set[str]()
        while of is not None and of.digest:
            counted = {given.name for given, fate in fates(self.given_to(policy), of) if fate is Fate.COUNTED}
            if counted <= asked_for:
                break
            for name in sorted(counted - asked_for):
                await self._confirm(policy, name)
            asked_for |= counted
        return self.given_to(policy)

    async def _confirm(self, policy: Key, name: str) -> None:
        """Keep an approval as the API server has it, or forget it. Raises ClusterError when that cannot be asked."""
        before = self._known.get(policy, {}).get(name)
        manifest = await self._cluster.get(APPROVALS, policy[0], name)
        found = None if manifest is None else self._read(manifest)
        if found is None:
            self._forget(policy, name)
        elif self._same(found) is not None:  # a watch may have shown meanwhile that it is gone
            self._keep(found, before)

    def _to_write(self) -> Iterable[DueConditions]:
        """What became of an approval is said once; while the decision that it names waits, it may still change. That
        it was followed is said whatever was said before."""
        for policy, known in self._known.items():
            of = self._asks(policy)
            answers = self._fates_where_none_is_asked(known) if of is None else fates(self.given_to(policy), of)
            for given, fate in answers:
                is_open = fate is Fate.COUNTED or (of is not None and given.digest == of.digest)
                said = {COUNTED: ("True" if fate is Fate.COUNTED else "False", fate.value)}
                if known[given.name].conditions != said and (is_open or not _is_answered(known[given.name])):
                    yield DueConditions((policy[0], given.name), said, fate_sentence(fate, policy[1]))

    def _fates_where_none_is_asked(
        self, known: Mapping[str, Known[GivenApproval]]
    ) -> tuple[tuple[GivenApproval, Fate], ...]:
        now = self._clock()
        late = (each.said for each in known.values() if now - each.since >= SECONDS_TO_LIST)
        return tuple((each, Fate.NO_POLICY) for each in late)

    def _read(self, manifest: Manifest) -> Known[GivenApproval] | None:
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
        return Known(
            (metadata["namespace"], spec.policy), given.name, given, stored_conditions(manifest), self._clock()
        )


def _is_answered(approval: Known[GivenApproval]) -> bool:
    """Whether it says already what became of it."""
    return approval.conditions.get(COUNTED, ("Unknown", ""))[0] != "Unknown"
