"""Which requests each variant shall have, as a state says: their weights, and what is judged without having any."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.wire import INCUMBENT
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.plan import StageKind
from earlystop.rollout.serving import Served, served_after
from earlystop.rollout.state import DECIDED, TRYING, WITHOUT_CANDIDATE, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of

PROMOTED = frozenset({Phase.PROMOTING, Phase.PROMOTED})


def weights(state: RolloutState) -> tuple[int, ...] | None:
    """Percent of traffic that the baseline and each candidate of the plan, in its order, shall have; None before a
    campaign. With `incumbent_weight` their sum is 100."""
    if state.phase == Phase.PENDING:
        return None
    if state.pinned_plan.trial is not None:
        return _weights_in_search(state)
    plan = state.pinned_plan
    percents: Mapping[str, int] = {}
    if state.is_guarded:
        percents = {serving(state): 100 - _held_back(state)}
    elif state.phase in PROMOTED and plan.spec.delivery.traits.promotes_target:
        # Its Pods were enough for this share. It goes to them until the target has what was promoted.
        percents = {state.leader: strategy_of(plan).weights(plan, state).get(state.leader, 0)}
    elif state.phase in PROMOTED and serves_classes(state):
        percents = {}  # each class by itself, and all other requests get the baseline
    elif state.phase in PROMOTED:
        percents = {state.leader: 100}
    elif state.phase not in WITHOUT_CANDIDATE and not state.is_held:
        percents = strategy_of(plan).weights(plan, state)
    of_candidates = tuple(percents.get(name, 0) for name in plan.names)
    return (100 - sum(of_candidates), *of_candidates)


def incumbent_weight(state: RolloutState) -> int:
    """Percent of traffic that the best certified setting of a search shall have; 0 where there is none."""
    if state.phase == Phase.PENDING:
        return 0
    if state.phase in DECIDED:
        return 100 - _held_back(state) if served(state) is Served.INCUMBENT else 0
    if state.is_held:
        return 0 if state.pinned_plan.incumbent is None else 100
    return state.pinned_plan.incumbent_weight(state.step)


def _weights_in_search(state: RolloutState) -> tuple[int, int]:
    """The weights of the baseline and of the setting under trial, percent of all requests: together what an incumbent
    leaves. Once it is decided, one setting has all that a guard does not hold back."""
    plan = state.pinned_plan
    if state.phase in DECIDED:
        serves, held_back = served(state), _held_back(state)
        if serves is Served.BASELINE:
            return 100, 0
        return held_back, (100 - held_back) * (serves is Served.CANDIDATE)
    if state.is_held:
        return 100 - incumbent_weight(state), 0
    candidate = plan.stage(state.step).weight
    return 100 - plan.incumbent_weight(state.step) - candidate, candidate


def _held_back(state: RolloutState) -> int:
    """Percent of requests that a guard keeps on the baseline."""
    return state.guard.holdback if state.guard is not None and state.is_guarded else 0


def served(state: RolloutState) -> Served:
    """Whose setting serves by the decision of a campaign; the baseline's before one."""
    if state.decision is None:
        return Served.BASELINE
    return served_after(state.pinned_plan, state.comparison(state.decision.candidate), state.decision)


def serving(state: RolloutState) -> str:
    """Name of the candidate that serves after a promotion: the promoted one, unless a guard lets a more careful one
    serve while there is little load."""
    return (state.guard.busy.serves if state.guard is not None and state.is_guarded else "") or state.leader


def promoted_label(state: RolloutState) -> str:
    """Label in headers and metrics of the one setting that serves after a promotion, a search's incumbent among others;
    "" before a promotion, and where query classes have settings of their own."""
    if state.phase in PROMOTED and incumbent_weight(state):
        return INCUMBENT
    name = promoted(state)
    return state.pinned_plan.label_of(name) if name else ""


def promoted(state: RolloutState) -> str:
    """Name of the candidate that serves all requests but those held back, "" before a promotion and where an incumbent
    does."""
    if state.phase not in PROMOTED or serves_classes(state):
        return ""
    return "" if incumbent_weight(state) else serving(state)


def serves_classes(state: RolloutState) -> bool:
    """Whether the decision gives query classes settings of their own."""
    return state.decision is not None and state.decision.reason == BY_CLASS


def shadowed(state: RolloutState) -> tuple[str, ...]:
    """Names of the candidates that the server shall judge on the baseline's requests. One that is dropped stays: no
    user sees it, and to take it off would change the route."""
    if state.phase not in TRYING | {Phase.SUSPENDED, Phase.HOLDING, Phase.HELD}:
        return ()
    is_shadow = state.pinned_plan.stage(state.step).kind is StageKind.SHADOW
    return tuple(each.name for each in state.comparisons) if is_shadow else ()
