"""EarlyStopProposals as watches have shown them, by the policy that each names, and what each is told became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from earlystop.api.proposal import ACCEPTED, TRIED, ProposalSpec
from earlystop.api.values import canonical_setting
from earlystop.controller.cluster import PROPOSALS, Cluster, Manifest
from earlystop.controller.condition_writer import ConditionWriter, DueConditions, Key, told_in
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import (
    OVER,
    REFUSED,
    Fate,
    FateReason,
    Offer,
    SearchView,
    fates,
    refused_by_all,
    waiting_in,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A proposal as it was shown last. policy: its namespace, and the policy's name. told: status and reason of its
    stored conditions, by type."""

    policy: Key
    offer: Offer
    told: Mapping[str, tuple[str, str]]


class Proposals(ConditionWriter):
    """Keeps what watches show of proposals, wakes the policies that they name, and writes their conditions.

    cluster: for the conditions. view: of a policy, what decides about offers to it; a sentence where it takes none.
    wake: has a policy reconciled. clock: Unix seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        view: Callable[[Key], SearchView | str],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(cluster, PROPOSALS, "EarlyStopProposal", clock)
        self._view = view
        self._wake = wake
        self._known: dict[Key, dict[str, _Known]] = {}

    def shown(self, manifest: Manifest) -> None:
        """A watch shows a proposal. One that the API server could not have admitted is passed over."""
        found = _read(manifest)
        if found is None:
            return
        known = self._known.setdefault(found.policy, {})
        before = known.get(found.offer.name)
        known[found.offer.name] = found
        if before is None or before.offer != found.offer:
            self._wake(found.policy)
            self._changed.set()

    def deleted(self, manifest: Manifest) -> None:
        """A watch shows that a proposal was deleted: it is tried no more, if it was not yet."""
        found = _read(manifest)
        known = {} if found is None else self._known.get(found.policy, {})
        if found is None or known.pop(found.offer.name, None) is None:
            return
        self._not_before.pop((found.policy[0], found.offer.name), None)
        if not known:
            del self._known[found.policy]
        self._changed.set()

    def waiting_for(self, policy: Key) -> tuple[WaitingOffer, ...]:
        """What waits for a trial of a policy's search, in the order of arrival."""
        return waiting_in(self._fates(policy)) if policy in self._known else ()

    def _to_write(self) -> Iterable[DueConditions]:
        for policy, known in self._known.items():
            for fate in self._fates(policy):
                told = told_by(fate)
                if known[fate.offer.name].told != told:
                    yield DueConditions((policy[0], fate.offer.name), told, fate.message)

    def _fates(self, policy: Key) -> tuple[Fate, ...]:
        offers, view = [each.offer for each in self._known.get(policy, {}).values()], self._view(policy)
        return refused_by_all(offers, view) if isinstance(view, str) else fates(offers, view)

    def _is_same(self, manifest: Manifest, due: DueConditions) -> bool:
        found = _read(manifest)
        known = None if found is None else self._known.get(found.policy, {}).get(found.offer.name)
        return found is not None and known is not None and known.offer == found.offer

    def _note_written(self, manifest: Manifest) -> None:
        found = _read(manifest)
        if found is not None and found.offer.name in self._known.get(found.policy, {}):
            self._known[found.policy][found.offer.name] = found


def told_by(fate: Fate) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition that says what became of an offer."""
    accepted = "False" if fate.reason in REFUSED else "True"
    told = {ACCEPTED: (accepted, fate.reason.value)}
    if fate.reason in OVER:
        told[TRIED] = ("True", fate.reason.value)
    if fate.reason is FateReason.UNDER_TRIAL:
        told[TRIED] = ("Unknown", fate.reason.value)
    return told


def _read(manifest: Manifest) -> _Known | None:
    try:
        spec = ProposalSpec.model_validate(manifest["spec"])
    except ValidationError:
        return None
    values = tuple(sorted((each.name, canonical_setting(each.value)) for each in spec.values))
    metadata = manifest["metadata"]
    offer = Offer(str(metadata.get("creationTimestamp", "")), metadata["name"], spec.proposer, values)
    return _Known((metadata["namespace"], spec.policy_ref.name), offer, told_in(manifest))
