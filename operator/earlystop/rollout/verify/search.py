"""Whether the verdict of a trial is of the trial that its search called for, at the risk that it called for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from earlystop.api.plurals import counted
from earlystop.api.searches import SEARCHES
from earlystop.api.status.search import RecordedSearch
from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.formatting import risk_text
from earlystop.rollout.outages import interrupts
from earlystop.rollout.plan import Plan, parse_plan
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.progress import Incumbent, SearchProgress, in_order
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.stored.search_codec import restore_belief, restore_trials, risk_spent_text
from earlystop.rollout.trials.sequence import next_proposal, seed_of, strategy_in, terms_of, trial_of
from earlystop.rollout.verify.earlier_verdict import EarlierVerdict, trial_row
from earlystop.rollout.verify.earlier_words import sentence_pattern


def search_differences(record: VerdictSpec, plan: Plan) -> list[str]:
    """Where a trial is not the one that follows from what its proposer was told, one sentence each; none where the
    campaign is no trial. What an earlier version of a strategy proposed is recomputed; what a newer one did cannot be.
    """
    told, trial = record.search, plan.trial
    if told is None or trial is None:
        return [] if told is None and trial is None else ["The record and its plan disagree on whether it is a trial."]
    strategy = strategy_in(plan.spec)
    if told.strategy != strategy:
        return [f"The record names strategy {told.strategy}, and its plan {strategy}."]
    if told.version != trial.version:
        return [f"The record names version {told.version} of strategy {strategy}, and its plan {trial.version}."]
    if told.version > SEARCHES[strategy].version:
        return [
            f"Version {told.version} of strategy {strategy} proposed this trial, and this release has version "
            f"{SEARCHES[strategy].version} and those before it; verify it with the release that wrote it."
        ]
    if (told.number, told.trial) != (trial.search, trial.number) or len(told.earlier) != trial.number - 1:
        return ["The record and its plan disagree on which trial of which search it is."]
    try:
        progress = _recorded_progress(told, plan)
    except ValueError as error:
        return [f"What the proposer was told cannot be read: {error}."]
    return [
        *_seed_differences(record, told),
        *_proposal_differences(told, plan, progress),
        *_ledger_differences(told, plan, progress),
    ]


def _seed_differences(record: VerdictSpec, told: RecordedSearch) -> list[str]:
    """A policy's first campaign is the first trial of a search, whose seed follows from the same random text as its
    revision. A later campaign may have begun anew after its search did."""
    if record.campaign > 1 or not record.entropy or told.seed == seed_of(record.entropy):
        return []
    return ["The seed of the search does not follow from the random text of the campaign with which it began."]


def _recorded_progress(told: RecordedSearch, plan: Plan) -> SearchProgress:
    names = [each.name for each in settings_of(plan.spec)]
    return SearchProgress(
        number=told.number,
        started_at=0,
        seed=told.seed,
        belief=restore_belief(told.belief, len(names)),
        resumes=told.resumes or "",
        trials=restore_trials(told.earlier, names),
        reason=told.why,
    )


def _proposal_differences(told: RecordedSearch, plan: Plan, progress: SearchProgress) -> list[str]:
    """The proposal once more, and the incumbent that the earlier trials leave."""
    trial = plan.trial
    assert trial is not None  # the caller asked
    spec = plan.spec
    proposal = next_proposal(spec, progress, plan.attempt, plan.used, _proposed(plan), trial.version)
    if isinstance(proposal, str):
        return [f"After the earlier trials the search was over ({proposal}), yet this one was made."]
    expected = trial_of(spec, replace(progress, incumbent=_incumbent_after(plan, progress)), proposal, trial.version)
    problems = []
    if expected != trial:
        problems.append(f"What was known calls for {_phrase(expected)}; the plan has {_phrase(trial)}.")
    names = [each.name for each in settings_of(spec)]
    if re.fullmatch(sentence_pattern(proposal.reason, names), told.why) is None:
        problems.append("The sentence on why this setting was tried is not the proposer's.")
    return problems


def _phrase(trial: TrialPlan) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in trial.values)
    serves = (
        "the baseline" if trial.incumbent is None else f"{trial.incumbent.name} at {trial.incumbent_weight} % or more"
    )
    return (
        f"a trial of {trial.name} ({settings}) at risk {trial.risk:g} with {counted(trial.requests, 'request')}, "
        f"while {serves} "
        "serves"
    )


def _proposed(plan: Plan) -> tuple[WaitingOffer, ...]:
    """What others proposed, where that decided: of which offers waited beside it no record tells, but its risk and
    requests follow from the trials before it alone."""
    trial = plan.trial
    assert trial is not None  # the caller asked
    if not trial.proposer:
        return ()
    index = next((at for at, each in enumerate(settings_of(plan.spec)) if each.name == trial.name), 0)
    return (WaitingOffer(index, trial.proposer, trial.proposal),)


def _incumbent_after(plan: Plan, progress: SearchProgress) -> Incumbent | None:
    """The setting that serves after trials: the certified one with the largest proven saving. What an earlier search
    has proven of the one that it left, no record of this search tells."""
    best = None
    if progress.resumes and not progress.trials:
        found = plan.incumbent
        is_that = found is not None and found.name == progress.resumes
        best = found if is_that else Incumbent(progress.resumes, (), 0.0)
    for each in progress.trials:
        if each.least_saving is None:
            best = None if best is not None and best.name == each.name else best
        elif best is None or best.name == each.name or each.least_saving > best.least_saving:
            best = Incumbent(each.name, _values(plan, each.name), each.least_saving)
    return best


def _values(plan: Plan, name: str) -> tuple[tuple[str, str], ...]:
    """Value of each parameter at a setting of the search."""
    (setting,) = (each for each in settings_of(plan.spec) if each.name == name)
    return in_order(plan.spec.baseline_settings() | dict(setting.values))


def _ledger_differences(told: RecordedSearch, plan: Plan, progress: SearchProgress) -> list[str]:
    """Differences between the recorded ledger of risk and the one worked out anew, as sentences."""
    trial = plan.trial
    assert trial is not None  # the caller asked
    whole = risk_text(terms_of(plan.spec, progress, plan.attempt, plan.used).risk)
    spent = risk_spent_text(plan, progress.outcomes, trial.risk)
    if (told.risk, told.risk_spent) == (whole, spent):
        return []
    return [f"The ledger says {told.risk_spent} of {told.risk} is spent; the trials give {spent} of {whole}."]


def earlier_trial_differences(spec: Mapping[str, Any], before: Sequence[EarlierVerdict]) -> list[str]:
    """Where what a trial says of the trials before it does not follow from their verdicts, one sentence each.

    before: the verdicts before it, the first one first. Raises ValueError when one is not a verdict.
    """
    record = VerdictSpec.model_validate(spec)
    if record.search is None:
        return []
    verdicts = {each.record.revision: each for each in before}
    records = [each.record for each in verdicts.values()]
    problems = _other_searches(record.search, records)
    for each in record.search.earlier:
        verdict = verdicts.get(each.revision)
        if verdict is None:
            problems.append(f"The verdict of the trial of {each.setting}, with revision {each.revision}, is not there.")
        elif verdict.row != each:
            problems.append(f"The trial of {each.setting} did not come to what the record says of it.")
    return [*problems, *_left_out(record, record.search, records)]


def progress_after(record: VerdictSpec, plan: Plan) -> SearchProgress:
    """Where the search of a trial stands once the trial's outcome is noted, by its verdict alone: moments, and what an
    earlier search has proven, no record tells. Raises ValueError for the verdict of no trial, or of other settings."""
    if record.search is None:
        raise ValueError("the verdict is of no trial of a search")
    told = record.search.model_copy(update={"earlier": (*record.search.earlier, trial_row(record))})
    progress = _recorded_progress(told, plan)
    return replace(progress, incumbent=_incumbent_after(plan, progress))


def _other_searches(told: RecordedSearch, before: Iterable[VerdictSpec]) -> list[str]:
    """Trials of one search are drawn by one seed, and begin with the same knowledge."""
    trials = (each for each in before if each.search is not None and each.search.number == told.number)
    return [
        f"The trial of {each.candidate} names another seed, or knew other things, than this one of the same search."
        for each in trials
        if each.search and (each.search.seed, each.search.belief) != (told.seed, told.belief)
    ]


def _left_out(record: VerdictSpec, told: RecordedSearch, before: Iterable[VerdictSpec]) -> list[str]:
    """The trials of the same search that have verdicts and that the record does not know of: what they spent would not
    be counted. One that was interrupted by an outage goes on with its looks, else it would be tried twice at one risk.
    """
    known, problems = {each.revision for each in told.earlier}, []
    for each in before:
        if each.search is None or each.search.number != told.number or each.revision == record.revision:
            continue
        if not interrupts(parse_plan(each.plan), each.reason, has_looks=bool(each.looks)):
            if each.revision not in known:
                problems.append(f"The trial of {each.candidate}, with revision {each.revision}, is left out.")
        elif each.search.trial == told.trial and record.looks[: len(each.looks)] != each.looks:
            problems.append(f"The trial of {each.candidate} goes on without the looks of revision {each.revision}.")
    return problems
