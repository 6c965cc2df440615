"""What people are told of a search: where it stands, what is tried now and why, and what came of trials."""

from __future__ import annotations

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.rollout.exposure import incumbent_weight
from earlystop.rollout.formatting import in_settings, rfc3339
from earlystop.rollout.outages import goes_on_at, is_interrupted
from earlystop.rollout.search.progress import SearchProgress, TrialRecord
from earlystop.rollout.search.trial import Estimate, TrialEnd
from earlystop.rollout.state import RolloutState

ENDS = {
    TrialEnd.CERTIFIED: "is proven",
    TrialEnd.HARMFUL: "is proven to be harmful",
    TrialEnd.INCONCLUSIVE: "ended without a verdict",
}


def trial_sentence(record: TrialRecord) -> str:
    """The sentence on what came of a trial."""
    found = record.outcome
    loss = "no answers were compared" if found.loss is None else f"it loses {_points(found.loss)} points of EM"
    saving = "" if found.saving is None else f" and saves {_percent(found.saving)} of the tokens"
    return f"Setting {record.name} {ENDS[found.end]}: {loss}{saving}, from {found.requests:,} compared requests."


def trial_phrase(state: RolloutState) -> str:
    """Which trial of the search the campaign is, why it is made and who serves meanwhile, with a blank before it; ""
    outside of a search."""
    trial, progress = state.pinned_plan.trial, state.search
    if trial is None or progress is None:
        return ""
    incumbent = trial.incumbent
    serves = "" if incumbent is None else f" {incumbent.name} serves {incumbent_weight(state)} % meanwhile."
    return f" Trial {trial.number} of search {progress.number}: {progress.reason}.{serves}"


def choosing_sentence(state: RolloutState) -> str:
    """The sentence on how far a search is, between two trials."""
    progress = state.search
    if is_interrupted(state):
        return interrupted_sentence(state)
    assert progress is not None and progress.trials  # only a search has this phase, and only after a trial
    return (
        f"{trial_sentence(progress.trials[-1])} The next trial of search {progress.number} begins by itself, unless "
        f"the policy is suspended or refused; {_serving(progress)} meanwhile."
    )


def interrupted_sentence(state: RolloutState) -> str:
    """What an outage has interrupted, and when it goes on."""
    progress, trial = state.search, state.pinned_plan.trial
    assert progress is not None and trial is not None  # the caller asked
    return (
        f"Trial {trial.number} of search {progress.number} is interrupted, since counts could not be read: that says "
        f"nothing of {trial.name} and spends nothing. It goes on at {rfc3339(goes_on_at(state))} with the evidence so "
        f"far, unless the search ends or the policy is suspended; {_serving(progress)} meanwhile."
    )


def started_sentence(state: RolloutState, settings: int) -> str:
    """What a search that begins may try."""
    progress, plan = state.search, state.pinned_plan
    assert progress is not None and plan.spec.search is not None  # the caller has seen it
    return (
        f"Search {progress.number} ({plan.spec.search.strategy}) looks among {counted(settings, 'setting')} for "
        "the one that "
        f"saves most, against the baseline {in_settings(plan.baseline_settings)}."
    )


def _serving(progress: SearchProgress) -> str:
    best = progress.incumbent
    return "the baseline serves all requests" if best is None else f"{best.name} serves all requests"


def _points(estimate: Estimate) -> str:
    return f"{100 * estimate.mean:z.2f} ± {100 * estimate.error:.2f}"


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.mean:z.1f} ± {rounded_percent(estimate.error, 1)}"
