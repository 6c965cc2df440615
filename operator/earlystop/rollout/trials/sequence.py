"""A search as a sequence of trials, each a campaign: which is made next, what came of it, and when the search is over.

All of it follows from what the policy says and what stands in the state, so a crash at any point leads to the same end.
The proposer only says what is tried. What is certified, the evidence of each trial's campaign says.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.api.search import Search
from earlystop.evidence.multiple_testing import campaign_risk
from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.guard.room import sees_room
from earlystop.rollout.margin_use import MarginUse, part_of
from earlystop.rollout.outages import is_interrupted
from earlystop.rollout.pinned_baseline import losses_without
from earlystop.rollout.plan import Plan, parse_plan, plan_text
from earlystop.rollout.search.external import WaitingOffer, has_share_for_nobody
from earlystop.rollout.search.patience import wait_of
from earlystop.rollout.search.progress import Incumbent, SearchEnd, SearchProgress, TrialRecord, in_order, spent_risk
from earlystop.rollout.search.proposers import proposer_of
from earlystop.rollout.search.space import settings_of
from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms
from earlystop.rollout.search.trial_plan import TrialPlan
from earlystop.rollout.search.trial_shares import candidate_part, gives_up, is_uneven, weight_beside
from earlystop.rollout.search.worth import GIVES_UP_BELOW
from earlystop.rollout.serving import is_best, least_saving
from earlystop.rollout.state import Certified, Comparison, Decision, Phase, RolloutState, Verdict
from earlystop.rollout.trials.clock import has_time_for_a_trial, is_time_over
from earlystop.rollout.trials.end_reasons import BUDGET_USED, ENDED_BY_PERSON, ENDED_FOR_GOOD, NOTHING_LEFT, RISK_USED
from earlystop.rollout.trials.end_words import end_message
from earlystop.rollout.trials.outcome import outcome_of
from earlystop.rollout.words.floor_words import floor_above_baseline

WAITING = "WaitingForProposals"
"""No end: a search that others propose to goes on with the next proposal."""
WEEK_SECONDS = 604_800
SLACK = 1 + 1e-9
"""Parts of a risk that are added up again may differ from it in the last digits."""


def begin_search(
    spec: PolicySpec,
    before: RolloutState,
    now: int,
    entropy: str,
    belief: Belief | None,
    *,
    is_repeated: bool,
) -> SearchProgress:
    """A search before its first trial.

    before: the state so far. entropy: random text that the seed follows from. is_repeated: whether it begins again by
    itself: the setting that was certified last then serves, and is tried anew first.
    """
    last, names = before.search, {each.name for each in settings_of(spec)}
    incumbent = last.incumbent if last is not None and is_repeated else None
    incumbent = incumbent if incumbent is not None and incumbent.name in names else None
    return SearchProgress(
        number=1 if last is None else last.number + 1,
        started_at=now,
        seed=seed_of(entropy),
        belief=belief,
        resumes="" if incumbent is None else incumbent.name,
        incumbent=incumbent,
    )


def seed_of(entropy: str) -> int:
    """The seed of a search that begins with this random text, 0..2^32 - 1."""
    return int(hashlib.sha256(entropy.encode()).hexdigest()[:8], 16)


def terms_of(
    spec: PolicySpec, progress: SearchProgress, attempt: int, used: MarginUse, version: int | None = None
) -> SearchTerms:
    """What the search must keep to after the trials that are over. attempt, used: as in `plan.Plan`. version: of the
    strategy's arithmetic, None for this release's."""
    search, part = _search(spec), part_of(spec, used)
    version = search.traits.version if version is None else version
    most = None if search.budget is None else search.budget.requests
    return SearchTerms(
        margin=part.margin,
        minimum_saving=float(spec.objective.tokens.minimum_saving),
        risk=campaign_risk(part.risk, attempt, spec.objective.risk.campaigns),
        failure_budget=search.failure_budget,
        requests=None if most is None else max(0, most - progress.requests),
        horizon=search.horizon_requests,
        wait=wait_of(spec),
        candidate_part=candidate_part(spec, progress, version),
        version=version,
    )


def next_proposal(
    spec: PolicySpec,
    progress: SearchProgress,
    attempt: int,
    used: MarginUse,
    waiting: tuple[WaitingOffer, ...] = (),
    version: int | None = None,
) -> Proposal | str:
    """The trial that follows those that are over, or the reason why the search ends; `WAITING` where it waits for
    proposals. waiting: what others have proposed. version: as in `terms_of`.

    A proposal never gets more requests than are left, nor a risk beyond that of the search, whoever made it. A search
    that is repeated tries first what it certified before.
    """
    terms, search = terms_of(spec, progress, attempt, used, version), _search(spec)
    if terms.requests is not None and terms.requests < terms.per_look:
        return BUDGET_USED
    settings = settings_of(spec)
    if progress.resumes and not progress.trials and search.traits.takes_proposals:
        # The search itself asks for what it certified before, whoever proposes what.
        again = next(number for number, each in enumerate(settings) if each.name == progress.resumes)
        waiting = (WaitingOffer(again, "", ""), *waiting)
    proposer = proposer_of(search.strategy, waiting)
    proposal = proposer.propose(settings, progress.outcomes, terms, progress.belief, progress.seed)
    if proposal is None:
        tried = {each.setting for each in progress.outcomes}
        if not search.traits.takes_proposals or len(tried) >= len(settings):
            return NOTHING_LEFT
        return BUDGET_USED if has_share_for_nobody(progress.outcomes, terms) else WAITING
    if progress.resumes and not progress.trials:
        index = next(number for number, each in enumerate(settings) if each.name == progress.resumes)
        reason = f"{progress.resumes} was proven before, and no earlier evidence counts"
        proposal = replace(proposal, setting=index, reason=reason)
    free = search.traits.certified_are_free
    spent = spent_risk(progress.outcomes, proposal.risk, certified_are_free=free, proposer=proposal.proposer)
    if spent > terms.risk * SLACK:
        return RISK_USED
    left = proposal.requests if terms.requests is None else min(proposal.requests, terms.requests)
    return replace(proposal, requests=left)


def begin_trial(
    spec: PolicySpec,
    retry: str,
    progress: SearchProgress,
    proposal: Proposal,
    attempt: int,
    used: MarginUse,
    longest_answer: int | None = None,
) -> tuple[SearchProgress, Plan]:
    """The search and the plan of its next campaign. retry, longest_answer: as in `plan.plan_text`."""
    trial = trial_of(spec, progress, proposal)
    text = plan_text(spec, retry, attempt=attempt, used=used, trial=trial, longest_answer=longest_answer)
    return replace(progress, reason=proposal.reason), parse_plan(text)


def trial_of(spec: PolicySpec, progress: SearchProgress, proposal: Proposal, version: int | None = None) -> TrialPlan:
    """What the plan of the next campaign says of its trial. version: as in `terms_of`."""
    setting, incumbent, search = settings_of(spec)[proposal.setting], progress.incumbent, _search(spec)
    version = search.traits.version if version is None else version
    uneven = is_uneven(spec, version)
    if not spec.delivery.traits.by_weights:
        incumbent = None
    return TrialPlan(
        search=progress.number,
        number=len(progress.trials) + 1,
        name=setting.name,
        values=in_order(spec.baseline_settings() | dict(setting.values)),
        risk=proposal.risk,
        requests=proposal.requests,
        incumbent=incumbent,
        incumbent_weight=0 if incumbent is None else search.incumbent_weight,
        proposer=proposal.proposer,
        proposal=proposal.offer,
        version=version,
        candidate_weight=None if incumbent is None or not uneven else weight_beside(search.incumbent_weight, version),
        gives_up_below=GIVES_UP_BELOW if gives_up(spec, version) else 0.0,
    )


def after_trial(state: RolloutState) -> RolloutState:
    """The state once the decision about a trial is carried out: its outcome is noted, and either the next one follows
    or the search is over, with its best certified setting or with the baseline. One that an outage interrupted has no
    outcome yet; after an alarm of a guard or a lapse the search is over at the baseline."""
    plan, decision, progress = state.pinned_plan, state.decision, state.search
    assert plan.trial is not None and decision is not None and progress is not None  # the caller asked for them
    if is_interrupted(state):
        progress = replace(progress, interruptions=progress.interruptions + 1)
        if is_time_over(plan, progress, decision.at):
            return _over(state, progress, BUDGET_USED, decision.at)
        return replace(state, phase=Phase.CHOOSING, search=progress)
    if decision.reason in AFTER_PROMOTION:
        progress = replace(progress, incumbent=None)
        said = end_message(plan, progress, decision.reason, decision.at, decided=decision.message)
        end = SearchEnd(decision.reason, said, decision.at)
        return replace(state, phase=Phase.ROLLED_BACK, search=replace(progress, ended=end))
    comparison = state.comparison(decision.candidate)
    before = progress
    if not progress.trials or progress.trials[-1].revision != state.revision:
        progress = replace(
            progress,
            interruptions=0,
            trials=(*progress.trials, record_of(plan, comparison, decision, state.revision)),
            incumbent=_incumbent_after(plan, comparison, decision),
        )
    if decision.requested_by:
        return _ended_by_person(state, progress, decision)
    state = _with_certified(state, before.incumbent, progress.incumbent, decision.at)
    reason = _end_reason(plan, progress, decision)
    if not reason:
        return replace(state, phase=Phase.CHOOSING, search=progress)
    return _over(state, progress, reason, decision.at)


def _with_certified(state: RolloutState, before: Incumbent | None, after: Incumbent | None, at: int) -> RolloutState:
    """The state that says which setting is certified once the incumbent has changed. One that was tried anew and not
    certified again is so no more."""
    if after == before:
        return state
    if after is not None:
        return replace(state, certified=Certified(dict(after.values), at))
    assert before is not None  # it differs from what follows
    return replace(state, certified=None, losses=losses_without(state.losses, dict(before.values)))


def _over(state: RolloutState, progress: SearchProgress, reason: str, at: int) -> RolloutState:
    """The state of a search that is over, with its best certified setting or with the baseline."""
    phase = Phase.ROLLED_BACK if progress.incumbent is None else Phase.PROMOTED
    below = floor_above_baseline(state.comparisons)
    end = SearchEnd(reason, end_message(state.pinned_plan, progress, reason, at, below=below), at)
    return replace(state, phase=phase, search=replace(progress, ended=end))


def record_of(plan: Plan, comparison: Comparison, decision: Decision, revision: str) -> TrialRecord:
    """The row that a search keeps of a trial."""
    index = next(at for at, each in enumerate(settings_of(plan.spec)) if each.name == comparison.name)
    saving = least_saving(comparison) if decision.is_certificate else None
    return TrialRecord(comparison.name, outcome_of(plan, comparison, decision, index), saving, revision)


def _incumbent_after(plan: Plan, comparison: Comparison, decision: Decision) -> Incumbent | None:
    """The setting that serves after a trial: the candidate if it is certified and saves more, else the one before,
    unless that very one was tried anew and not certified."""
    before = plan.incumbent
    if decision.is_certificate:
        if not is_best(plan, comparison):
            return before
        return Incumbent(comparison.name, in_order(plan.settings_of(comparison.name)), least_saving(comparison))
    return None if before is not None and before.name == comparison.name else before


def _end_reason(plan: Plan, progress: SearchProgress, decision: Decision) -> str:
    """Why the search is over after a trial, "" while another one follows."""
    if is_time_over(plan, progress, decision.at):
        return BUDGET_USED
    following = next_proposal(plan.spec, progress, plan.attempt, plan.used)
    return following if isinstance(following, str) and following != WAITING else ""


def after_waiting(spec: PolicySpec, state: RolloutState, now: int) -> RolloutState:
    """The state of a search whose next trial cannot begin: over once its time is, or leaves no trial the time for a
    certificate, or where none follows any more, as another release may see it; the same one while it waits for
    proposals, or after an outage. spec: of the policy as it is now."""
    progress, plan = state.search, state.pinned_plan
    if progress is None:
        return state
    if is_time_over(plan, progress, now):
        return _over(state, progress, BUDGET_USED, now)
    if is_interrupted(state):
        return state
    if not has_time_for_a_trial(spec, progress, now):
        return _over(state, progress, BUDGET_USED, now)
    following = next_proposal(plan.spec, progress, plan.attempt, plan.used)
    if not isinstance(following, str) or following == WAITING:
        return state
    return _over(state, progress, following, now)


def _ended_by_person(state: RolloutState, progress: SearchProgress, decision: Decision) -> RolloutState:
    """An abort ends the search at the baseline, a promotion at the setting that a person chose. Neither certifies."""
    promotes = decision.verdict is Verdict.PROMOTE
    progress = replace(progress, incumbent=None)
    said = end_message(state.pinned_plan, progress, ENDED_BY_PERSON, decision.at, decided=decision.message)
    end = SearchEnd(ENDED_BY_PERSON, said, decision.at)
    phase = Phase.PROMOTED if promotes else Phase.ROLLED_BACK
    return replace(state, phase=phase, search=replace(progress, ended=end))


def is_due_again(state: RolloutState, spec: PolicySpec, now: int) -> bool:
    """Whether a search that is over begins again by itself: never after a person or an alarm has ended it."""
    due = due_again_at(state, spec)
    return due is not None and now >= due


def due_again_at(state: RolloutState, spec: PolicySpec) -> int | None:
    """When a search that is over begins again, in Unix seconds; None for never, and while the guard that is to see room
    for it sees none."""
    ended = None if state.search is None else state.search.ended
    if ended is None or ended.reason in ENDED_FOR_GOOD or spec.search is None:
        return None
    waits = [] if spec.search.repeat_seconds is None else [spec.search.repeat_seconds]
    tries = 0 if spec.guard is None or spec.guard.adjust is None else spec.guard.adjust.tries_per_week
    if tries and state.guard is not None and state.is_guarded and sees_room(state.guard):
        waits.append(WEEK_SECONDS // tries)
    return ended.at + min(waits) if waits else None


def strategy_in(spec: PolicySpec) -> str:
    """Name of the strategy by which a policy searches."""
    return _search(spec).strategy


def _search(spec: PolicySpec) -> Search:
    assert spec.search is not None  # only policies that search have trials
    return spec.search
