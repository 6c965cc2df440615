"""What a campaign, or a whole search, came to, in one word."""

from __future__ import annotations

from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.manual import ABORTED
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.state import Phase, RolloutState, Verdict


def outcome_reason(state: RolloutState) -> str:
    """What a campaign that is over came to, in one word."""
    assert state.decision is not None  # the phases of an end follow a decision
    if state.decision.reason == ABORTED:
        return "Aborted"
    if state.decision.reason in AFTER_PROMOTION:
        return "RolledBack"
    if state.search is not None:
        return _outcome_of_search(state.phase, state.search)
    match state.decision.verdict:
        case Verdict.PROMOTE:
            return "Promoted"
        case Verdict.RECOMMEND:
            return "Reported"
        case Verdict.ROLL_BACK:
            return "RolledBack"
        case Verdict.INCONCLUSIVE:
            return "Inconclusive"


def _outcome_of_search(phase: Phase, search: SearchProgress) -> str:
    """A search that certified nothing is rolled back where each of its settings was shown to be harmful."""
    if phase is not Phase.ROLLED_BACK:
        return "Promoted"
    harmful = bool(search.trials) and all(each.outcome.end is TrialEnd.HARMFUL for each in search.trials)
    return "RolledBack" if harmful else "Inconclusive"
