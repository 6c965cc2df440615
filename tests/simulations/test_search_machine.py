"""Whatever happens to a search, in any order: one setting serves, its risk is kept, and every verdict verifies."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, promote_now
from earlystop.rollout.search.offers import Offer
from earlystop.rollout.search.trial import TrialEnd
from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, ENDED, TRYING, Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import Truth, World, searched

WINDOWS = ("window-30", "window-20", "window-10", "window-5")
TRUTHS = st.builds(Truth, st.sampled_from([0.8, 0.79, 0.7, 0.5]), st.sampled_from([600, 540, 400, 200]))
SPECS = [
    searched({"repeatSeconds": 3600}),
    searched({"failureBudget": 1, "incumbentWeight": 80}),
    searched({"budget": {"requests": 8000, "seconds": 2000}}),
    searched(objective={"risk": {"promote": "0.05", "harm": "0.05", "campaigns": 3}}),
    searched({"strategy": "Bayesian", "failureBudget": 5, "horizonRequests": 1_000_000_000}),
    searched({"strategy": "Bayesian", "budget": {"requests": 20_000}}),
    searched({"failureBudget": 10, "incumbentWeight": 10}),
]
BY_OTHERS = [
    searched({"strategy": "External", "repeatSeconds": 3600}),
    searched({"strategy": "External", "failureBudget": 1, "incumbentWeight": 80}),
    searched({"strategy": "External", "failureBudget": 5, "budget": {"requests": 20_000, "seconds": 4000}}),
]
PROPOSERS = ("ana", "ben", "eve")
PROPOSED = ("30", "20", "10", "5", "7")
"""Windows that are proposed; the last one is no setting of the search."""


class SearchMachine(RuleBasedStateMachine):
    """A search with all that its operator, its user and time may do to it."""

    @initialize(truth=st.tuples(*[TRUTHS] * len(WINDOWS)), spec=st.sampled_from(SPECS))
    def begin(self, truth: tuple[Truth, ...], spec: object) -> None:
        self.world = World(next(each for each in SPECS if each is spec), dict(zip(WINDOWS, truth, strict=True)))
        self.number = 0
        self.move(self.world.start())

    def move(self, after: RolloutState) -> None:
        if after is not self.world.state:
            self.world.keep(after)

    @rule(steps=st.integers(5, 80))
    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            if self.world.state.phase in ENDED | {Phase.SUSPENDED}:
                return
            self.world.go_on()

    @rule()
    def die(self) -> None:
        self.world.state = from_status(self.world.written[-1])[0]

    @precondition(lambda self: self.world.state.phase in TRYING | {Phase.SUSPENDED})
    @rule()
    def pause_or_resume(self) -> None:
        world = self.world
        times = replace(LiveTimes.of(world.spec), suspend=world.state.phase is not Phase.SUSPENDED)
        world.now += 100
        self.move(suspend_or_resume(times, world.state, world.now))

    @precondition(lambda self: self.world.state.phase not in ACTING)
    @rule(promotes=st.booleans(), rarely=st.integers(0, 9))
    def ask(self, promotes: bool, rarely: int) -> None:
        world = self.world
        if rarely:
            return  # a person who ends every search would leave nothing to see of it
        self.number += 1
        request = Request(f"{world.state.revision}#{self.number}", "Ada")
        decide = promote_now if promotes else abort
        digest = digest_of_decision("qa", UID, world.state)
        after = decide(LiveTimes.of(world.spec), world.state, request, digest, world.now)
        if isinstance(after, RolloutState):
            self.move(after)

    @precondition(lambda self: self.world.state.phase in TRYING | ENDED | BETWEEN_TRIALS)
    @rule()
    def retry(self) -> None:
        self.number += 1
        self.world.retry = f"again-{self.number}"
        self.world.now += 1
        self.move(self.world.start())
        search = self.world.state.search
        assert search is not None and search.trials == () and search.incumbent is None

    @precondition(lambda self: self.world.state.phase in ENDED)
    @rule(seconds=st.integers(1, 8000))
    def wait(self, seconds: int) -> None:
        self.world.now += seconds
        self.move(self.world.start())

    @invariant()
    def one_setting_serves_and_all_shares_are_of_one_whole(self) -> None:
        state = self.world.state
        percents, serves = weights(state), incumbent_weight(state)
        assert percents is not None and sum(percents) + serves == 100 and min(*percents, serves) >= 0
        search, plan = state.search, state.pinned_plan
        assert search is not None
        if serves:
            assert plan.incumbent is not None and (state.phase in ENDED or serves >= plan.spec.search.incumbent_weight)  # type: ignore[union-attr]
        if plan.incumbent is not None and state.phase in TRYING:
            certified = {each.name for each in search.trials if each.outcome.end is TrialEnd.CERTIFIED}
            assert plan.incumbent.name in certified | {search.resumes}
        if state.certified is not None and search.ended is not None and search.incumbent is not None:
            assert dict(search.incumbent.values) == state.certified.values

    @invariant()
    def the_risk_that_is_spent_never_exceeds_the_policys(self) -> None:
        status = self.world.written[-1]["search"]
        assert float(status["riskSpent"]) <= float(status["risk"]) * (1 + 1e-5) <= 0.05 * (1 + 1e-5)

    @invariant()
    def a_status_gives_the_state_back(self) -> None:
        state = self.world.state
        assert from_status(to_status("qa", UID, LiveTimes.of(self.world.spec), state, ""))[0] == state

    def teardown(self) -> None:
        verdicts = list(self.world.verdicts.values()) if hasattr(self, "world") else []
        for verdict in verdicts:
            assert object_differences(verdict) == []
            assert chain_differences(verdict, verdicts) == []


class ExternalMachine(SearchMachine):
    """The same where others say what is tried, at any time and in any order."""

    @initialize(truth=st.tuples(*[TRUTHS] * len(WINDOWS)), spec=st.sampled_from(BY_OTHERS))
    def begin(self, truth: tuple[Truth, ...], spec: object) -> None:
        found = next(each for each in BY_OTHERS if each is spec)
        self.world = World(found, dict(zip(WINDOWS, truth, strict=True)))
        self.number = 0
        self.propose("20", "ana")  # nothing begins before
        self.move(self.world.start())

    @rule(window=st.sampled_from(PROPOSED), proposer=st.sampled_from(PROPOSERS))
    def propose(self, window: str, proposer: str) -> None:
        at = len(self.world.offers)
        offer = Offer(f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z", f"p{at}", proposer, (("window", window),))
        self.world.offers = (*self.world.offers, offer)

    @invariant()
    def no_proposer_spends_the_share_of_another_and_no_setting_is_tried_twice(self) -> None:
        search = self.world.state.search
        assert search is not None
        tried = [each.outcome for each in search.trials]
        assert len({each.setting for each in tried}) == len(tried)
        whole = float(self.world.written[-1]["search"]["risk"])
        for place, proposer in enumerate(dict.fromkeys(each.proposer for each in tried), start=1):
            lost = [each.risk for each in tried if each.proposer == proposer and each.end is not TrialEnd.CERTIFIED]
            assert sum(lost) <= whole / (place * (place + 1)) * (1 + 1e-5)


TestSearch = SearchMachine.TestCase
TestSearch.settings = settings(max_examples=40, stateful_step_count=25, deadline=None, derandomize=True, database=None)

TestExternalSearch = ExternalMachine.TestCase
TestExternalSearch.settings = settings(TestSearch.settings, max_examples=30)
