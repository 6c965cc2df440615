"""A search in memory: settings of known quality, counters as functions of time, and an operator that may die."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.search.offers import Fate, Offer, fates, refused_by_all, waiting_in
from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, ENDED, WATCHING, Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.transitions import carried_out, expire, weights_in_force
from earlystop.rollout.trials.view import search_view
from earlystop.rollout.verdict import verdict_object
from tests.unit.rollout.policies import NOW, UID, policy
from tests.unit.rollout.traffic import answers

RATE = 100
"""Requests of a policy in a second."""

STORED_EVERY = 3
SEARCH: dict[str, Any] = {
    "strategy": "Ladder",
    "parameters": [{"name": "window", "values": ["30", "20", "10", "5"]}],
    "horizonRequests": 50_000_000,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """How answers at a setting are."""

    exact_match: float = 0.8
    mean_tokens: int = 600


SAFE_BUT_LAST: Mapping[str, Truth] = {
    "window-30": Truth(mean_tokens=480),
    "window-20": Truth(mean_tokens=420),
    "window-10": Truth(mean_tokens=300),
    "window-5": Truth(exact_match=0.5, mean_tokens=200),
}
NONE_IS_SAFE = dict.fromkeys(SAFE_BUT_LAST, Truth(exact_match=0.5, mean_tokens=300))


def searched(search: Mapping[str, Any] | None = None, **changes: Any) -> PolicySpec:
    """The policy of the tests with a search instead of candidates."""
    rollout = {"steps": [{"weight": 25}, {"weight": 50}], **changes.pop("rollout", {})}
    return policy({"candidates": None, "search": {**SEARCH, **(search or {})}, "rollout": rollout, **changes})


@dataclass(slots=True)
class World:
    """One policy that searches. dies: for the number of each thing done, whether the operator dies after it; what it
    had not stored is lost then.

    verdicts: by name, as they were stored. written: every status that was stored. now: Unix seconds. offers: what
    others have proposed.
    """

    spec: PolicySpec
    truth: Mapping[str, Truth]
    dies: Callable[[int], bool] = lambda _: False
    state: RolloutState = field(default_factory=RolloutState)
    now: int = NOW
    done: int = 0
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: list[dict[str, Any]] = field(default_factory=list)
    history: list[RolloutState] = field(default_factory=list)
    retry: str = ""
    offers: tuple[Offer, ...] = ()
    _unstored: int = 0

    def run(self, until: Callable[[RolloutState], bool] | None = None, most: int = 4000) -> RolloutState:
        """Go on until the search is over, or until what is asked for."""
        over = until or (lambda state: state.phase in ENDED)
        for _ in range(most):
            if over(self.state):
                return self.state
            self.go_on()
        raise AssertionError(f"still {self.state.phase} after {most} things were done")

    def go_on(self) -> None:
        """The next thing that is due, and the operator's death after it if that is its time."""
        self.keep(self._next())
        self.done += 1
        if self.dies(self.done) and self.written:
            self.state = from_status(self.written[-1])[0]
            self._unstored = 0

    def keep(self, state: RolloutState) -> None:
        """Take over a state: a transition is stored at once, a mere look later."""
        is_look = state.phase == self.state.phase and state.campaign == self.state.campaign
        self._unstored = self._unstored + 1 if is_look else 0
        self.state = state
        self.history.append(state)
        if not is_look or self._unstored >= STORED_EVERY:
            self.store()

    def store(self) -> None:
        self._unstored = 0
        status = to_status("qa", UID, LiveTimes.of(self.spec), self.state, "")
        self.written.append(json.loads(json.dumps(status)))

    def start(self) -> RolloutState:
        """The campaign that is due, under a revision that follows from its number alone."""
        return start_campaign(
            self.spec,
            self.retry,
            self.state,
            self.now,
            CampaignInputs(
                uid=UID,
                entropy=f"e{self.state.campaign}",
                waiting=waiting_in(self.fates()),
                previous_digest=digest_of_decision("qa", UID, self.state),
            ),
        )

    def fates(self) -> tuple[Fate, ...]:
        """What has become of what others have proposed."""
        view = search_view(self.spec, self.state, self.retry, self.now)
        return refused_by_all(self.offers, view) if isinstance(view, str) else fates(self.offers, view)

    def _next(self) -> RolloutState:
        state = self.state
        if state.phase in {Phase.PENDING} | BETWEEN_TRIALS | ENDED:
            self.now = max(self.now, 0 if state.decision is None else state.decision.at) + 1
            return self.start()
        if state.phase is Phase.APPLYING:
            last = max([state.campaign_started_at, *(look.at for look in state.looks)])
            self.now = last + 4
            return weights_in_force(state, self.now)
        if state.phase in ACTING:
            verdict = verdict_object("qa", "llm", UID, state)
            stored = self.verdicts.setdefault(verdict["metadata"]["name"], verdict)
            assert stored == verdict, "a verdict is never another one when it is made again"
            return carried_out(state)
        assert state.phase in WATCHING
        times = LiveTimes.of(self.spec)
        at = next_look(times, state)
        assert at is not None
        self.now = at
        ended = expire(times, state, at)
        return ended if ended is not state else take_look(times, state, at, self.counters(at))

    def counters(self, at: int) -> Totals:
        """What the counters of the step say at a moment: a function of time alone."""
        state, percents = self.state, weights(self.state)
        assert percents is not None and state.step_started_at is not None
        assert sum(percents) + incumbent_weight(state) == 100
        baseline, candidate = (RATE * (at - state.step_started_at) * percent // 100 for percent in percents)
        truth = self.truth[state.leader]
        return Totals(answers(baseline), tried(candidate, truth))


def tried(requests: int, truth: Truth) -> Tally:
    """Answers to so many requests at a setting."""
    return answers(requests, truth.exact_match, truth.mean_tokens)


def ends(state: RolloutState) -> list[tuple[str, str]]:
    """Setting and end of each trial that is over."""
    return [] if state.search is None else [(each.name, each.outcome.end.value) for each in state.search.trials]
