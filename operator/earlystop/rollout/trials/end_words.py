"""What people are told when a search is over: what was found, what is proven of it, what it saves, what was left
untried and why, and what they may do next. For every way in which a search by trials ends.

The sentences are stored in the status, whose room is `LONGEST`; those that can be read elsewhere are left out first.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.rollout.decision import AFTER_PROMOTION, GUARD_ALARM
from earlystop.rollout.formatting import in_points
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.progress import Incumbent, SearchProgress
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.trials.clock import has_time_for_a_trial
from earlystop.rollout.trials.end_reasons import BUDGET_USED, ENDED_BY_PERSON, RISK_USED

LONGEST = 1024
"""Characters of a message in the status, and of an event."""
MOST_NAMED = 3
"""Settings that a sentence names; it counts the others."""


class Cause(Enum):
    """Why a search ends: for what reason no other trial follows."""

    ALL_TRIED = "every setting was tried"
    FAILURES_USED = "as many trials have failed as may (search.failureBudget)"
    NOT_WORTH_IT = "no other setting is worth a trial"
    REQUESTS_USED = "its requests are used up, or suffice for no other trial (search.budget.requests)"
    TIME_USED = "its time is used up, or suffices for no other trial (search.budget.seconds)"
    RISK_USED = "a further trial would exceed its risk (objective.risk.promote)"
    PERSON = "a person ended it"
    ALARM = "the guard showed harm"
    LAPSE = "the certificate has lapsed"


FOR_MORE = {
    Cause.FAILURES_USED: "A larger search.failureBudget begins another search, which may try more.",
    Cause.NOT_WORTH_IT: "If the setting will serve more than search.horizonRequests, write a larger number: another "
    "search begins, in which more trials are worth it.",
    Cause.REQUESTS_USED: "A larger search.budget.requests begins another search, which may try more.",
    Cause.TIME_USED: "A larger search.budget.seconds begins another search, which may try more.",
    Cause.RISK_USED: "Retry the policy for another search.",
    Cause.PERSON: "Retry the policy for another search, in which nothing of this one counts.",
    Cause.ALARM: "See what has changed since the proof, then retry the policy; no search begins by itself.",
    Cause.LAPSE: "Retry the policy for another search, which proves the setting anew.",
}
MORE_CAREFUL = (
    "Each setting that was tried is harmful: write more careful ones, or a larger objective.exactMatch.margin if users "
    "can do with it."
)
MORE_REQUESTS = (
    "kubectl earlystop plan says how many requests such a setting takes; write settings that differ more from the "
    "baseline, or give the trials more time."
)


def cause_of(plan: Plan, progress: SearchProgress, reason: str, at: int) -> Cause:
    """Why no other trial follows. reason: of `end_reasons`, or of a decision after the promotion. at: moment of the
    end, in Unix seconds."""
    if reason in AFTER_PROMOTION:
        return Cause.ALARM if reason == GUARD_ALARM else Cause.LAPSE
    if reason == ENDED_BY_PERSON:
        return Cause.PERSON
    if reason == RISK_USED:
        return Cause.RISK_USED
    budget = None if plan.spec.search is None else plan.spec.search.budget
    if reason == BUDGET_USED:
        by_requests = budget is not None and budget.requests is not None
        return Cause.REQUESTS_USED if by_requests and has_time_for_a_trial(plan.spec, progress, at) else Cause.TIME_USED
    if not _untried(plan, progress):
        return Cause.ALL_TRIED
    failed = sum(each.outcome.end is not TrialEnd.CERTIFIED for each in progress.trials)
    search = plan.spec.search
    is_spent = search is not None and not search.traits.takes_proposals and failed >= search.failure_budget
    return Cause.FAILURES_USED if is_spent else Cause.NOT_WORTH_IT


def end_message(plan: Plan, progress: SearchProgress, reason: str, at: int, decided: str = "", below: str = "") -> str:
    """All that is said of a search that is over.

    plan: of its last trial. progress: with the setting that serves from now on as its incumbent, None for the baseline
    or where a person's choice serves. reason, at: as in `cause_of`. decided: the sentence of the decision that ended
    it, where a person or a guard did; below: a sentence on the floor, with a blank before it; each "" for none.
    """
    cause = cause_of(plan, progress, reason, at)
    requests = counted(progress.requests, "compared request", "compared requests")
    after = f"after {counted(len(progress.trials), 'trial')} and {requests}"
    by_rank = [
        (1, decided),
        (0, f"The search ended {after}: {cause.value}."),
        (2, _found(plan, progress, cause)),
        (5, _tried(plan, progress)),
        (6, _left(plan, progress, cause)),
        (3, _next(plan, progress, cause)),
        (4, below.strip()),
    ]
    return _fitting(by_rank)


def _found(plan: Plan, progress: SearchProgress, cause: Cause) -> str:
    """Which setting serves, and what is proven of it."""
    best = progress.incumbent
    if best is not None:
        return (
            f"Setting {best.name} is the best proven one and serves all requests; it is proven to lose less than "
            f"{counted(in_points(plan.objective.margin), 'point of EM', 'points of EM')} and to save at least "
            f"{100 * best.least_saving:.3g} % of the tokens{_measured(progress, best)}."
        )
    if cause in (Cause.PERSON, Cause.ALARM, Cause.LAPSE):
        return ""
    return "No setting was certified, so the baseline serves all requests and nothing is saved."


def _measured(progress: SearchProgress, best: Incumbent) -> str:
    """What its trial has measured; "" for a setting of an earlier search."""
    saving = next((each.outcome.saving for each in reversed(progress.trials) if each.name == best.name), None)
    if saving is None:
        return ""
    return f", and seems to save {100 * saving.mean:z.1f} ± {rounded_percent(saving.error, 1)}"


def _tried(plan: Plan, progress: SearchProgress) -> str:
    """What came of the settings other than the one that serves, and which trial an outage has interrupted for good."""
    best = "" if progress.incumbent is None else progress.incumbent.name
    words = (
        (TrialEnd.CERTIFIED, "Proven too" if best else "Proven"),
        (TrialEnd.HARMFUL, "Harmful"),
        (TrialEnd.INCONCLUSIVE, "Without a verdict"),
    )
    groups = [
        (word, [each.name for each in progress.trials if each.outcome.end is end and each.name != best])
        for end, word in words
    ]
    groups.append(("Interrupted by an outage", _interrupted(plan, progress)))
    return " ".join(f"{word}: {_names(names)}." for word, names in groups if names)


def _interrupted(plan: Plan, progress: SearchProgress) -> list[str]:
    """The setting of a trial that has no outcome, which the plan names."""
    tried = {each.name for each in progress.trials}
    return [] if plan.trial is None or plan.trial.name in tried else [plan.trial.name]


def _left(plan: Plan, progress: SearchProgress, cause: Cause) -> str:
    """The settings that were left untried, and why."""
    left = _untried(plan, progress)
    if not left:
        return ""
    if cause is Cause.NOT_WORTH_IT:
        return f"Not tried, since what may be saved more is not worth the requests: {_names(left)}."
    if cause in (Cause.ALARM, Cause.LAPSE):  # the trials were over before
        return f"Not tried: {_names(left)}."
    return f"Not tried for that reason: {_names(left)}."


def _untried(plan: Plan, progress: SearchProgress) -> list[str]:
    tried = {each.name for each in progress.trials} | {*_interrupted(plan, progress)}
    return [each.name for each in settings_of(plan.spec) if each.name not in tried]


def _leaves_more_careful(plan: Plan, progress: SearchProgress) -> bool:
    """Whether a setting was left untried that is at most as bold in every parameter as one that was tried."""
    left, tried = _untried(plan, progress), {each.name for each in progress.trials}
    settings = settings_of(plan.spec)
    bounds = [each.place for each in settings if each.name in tried]
    places = [each.place for each in settings if each.name in left]
    return any(all(one <= most for one, most in zip(place, bound, strict=True)) for place in places for bound in bounds)


def _next(plan: Plan, progress: SearchProgress, cause: Cause) -> str:
    """A sentence on what a person may do now that the search is over."""
    if cause in (Cause.PERSON, Cause.ALARM, Cause.LAPSE):
        return FOR_MORE[cause]
    for_more = FOR_MORE.get(cause, "") if _untried(plan, progress) else ""  # another search would try no others
    if progress.incumbent is not None:
        return f"Commit status.certified. {for_more}".strip()
    found = [each.outcome.end for each in progress.trials]
    if found and all(each is TrialEnd.HARMFUL for each in found) and not _leaves_more_careful(plan, progress):
        return MORE_CAREFUL
    return for_more or MORE_REQUESTS


def _names(names: Sequence[str]) -> str:
    """The first of some settings by name, and how many others there are."""
    named, others = names[:MOST_NAMED], len(names) - MOST_NAMED
    return ", ".join(named) + (f" and {counted(others, 'other')}" if others > 0 else "")


def _fitting(by_rank: Sequence[tuple[int, str]]) -> str:
    """Sentences in their order, as many as there is room for, by rank: the smallest is kept first."""
    kept: set[int] = set()
    for at in sorted(range(len(by_rank)), key=lambda index: by_rank[index][0]):
        with_it = sorted(kept | {at})
        if len(_joined(by_rank, with_it)) <= LONGEST:
            kept.add(at)
    return _joined(by_rank, sorted(kept))


def _joined(by_rank: Sequence[tuple[int, str]], chosen: Sequence[int]) -> str:
    return " ".join(by_rank[index][1] for index in chosen if by_rank[index][1])
