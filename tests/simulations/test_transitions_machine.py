"""Promises of the kernel under any order of edits, looks, outages, pauses, restarts and time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from earlystop.api.counts import Tally
from earlystop.evidence.engine import begin
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import ACTING, DECIDED, TRYING, WATCHING, Phase, RolloutState, Totals, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.words.event_notes import event_notes
from tests.simulations.rollout_machine import RolloutMachine
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.policies import UID, policy
from tests.unit.rollout.traffic import HARMFUL, SAME, SAVING, Quality, Server, answers, minus, plus

EDITS: tuple[dict[str, Any], ...] = (
    {"suspend": True},
    {"suspend": False},
    {"rollout": {"lookSeconds": 1}},
    {"rollout": {"onInconclusive": "Hold"}},
    {"rollout": {"advance": "WhenSafe", "minimumHours": 0}},
    {"rollout": {"onNoMetrics": {"holdSeconds": 5}}},
    {"rollout": {"steps": [{"weight": 1}, {"weight": 99, "minimumSeconds": 600}]}},
    {"candidates": [{"name": "w5", "values": [{"name": "window", "value": "5"}]}]},
    {"objective": {"exactMatch": {"margin": "0.2"}}},
    {"baseline": {"values": [{"name": "window", "value": "40.0"}, {"name": "patience", "value": "2.50"}]}},
    {"guard": {"holdbackWeight": 7}},
)

qualities = st.one_of(
    st.sampled_from((SAVING, SAME, HARMFUL)),
    st.builds(Quality, st.sampled_from((0.8, 0.77, 0.6)), st.sampled_from((300, 600)), st.sampled_from((1, 40, 900))),
)
lopsided = st.builds(
    Totals, st.builds(answers, st.sampled_from((0, 1, 700))), st.builds(answers, st.sampled_from((0, 1, 700)))
)


class Kernel(RolloutMachine):
    """The shell's calls in any order, against a server that keeps counters by revision and step."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: dict[str, Any] = {"rollout": {"deadlineSeconds": 1800}}
        self.spec = policy(self.changes)
        self.server = Server()
        self.uncounted = Totals()  # served while observed and not yet in a look
        self.promoted: set[int] = set()

    @rule(change=st.sampled_from(EDITS))
    def edit(self, change: dict[str, Any]) -> None:
        self.changes = {**self.changes, **change, "rollout": {**self.changes["rollout"], **change.get("rollout", {})}}
        self.spec = policy(self.changes)
        self.check()

    @rule()
    def retry_is_asked_for(self) -> None:
        self.retry += "x"
        self.check()

    @initialize()
    def begin(self) -> None:
        self.check()

    @rule(seconds=st.sampled_from((1, 20, 120, 700)))
    def wait(self, seconds: int) -> None:
        self.wait_for(seconds)

    @rule(served=lopsided)
    def serve(self, served: Totals) -> None:
        self.server.serve(self.state, served)
        if self.state.phase == Phase.OBSERVING:
            self.uncounted = plus(self.uncounted, served)

    @rule(step=st.integers(0, 2), served=lopsided)
    def stragglers_of_another_step_are_served(self, step: int, served: Totals) -> None:
        if step != self.state.step:
            self.server.serve(replace(self.state, step=step), served)

    @precondition(lambda self: self.state.phase in WATCHING)
    @rule()
    def look(self) -> None:
        at = next_look(self.times, self.state)
        assert at is not None
        self.now = max(self.now, at)
        self.move(take_look(self.times, self.state, at, self.server.totals(self.state)))

    @precondition(lambda self: self.state.phase in TRYING)
    @rule(quality=qualities, looks=st.integers(1, 12))
    def observe(self, quality: Quality, looks: int) -> None:
        """As rollouts mostly go: weights in force, requests split by them, one look after the other."""
        for _ in range(looks):
            if self.state.phase == Phase.APPLYING:
                self.put_in_force()
            if self.state.phase not in WATCHING:
                break
            self.serve(quality.at(self.state.pinned_plan.stage(self.state.step).weight))
            self.look()

    def move(self, after: RolloutState) -> None:
        before = self.state
        if after is before:
            return
        self.state = after
        if after.campaign != before.campaign:
            self._a_new_campaign_has_seen_nothing(before, after)
        else:
            self._a_campaign_goes_forward(before, after)
            self._looks_hold_what_was_served(before, after)
        if after.phase != Phase.OBSERVING:
            self.uncounted = Totals()
        weight = candidate_weight(after)
        assert weight is not None and 0 <= weight <= 100
        assert (after.decision is not None) == (after.phase in DECIDED)
        assert all(story.message for story in event_notes(before, after))
        self._restart()

    def _restart(self) -> None:
        """What is stored gives back the state itself, with the evidence replayed from its looks."""
        status = json.loads(json.dumps(to_status("qa", UID, self.times, self.state, "")))
        assert from_status(status) == (self.state, "")

    def _a_new_campaign_has_seen_nothing(self, before: RolloutState, after: RolloutState) -> None:
        assert after.campaign == before.campaign + 1
        assert before.phase not in ACTING and not self.spec.suspend
        assert (after.step, after.looks, after.comparisons[0].mark, after.decision) == (0, (), Totals(), None)
        assert after.evidence == begin(after.pinned_plan.objective)
        assert after.certified == before.certified
        assert after.revision not in {revision for revision, _ in self.server.counters}
        self.uncounted = Totals()

    def _a_campaign_goes_forward(self, before: RolloutState, after: RolloutState) -> None:
        plan = after.pinned_plan
        assert after.plan == before.plan and after.revision == before.revision
        assert before.decision is None or after.decision == before.decision
        if after.phase == Phase.PROMOTED:
            assert after.campaign not in self.promoted
            self.promoted.add(after.campaign)
            assert after.certified is not None and after.certified.values == plan.settings[0]
        else:
            assert after.certified == before.certified
        if after.step != before.step:
            assert after.step == before.step + 1
            assert _watched(before, after, plan.stage(before.step).minimum_seconds)
            own = [look for look in after.looks if look.step == before.step]
            assert min(sum(look.baseline.scored for look in own), sum(look.candidate.scored for look in own)) >= 100
        if after.phase == Phase.PROMOTING and before.phase != Phase.PROMOTING:
            assert _watched(before, after, plan.stage(after.step).minimum_seconds)
        if before.decision is None and after.decision is not None and after.decision.verdict == Verdict.INCONCLUSIVE:
            assert self.now - before.campaign_started_at >= self.spec.rollout.deadline_seconds

    def _looks_hold_what_was_served(self, before: RolloutState, after: RolloutState) -> None:
        known = len(before.looks)
        assert after.looks[:known] == before.looks and len(after.looks) <= known + 1
        for look in after.looks[known:]:
            plan = after.pinned_plan
            assert (look.step, look.weight) == (before.step, plan.stage(before.step).weight)
            assert before.phase == Phase.OBSERVING
            used = Totals(look.baseline, look.candidate)
            held_back = minus(self.uncounted, used)
            assert used == self.uncounted or (_without_answers(used) and _only_answers(held_back))
            self.uncounted = held_back


def _watched(before: RolloutState, after: RolloutState, seconds: int) -> bool:
    return before.evidence_from is not None and after.looks[-1].at - before.evidence_from >= seconds


def _without_answers(totals: Totals) -> bool:
    return totals.baseline.scored == totals.candidate.scored == 0


def _only_answers(totals: Totals) -> bool:
    return all(
        tally == Tally(match=tally.match, mismatch=tally.mismatch) for tally in (totals.baseline, totals.candidate)
    )


TestKernel = Kernel.TestCase
TestKernel.settings = settings(max_examples=50, stateful_step_count=50, deadline=None, derandomize=True, database=None)
