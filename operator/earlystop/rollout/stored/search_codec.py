"""A search as a status and a verdict store it, and back."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from earlystop.api.searches import SEARCHES
from earlystop.api.status.search import (
    IncumbentStatus,
    RecordedSearch,
    SearchEndStatus,
    SearchStatus,
    TrialStatus,
)
from earlystop.rollout.exposure import incumbent_weight
from earlystop.rollout.formatting import from_rfc3339, rfc3339, risk_text
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import Incumbent, SearchEnd, SearchProgress, TrialRecord, in_order, spent_risk
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import Belief, Estimate, TrialEnd, TrialOutcome
from earlystop.rollout.state import DECIDED, RolloutState
from earlystop.rollout.stored.settings import settings_text, values_of
from earlystop.rollout.trials.sequence import strategy_in, terms_of

LARGEST_ESTIMATE = 1e9
"""Estimates are far smaller, and their errors far larger than its inverse: with others nothing can be computed."""

MOST_REQUESTS = 10**15
"""Of a trial: a thousand times what a search may take at most."""

BETWEEN_SETTINGS, BETWEEN_NUMBERS = ";", ","


def search_status(state: RolloutState) -> SearchStatus | None:
    """The search of a campaign as its status says it; None outside of one."""
    progress, plan = state.search, state.plan
    if progress is None or plan is None or plan.trial is None:
        return None
    is_over = state.phase in DECIDED and bool(progress.trials) and progress.trials[-1].revision == state.revision
    ended = progress.ended
    return SearchStatus(
        number=progress.number,
        started_at=rfc3339(progress.started_at),
        seed=progress.seed,
        resumes=progress.resumes or None,
        belief=belief_text(progress.belief),
        why=progress.reason,
        trials=trials_text(progress.trials),
        requests=progress.requests,
        risk=risk_text(terms_of(plan.spec, progress, plan.attempt, plan.used).risk),
        risk_spent=risk_spent_text(plan, progress.outcomes, 0.0 if is_over else plan.trial.risk),
        incumbent=_incumbent(progress.incumbent, incumbent_weight(state), state, is_over),
        ended=None
        if ended is None
        else SearchEndStatus(reason=ended.reason, message=ended.message, at=rfc3339(ended.at)),
        interruptions=progress.interruptions or None,
    )


def restore_search(stored: SearchStatus | None, plan: Plan) -> SearchProgress | None:
    """Inverse of `search_status`. Raises ValueError for a search of other settings than the plan's."""
    if stored is None:
        return None
    if plan.trial is None or plan.trial.search != stored.number:
        raise ValueError(f"status.search is search {stored.number}, of which status.plan is no trial")
    names = [each.name for each in settings_of(plan.spec)]
    incumbent, ended = stored.incumbent, stored.ended
    return SearchProgress(
        number=stored.number,
        started_at=from_rfc3339(stored.started_at),
        seed=stored.seed,
        belief=restore_belief(stored.belief, len(names)),
        resumes=stored.resumes or "",
        trials=restore_trials(stored.trials, names),
        incumbent=None
        if incumbent is None
        else Incumbent(incumbent.name, in_order(values_of(incumbent.values)), float(incumbent.least_saving)),
        reason=stored.why,
        ended=None if ended is None else SearchEnd(ended.reason, ended.message, from_rfc3339(ended.at)),
        interruptions=stored.interruptions or 0,
    )


def recorded_search(state: RolloutState) -> RecordedSearch | None:
    """What the verdict of a trial says of its search: the trials before it alone, also once its own is noted."""
    progress, plan = state.search, state.plan
    if progress is None or plan is None or plan.trial is None:
        return None
    earlier = progress.trials[: plan.trial.number - 1]
    outcomes = tuple(each.outcome for each in earlier)
    strategy = strategy_in(plan.spec)
    return RecordedSearch(
        strategy=strategy,
        version=plan.trial.version,
        number=progress.number,
        trial=plan.trial.number,
        seed=progress.seed,
        resumes=progress.resumes or None,
        belief=belief_text(progress.belief),
        why=progress.reason,
        earlier=trials_text(earlier),
        risk=risk_text(terms_of(plan.spec, progress, plan.attempt, plan.used).risk),
        risk_spent=risk_spent_text(plan, outcomes, plan.trial.risk),
    )


def risk_spent_text(plan: Plan, outcomes: tuple[TrialOutcome, ...], trying: float) -> str:
    """What is spent of a search's risk after these trials, and with one at risk `trying` that is under way."""
    free = SEARCHES[strategy_in(plan.spec)].certified_are_free
    proposer = "" if plan.trial is None else plan.trial.proposer
    return risk_text(spent_risk(outcomes, trying, certified_are_free=free, proposer=proposer))


def trials_text(trials: Iterable[TrialRecord]) -> tuple[TrialStatus, ...]:
    """Trials as a status stores them."""
    return tuple(
        TrialStatus(
            setting=each.name,
            end=each.outcome.end.value,
            risk=repr(each.outcome.risk),
            loss=None if each.outcome.loss is None else repr(each.outcome.loss.mean),
            loss_error=None if each.outcome.loss is None else repr(each.outcome.loss.error),
            saving=None if each.outcome.saving is None else repr(each.outcome.saving.mean),
            saving_error=None if each.outcome.saving is None else repr(each.outcome.saving.error),
            least_saving=None if each.least_saving is None else repr(each.least_saving),
            requests=each.outcome.requests,
            revision=each.revision,
            proposer=each.outcome.proposer or None,
        )
        for each in trials
    )


def restore_trials(stored: Iterable[TrialStatus], names: list[str]) -> tuple[TrialRecord, ...]:
    """Inverse of `trials_text`. names: of the search's settings. Raises ValueError for another setting."""
    trials = []
    for each in stored:
        if each.setting not in names:
            raise ValueError(f"a trial was of {each.setting}, which the plan's search has not")
        outcome = TrialOutcome(
            setting=names.index(each.setting),
            end=TrialEnd(each.end),
            risk=_finite(each.risk),
            loss=_estimate(each.loss, each.loss_error),
            saving=_estimate(each.saving, each.saving_error),
            requests=_requests(each.requests),
            proposer=each.proposer or "",
        )
        saving = None if each.least_saving is None else _finite(each.least_saving)
        trials.append(TrialRecord(each.setting, outcome, saving, each.revision))
    return tuple(trials)


def belief_text(belief: Belief | None) -> str | None:
    """A belief as short text: for each setting mean and error of loss and saving, nothing where it says nothing."""
    if belief is None:
        return None
    rows = zip(belief.loss, belief.saving, strict=True)
    return BETWEEN_SETTINGS.join(BETWEEN_NUMBERS.join((*_numbers(loss), *_numbers(saving))) for loss, saving in rows)


def restore_belief(text: str | None, settings: int) -> Belief | None:
    """Inverse of `belief_text`. Raises ValueError for text of another number of settings."""
    if text is None:
        return None
    rows = [row.split(BETWEEN_NUMBERS) for row in text.split(BETWEEN_SETTINGS)]
    if len(rows) != settings or any(len(row) != 4 for row in rows):
        raise ValueError(f"status.search.belief is of {len(rows)} settings, and the search has {settings}")
    loss = tuple(_estimate(row[0] or None, row[1] or None) for row in rows)
    return Belief(loss, tuple(_estimate(row[2] or None, row[3] or None) for row in rows))


def _incumbent(incumbent: Incumbent | None, weight: int, state: RolloutState, is_over: bool) -> IncumbentStatus | None:
    if incumbent is None:
        return None
    serves_as_candidate = is_over and state.pinned_plan.incumbent != incumbent
    return IncumbentStatus(
        name=incumbent.name,
        values=settings_text(dict(incumbent.values)),
        least_saving=repr(incumbent.least_saving),
        weight=100 if serves_as_candidate else weight,
    )


def _numbers(estimate: Estimate | None) -> tuple[str, str]:
    return ("", "") if estimate is None else (f"{estimate.mean:.6g}", f"{estimate.error:.6g}")


def _estimate(mean: str | None, error: str | None) -> Estimate | None:
    if mean is None or error is None:
        return None
    estimate = Estimate(_finite(mean), _finite(error))
    if abs(estimate.mean) > LARGEST_ESTIMATE or not 1 / LARGEST_ESTIMATE <= estimate.error <= LARGEST_ESTIMATE:
        raise ValueError(f"{mean} with an error of {error} is no estimate of a search")
    return estimate


def _requests(number: int) -> int:
    if not 0 <= number <= MOST_REQUESTS:
        raise ValueError("a trial took more requests than there can be")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number of a search")
    return number
