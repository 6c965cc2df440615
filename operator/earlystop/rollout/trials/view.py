"""What decides about proposals to a policy's search, or why it tries none."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.outages import is_interrupted
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import SearchView
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import Setting
from earlystop.rollout.state import BETWEEN_TRIALS, RolloutState
from earlystop.rollout.trials.sequence import is_due_again


def search_view(spec: PolicySpec, state: RolloutState, retry: str, now: int) -> SearchView | str:
    """What decides about proposals to a policy; a sentence where it tries none. retry: as in `plan.plan_text`. now:
    Unix seconds. A search that is asked for, or due again, begins with the first proposal: no earlier trial counts."""
    search = spec.search
    if search is None or not search.traits.takes_proposals:
        return (
            "The policy tries no proposals. Name one whose search.strategy is External, or ask its owner to write that."
        )
    try:
        settings = settings_of(spec)
    except ValueError as problem:
        return f"The policy's search has nothing to try: {problem}."
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry) and not is_due_again(state, spec, now)
    progress = state.search if is_same else None
    closed = ""
    if progress is not None and progress.ended is not None:
        closed = f"The search is over. {progress.ended.message} Propose again once another search has begun."
    outcomes = () if progress is None else progress.outcomes
    return SearchView(
        settings=settings,
        baseline=spec.baseline_settings(),
        outcomes=outcomes,
        failure_budget=search.failure_budget,
        trying=_under_trial(state, settings) if is_same else None,
        requests=None if search.budget is None else search.budget.requests,
        closed=closed,
    )


def _under_trial(state: RolloutState, settings: tuple[Setting, ...]) -> WaitingOffer | None:
    trial = None if state.plan is None else state.plan.trial
    is_over = state.phase in BETWEEN_TRIALS and not is_interrupted(state)
    if trial is None or is_over:
        return None
    index = next((at for at, each in enumerate(settings) if each.name == trial.name), None)
    return None if index is None else WaitingOffer(index, trial.proposer, trial.proposal)


def no_such_policy(key: tuple[str, str]) -> str:
    """The sentence on proposals to a policy that nobody tracks. key: namespace and name."""
    namespace, name = key
    return f"There is no EarlyStopPolicy {name} in namespace {namespace}. Correct policyRef.name in another proposal."
