"""What a new campaign gives up, said before somebody asks for one: pure."""

from __future__ import annotations

from collections.abc import Iterator

from earlystop.api.plurals import counted
from earlystop.rollout.exposure import PROMOTED, incumbent_weight, served, serves_classes
from earlystop.rollout.serving import Served
from earlystop.rollout.state import DECIDED, TRYING, Phase, RolloutState


def given_up(state: RolloutState) -> tuple[str, ...]:
    """A sentence for each thing that a policy has and that its next campaign begins without; none where its last
    campaign is over and nothing that it found serves."""
    return tuple(_given_up(state))


def is_open(state: RolloutState) -> bool:
    """Whether a campaign is under way that has no decision yet."""
    return state.phase in TRYING or state.phase is Phase.SUSPENDED


def _given_up(state: RolloutState) -> Iterator[str]:
    if is_open(state):
        looks = state.most_looks
        counts = f", and its {counted(looks, 'look')} {'is' if looks == 1 else 'are'} evidence no more" if looks else ""
        yield f"Campaign {state.revision} ends without a verdict{counts}."
    if state.awaiting is not None:
        yield "Its decision, which waits now, is not carried out."
    if state.search is not None and state.search.ended is None:
        trials = len(state.search.trials)
        after = f" after {counted(trials, 'trial')}" if trials else ""
        yield f"Its search ends{after}, and another begins."
    if _serves_what_was_promoted(state):
        yield "What was promoted gives its requests back to the baseline, and serves no more until it is proven again."


def _serves_what_was_promoted(state: RolloutState) -> bool:
    """Whether anything but the baseline serves by a decision: of this campaign, or of the search that it is part of."""
    is_decided = state.phase in DECIDED and served(state) is not Served.BASELINE
    by_class = state.phase in PROMOTED and serves_classes(state)
    return is_decided or by_class or incumbent_weight(state) > 0
