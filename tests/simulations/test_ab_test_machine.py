"""Promises about several candidates under any order of looks, drops, outages, pauses, requests, edits and restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from earlystop.api.counts import Look
from earlystop.evidence.engine import EvidenceState, Objective, begin, update
from earlystop.rollout.conditions import conditions
from earlystop.rollout.exposure import shadowed, weights
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.manual import Decide, Declined, abort, promote_now
from earlystop.rollout.observations import Observations
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import (
    DECIDED,
    TRYING,
    WATCHING,
    Comparison,
    Phase,
    RolloutState,
    Totals,
    Verdict,
)
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from tests.simulations.rollout_machine import RolloutMachine
from tests.unit.rollout.policies import UID, policy
from tests.unit.rollout.several import BAD, BETTER, GOOD, IN_SHADOW, TOGETHER, Answering, observe
from tests.unit.rollout.traffic import nothing

CLASS = {"queryClasses": [{"name": "multi-hop", "margin": "0.1"}]}
RAILS = {
    "exactMatch": {"margin": "0.05", "floor": "0.5"},
    "guardrails": [{"name": "failures", "kind": "FailureRate", "maximumRatio": "1.5"}],
}
STAGES: dict[str, Any] = {**TOGETHER["rollout"], "deadlineSeconds": 3600}
POLICIES = (
    policy({**TOGETHER, "rollout": STAGES}),
    policy({**TOGETHER, "rollout": {**STAGES, "shadowSeconds": 60, "onInconclusive": "Hold"}, "objective": RAILS}),
    policy({**TOGETHER, "rollout": {**STAGES, "shadowSeconds": 60, "learnSeconds": 300}, "objective": CLASS}),
    policy({**TOGETHER, "rollout": {**STAGES, "shadowSeconds": 60}, "objective": CLASS | {"requireEach": True}}),
    IN_SHADOW,
)
SLOW = Answering(mean_tokens=600)
UNCLEAR = Answering(0.765, 500)
answerings = st.tuples(*[st.sampled_from((GOOD, BETTER, BAD, SLOW, UNCLEAR))] * 3)


class Contest(RolloutMachine):
    """The shell's calls in any order, with a restart after every one."""

    def __init__(self) -> None:
        super().__init__()
        self.suspended = False
        self.promoted: dict[int, list[str]] = {}
        self.folded: dict[str, EvidenceState] = {}
        self.folded_looks: dict[str, tuple[Look, ...]] = {}

    @initialize(spec=st.sampled_from(POLICIES))
    def begin(self, spec: Any) -> None:
        self.spec = spec
        self.check()

    @precondition(lambda self: self.state.decision is not None)
    @rule(spec=st.sampled_from(POLICIES))
    def edit(self, spec: Any) -> None:
        self.spec = spec.model_copy(update={"suspend": self.suspended})
        self.check()

    @precondition(lambda self: self.suspended or self.state.most_looks > 4)
    @rule()
    def pause_or_resume(self) -> None:
        self.suspended = not self.suspended
        self.spec = self.spec.model_copy(update={"suspend": self.suspended})
        self.check()

    @precondition(lambda self: self.state.phase in TRYING)
    @rule(
        answering=answerings,
        requests=st.sampled_from((3, 60, 700, 3000)),
        looks=st.sampled_from((1, 6, 12, 25)),
    )
    def observe(self, answering: Any, requests: int, looks: int) -> None:
        for _ in range(looks):
            if self.state.phase not in TRYING:
                break
            self.move(observe(self.state.pinned_plan.spec, self.state, answering, requests))

    @precondition(lambda self: self.state.phase in WATCHING)
    @rule()
    def look_in_vain(self) -> None:
        at = next_look(self.times, self.state)
        assert at is not None
        self.move(take_look(self.times, self.state, at, *map(_known, self.state.comparisons)))

    @rule(seconds=st.sampled_from((1, 1, 60, 60, 4000)))
    def wait(self, seconds: int) -> None:
        self.wait_for(seconds)

    @precondition(lambda self: self.state.most_looks > 16 or self.state.decision is not None)
    @rule(verb=st.sampled_from((abort, promote_now)), name=st.sampled_from(("", "/w10", "/w5", "/w1")))
    def request(self, verb: Decide, name: str) -> None:
        before = self.state
        digest = digest_of_decision("qa", UID, before)
        after = verb(self.times, before, Request(before.revision + name, "someone"), digest, self.now)
        if isinstance(after, Declined):
            assert after.message and "one of ." not in after.message
        else:
            self.move(after)

    def move(self, after: RolloutState) -> None:
        before = self.state
        if after is before:
            return
        self.now = max([self.now, *(look.at for each in after.comparisons for look in each.looks)])
        self.state = after
        self._weights_are_whole()
        if after.campaign == before.campaign:
            self._a_campaign_goes_forward(before)
        self._all_is_told(before)
        self._restart()

    def _weights_are_whole(self) -> None:
        shares = weights(self.state)
        assert shares is not None and sum(shares) == 100 and min(shares) >= 0
        for place, each in enumerate(self.state.comparisons):
            assert each.dropped is None or shares[place + 1] == 0
            assert each.dropped is None or each.certified_at is None
        plan = self.state.pinned_plan
        if not strategy_of(plan).promotes or (
            self.state.decision is None and plan.stage(self.state.step).kind is not StageKind.SPLIT
        ):
            assert shares[0] == 100
        if self.state.phase == Phase.PROMOTED:
            self.promoted.setdefault(self.state.campaign, []).append(self.state.leader)
            assert len(set(self.promoted[self.state.campaign])) == 1
        assert shadowed(self.state) in ((), ("w10", "w5", "w1"))

    def _a_campaign_goes_forward(self, before: RolloutState) -> None:
        after, plan = self.state, self.state.pinned_plan
        assert before.step <= after.step <= before.step + 1
        same = plan.stage(before.step) == plan.stage(after.step)
        for old, new in zip(before.comparisons, after.comparisons, strict=True):
            if old.dropped is not None:
                assert (new.dropped, new.looks, new.evidence) == (old.dropped, old.looks, old.evidence)
            elif same:
                assert new.looks[: len(old.looks)] == old.looks and len(new.looks) <= len(old.looks) + 1
            elif new.dropped is None:
                assert new.looks == ()
            step = after.step if new.dropped is None else new.dropped.step
            assert new.evidence == self._fold(new.name, plan.objective_at(step, after.dispersion), tuple(new.looks))
            assert len({plan.stage(look.step).kind for look in new.looks}) <= 1

    def _fold(self, name: str, objective: Objective, looks: tuple[Look, ...]) -> EvidenceState:
        """The evidence of these looks. It goes on from the last time where they only became more."""
        state, known = self.folded.get(name), self.folded_looks.get(name, ())
        if state is None or state.objective != objective or looks[: len(known)] != known:
            state, known = begin(objective), ()
        for look in looks[len(known) :]:
            state = update(state, look)
        self.folded[name], self.folded_looks[name] = state, looks
        return state

    def _all_is_told(self, before: RolloutState) -> None:
        told = event_notes(before, self.state)
        assert all(each.message for each in told)
        names = [each.reason for each in told]
        plan = self.state.pinned_plan
        if self.state.campaign == before.campaign:
            dropped = {each.name for each in before.active} - {each.name for each in self.state.active}
            assert names.count("CandidateDropped") == len(dropped)
            if plan.stage(before.step).kind is StageKind.SHADOW and self.state.step > before.step:
                assert "StepAdvanced" in names
        said = conditions(self.state, Observations())
        assert all(0 < len(each.message) <= 2048 for each in said)

    def _restart(self) -> None:
        status = json.loads(json.dumps(to_status("qa", UID, self.times, self.state, "")))
        assert from_status(status) == (self.state, "")
        assert (self.state.decision is not None) == (self.state.phase in DECIDED)
        if self.state.decision is not None:
            record = verdict_spec("qa", UID, self.state)
            assert differences(record) == []
            assert self.state.decision.verdict is not Verdict.PROMOTE or self.state.leading in self.state.active


def _known(comparison: Comparison) -> Totals:
    none = nothing(len(comparison.evidence.objective.classes)).classes
    return replace(comparison.mark, classes=none)


TestContest = Contest.TestCase
TestContest.settings = settings(max_examples=50, stateful_step_count=30, deadline=None, derandomize=True, database=None)
