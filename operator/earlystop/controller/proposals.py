"""EarlyStopProposals as watches have shown them, by the policy that each names, and what each is told became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import ValidationError

from earlystop.api.proposal import ACCEPTED, TRIED, ProposalSpec
from earlystop.api.values import canonical_setting
from earlystop.controller.cluster import PROPOSALS, Cluster, Manifest
from earlystop.controller.condition_writer import DueConditions, stored_conditions
from earlystop.controller.policy_objects import Known, PolicyObjects
from earlystop.controller.resources import Key
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


class Proposals(PolicyObjects[Offer]):
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
        super().__init__(cluster, PROPOSALS, "EarlyStopProposal", wake, clock)
        self._view = view
        self._worked_out: dict[Key, tuple[tuple[Offer, ...], SearchView | str, tuple[Fate, ...]]] = {}

    def waiting_for(self, policy: Key) -> tuple[WaitingOffer, ...]:
        """What waits for a trial of a policy's search, in the order of arrival."""
        return waiting_in(self._fates(policy)) if policy in self._known else ()

    def _to_write(self) -> Iterable[DueConditions]:
        for policy, known in self._known.items():
            for fate in self._fates(policy):
                conditions = conditions_of_fate(fate)
                if known[fate.offer.name].conditions != conditions:
                    yield DueConditions((policy[0], fate.offer.name), conditions, fate.message)

    def _fates(self, policy: Key) -> tuple[Fate, ...]:
        """What became of each offer to a policy. It is asked for at each reconciliation and each pass of writing. Of
        thousands it takes long, and is not worked out again while nothing has changed: all other policies wait."""
        offers, view = self.said_to(policy), self._view(policy)
        known = self._worked_out.get(policy)
        if known is not None and known[0] is offers and known[1] == view:
            return known[2]
        found = refused_by_all(offers, view) if isinstance(view, str) else fates(offers, view)
        self._worked_out[policy] = offers, view, found
        return found

    def _forget(self, policy: Key, name: str) -> None:
        super()._forget(policy, name)
        if policy not in self._known:
            self._worked_out.pop(policy, None)

    def _read(self, manifest: Manifest) -> Known[Offer] | None:
        try:
            spec = ProposalSpec.model_validate(manifest.get("spec"))
        except ValidationError:
            return None
        values = tuple(sorted((each.name, canonical_setting(each.value)) for each in spec.values))
        metadata = manifest["metadata"]
        offer = Offer(str(metadata.get("creationTimestamp", "")), metadata["name"], spec.proposer, values)
        return Known(
            (metadata["namespace"], spec.policy_ref.name), offer.name, offer, stored_conditions(manifest), self._clock()
        )


def conditions_of_fate(fate: Fate) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition that says what became of an offer."""
    accepted = "False" if fate.reason in REFUSED else "True"
    conditions = {ACCEPTED: (accepted, fate.reason.value)}
    if fate.reason in OVER:
        conditions[TRIED] = ("True", fate.reason.value)
    if fate.reason is FateReason.UNDER_TRIAL:
        conditions[TRIED] = ("Unknown", fate.reason.value)
    return conditions
