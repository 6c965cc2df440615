"""A search on made-up traffic: the very transitions of its campaigns, fed by answers to a curve that is known.

Whatever keeps a campaign for a while keeps it here: steps and their least times, hours of traffic, looks until it is
known how much answers scatter, deadlines and budgets. Probes, stores and slow gateways of a cluster are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from numpy.random import Generator

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import Basis
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import StageKind
from earlystop.rollout.promotion import missing_for_promotion
from earlystop.rollout.state import ACTING, ENDED, Phase, RolloutState, Totals
from earlystop.rollout.transitions import carried_out, expire, weights_in_force
from earlystop.rollout.words.decision_messages import missing_phrases
from earlystop.simulation.open_gates import with_open_gates
from earlystop.simulation.search_traffic import shadow_answers, split_answers
from earlystop.simulation.search_truth import TrueCurve


@dataclass(frozen=True, slots=True)
class TriedSetting:
    """A setting that a search has tried. setting: its index. reason: of the decision about it, or of its being dropped.
    missing: what its promotion still needed then, one phrase each with numbers; nothing where it was certified."""

    setting: int
    reason: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlayedSearch:
    """How one search ended.

    best: index of the setting that it ended with, None for the baseline. certified: all that were. tried: each setting
    that was, in order. requests: that were compared, of all variants. seconds: from the first campaign to the end.
    saved: share of all users' tokens that was saved meanwhile. ended: reason of the end.
    """

    best: int | None
    certified: tuple[int, ...]
    tried: tuple[TriedSetting, ...]
    requests: int
    seconds: int
    saved: float
    ended: str


@dataclass(slots=True)
class _Search:
    """A search under way.

    rate: requests a second. now: seconds since its start. requests: of all trials so far. certified: places of
    settings on the curve, in the order of their certificates.
    saved: share of all users' tokens that was saved, times the seconds in which it was.
    """

    spec: PolicySpec
    curve: TrueCurve
    rate: float
    random: Generator
    state: RolloutState = field(default_factory=RolloutState)
    now: int = 0
    totals: tuple[Totals, ...] = ()
    requests: int = 0
    saved: float = 0.0
    tried: list[TriedSetting] = field(default_factory=list)
    certified: list[int] = field(default_factory=list)

    def index_of(self, name: str) -> int:
        return next(at for at, each in enumerate(self.curve.settings) if each.name == name)


def play_search(
    spec: PolicySpec,
    curve: TrueCurve,
    rate: float,
    random: Generator,
    note_look: Callable[[int, RolloutState], None] = lambda now, state: None,
) -> PlayedSearch:
    """One search of the policy from its first campaign to its end.

    curve: of all settings that the search may try, in their order. rate: requests a second, > 0. note_look: called
    after each look with the seconds since the start and the state.
    """
    search, times = _Search(with_open_gates(spec), curve, rate, random), LiveTimes.of(spec).without_people
    while search.state.phase not in ENDED:
        phase = search.state.phase
        if phase in ACTING:
            _note_decision(search)
            search.state = carried_out(search.state)
        elif phase is Phase.APPLYING:
            search.state = weights_in_force(search.state, search.now)
            classes = search.state.pinned_plan.objective.classes
            assert not classes  # a curve says nothing of them, and the caller has refused such a policy
            search.totals = (Totals(),) * len(search.state.comparisons)
        elif phase in (Phase.PENDING, Phase.CHOOSING):
            before, search.now = search.state, search.now + 1
            search.state = start_campaign(
                search.spec,
                "",
                before,
                search.now,
                CampaignInputs(uid="simulated", entropy=f"{random.integers(2**63)}"),
            )
            assert search.state is not before  # without a first trial a policy is refused; `after_trial` ends others
        else:
            _look(search, times)
            note_look(search.now, search.state)
    return _ended(search)


def _look(search: _Search, times: LiveTimes) -> None:
    """The next look, after the requests that come until then."""
    at = next_look(times, search.state)
    assert at is not None  # what is neither decided nor applied is watched
    seconds, state = at - search.now, search.state
    percents = weights(state)
    assert percents is not None  # a campaign has begun
    tried = [search.index_of(each.name) for each in state.comparisons]
    arrivals = [int(search.random.poisson(search.rate * seconds * percent / 100)) for percent in percents]
    plan = state.pinned_plan
    if plan.stage(state.step).kind is StageKind.SHADOW:
        baseline, candidates = shadow_answers(search.curve, tried, arrivals[0], search.random)
    else:
        paired = plan.objective.basis is Basis.PAIRS
        # Golden questions come at a rate of their own, whatever an incumbent leaves to users of the other two.
        beside = search.random.poisson(search.rate * seconds * incumbent_weight(state) / 100) if paired else 0
        baseline, candidates = split_answers(
            search.curve, tried, arrivals, search.random, paired=paired, more_questions=int(beside)
        )
    search.totals = _after(search.totals, baseline, candidates)
    search.saved += seconds * _saving(search, state, percents)
    search.now = at
    search.state = expire(times, take_look(times, state, at, *search.totals), at)


def _after(totals: Sequence[Totals], baseline: Tally, candidates: Sequence[Tally]) -> tuple[Totals, ...]:
    return tuple(
        replace(each, baseline=each.baseline + baseline, candidate=each.candidate + candidate)
        for each, candidate in zip(totals, candidates, strict=True)
    )


def _saving(search: _Search, state: RolloutState, percents: Sequence[int]) -> float:
    """Share of all users' tokens that is saved by those who get another setting than the baseline."""
    indices = (search.index_of(each.name) for each in state.comparisons)
    shares = dict(zip(indices, percents[1:], strict=True))
    serving = state.pinned_plan.incumbent
    if serving is not None:
        index = search.index_of(serving.name)
        shares[index] = shares.get(index, 0) + incumbent_weight(state)
    return sum(percent / 100 * search.curve.settings[index].saving for index, percent in shares.items())


def _note_decision(search: _Search) -> None:
    """Keep what came of each setting of the campaign that was just decided."""
    state, decision = search.state, search.state.decision
    assert decision is not None  # it is being carried out
    search.requests += _compared(state)
    for each in state.comparisons:
        index, reason = search.index_of(each.name), decision.reason
        if decision.is_certificate and decision.candidate == each.name:
            search.certified.append(index)
            search.tried.append(TriedSetting(index, reason))
            continue
        reason = reason if each.dropped is None else each.dropped.reason
        missing = missing_for_promotion(state.pinned_plan, state, each.name, search.now)
        search.tried.append(TriedSetting(index, reason, missing_phrases(missing, each.name)))


def _compared(state: RolloutState) -> int:
    """Requests in the looks of a campaign: the baseline's, which are in the looks of all, and those of each candidate.
    In shadow no candidate has any."""
    plan, baseline, candidates = state.pinned_plan, 0, 0
    for each in state.comparisons:
        looks = each.looks
        baseline = max(baseline, sum(look.baseline.started for look in looks))
        candidates += sum(look.candidate.started for look in looks if plan.stage(look.step).kind is StageKind.SPLIT)
    return baseline + candidates


def _ended(search: _Search) -> PlayedSearch:
    progress, decision = search.state.search, search.state.decision
    assert decision is not None  # a search ends by a decision
    if progress is None:
        best, ended = next(iter(search.certified), None), decision.reason
    else:
        assert progress.ended is not None  # its phase says so
        best = None if progress.incumbent is None else search.index_of(progress.incumbent.name)
        ended = progress.ended.reason
    return PlayedSearch(
        best=best,
        certified=tuple(search.certified),
        tried=tuple(search.tried),
        requests=search.requests,
        seconds=search.now,
        saved=search.saved / search.now if search.now else 0.0,
        ended=ended,
    )
