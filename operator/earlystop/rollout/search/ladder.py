"""A ladder of settings, from the most careful to the boldest: the next rung after a success, the one between after a
failure. Its risks are those of fixed-sequence testing with a failure budget (`evidence.ladder`)."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome

MOST_REQUESTS = 100_000


class Ladder:
    """Climbs one rung at a time."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        """The rung above the boldest certified one that has not been tried; None once failures are used up."""
        failures = sum(each.end is not TrialEnd.CERTIFIED for each in outcomes)
        if failures >= terms.failure_budget:
            return None
        order = sorted(range(len(settings)), key=lambda index: settings[index].place)
        tried = {each.setting for each in outcomes}
        certified = [order.index(each.setting) for each in outcomes if each.end is TrialEnd.CERTIFIED]
        above = order[max(certified, default=-1) + 1 :]
        following = next((index for index in above if index not in tried), None)
        if following is None:
            return None
        risk = terms.risk / 2.0 ** min(failures + 1, terms.failure_budget - 1)
        requests = MOST_REQUESTS if terms.requests is None else min(terms.requests, MOST_REQUESTS)
        return Proposal(following, risk, requests, f"{settings[following].name} is the next rung of the ladder.")


PROPOSER = Ladder()
