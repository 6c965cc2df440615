"""Whatever happens to a guarded promotion in whatever order: an alarm alone ends it, and status holds all of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.rollout.exposure import weights
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.step_moves import (
    lose_metrics,
    take_look,
    unproven_weights_lost,
    weights_in_force,
    weights_lost,
)
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out, expire
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.rollout.guarding import GUARDED, HARM, digest, guarded_policy, promoted
from tests.unit.rollout.policies import UID, examples
from tests.unit.rollout.traffic import SAVING, Server

PROMOTED = promoted()
GUARDS = {
    "guarded": guarded_policy(),
    "with a larger holdback": guarded_policy({"guard": {"holdbackWeight": 30}}),
    "promised for longer": guarded_policy({"guard": {**GUARDED["guard"], "falseRevertSeconds": 31_536_000}}),
    "without a guard": guarded_policy({"guard": None}),
    "suspended": guarded_policy({"suspend": True}),
}
HAPPENS = st.one_of(
    st.sampled_from([*GUARDS, "in force", "changed by somebody", "changed before it was proven", "restarted"]),
    st.sampled_from(["good answers", "good answers", "good answers", "harm", "an outage", "a moment without counts"]),
)


class Story:
    """One guarded promotion, and what happens to it."""

    def __init__(self) -> None:
        self.spec, self.state, self.server = GUARDS["guarded"], PROMOTED, Server()
        assert PROMOTED.decision is not None
        self.now = PROMOTED.decision.at + 10

    @property
    def times(self) -> LiveTimes:
        return LiveTimes.of(self.spec)

    def happens(self, what: str) -> RolloutState:
        state, times = self.state, self.times
        self.now += 7
        if what in GUARDS:
            self.spec = GUARDS[what]
            return follow_guard(self.times, state, self.now)
        if what == "restarted":
            return from_status(self.status(state))[0]
        if not state.is_guarded:
            return state
        if what == "in force":
            return weights_in_force(state, self.now)
        if what == "changed by somebody":
            return weights_lost(state)
        if what == "changed before it was proven":
            return unproven_weights_lost(state)
        if what == "an outage":
            self.now += 2_592_000
            return lose_metrics(state, self.now)
        at = next_look(times, state)
        if at is None:
            return state
        self.now = at = max(at, self.now)
        if what == "a moment without counts":
            return lose_metrics(state, self.now, at)
        quality = HARM if what == "harm" else SAVING
        percents = weights(state)
        assert percents is not None
        if percents[0]:
            self.server.serve(state, quality.at(percents[1]))
        after = take_look(times, state, at, self.server.totals(state))
        return after if alarm_of(after) is None else respond(times, after, digest(state), evidence_of(after))

    def status(self, state: RolloutState) -> dict[str, object]:
        return dict(json.loads(json.dumps(to_status("qa", UID, self.times, state, ""))))


@pytest.mark.slow
@examples
@given(st.lists(HAPPENS, max_size=40))
def test_a_guarded_promotion_ends_by_an_alarm_or_not_at_all_and_is_stored_whole(happened: list[str]) -> None:
    story, harmed = Story(), False
    for what in ("guarded", "in force", "good answers", "good answers"):
        story.state = story.happens(what)
    for what in happened:
        before = story.state
        harmed = harmed or what == "harm"
        story.state = after = story.happens(what)
        percents = weights(after)
        assert percents is not None and sum(percents) == 100 and percents[1] <= 100
        assert from_status(story.status(after))[0] == after
        if after.guard is not None and before.guard is not None and after.guard.since == before.guard.since:
            assert after.guard.taken >= before.guard.taken
        if after.decision == PROMOTED.decision:
            assert after.phase is Phase.PROMOTED and after.certified == PROMOTED.certified
            assert expire(story.times, after, story.now + 10**9) is after
            continue
        decision = after.decision
        assert decision is not None and decision.verdict is Verdict.ROLL_BACK and decision.reason == "GuardAlarm"
        assert harmed and percents == (100, 0) and after.certified is None
        assert differences(json.loads(json.dumps(verdict_spec("qa", UID, after)))) == []
        over = carried_out(after)
        assert all(follow_guard(LiveTimes.of(each), over, story.now) is over for each in GUARDS.values())
        return


def test_in_the_usual_order_harm_is_found_and_health_is_not_taken_for_it() -> None:
    for what, reason in (("harm", "GuardAlarm"), ("good answers", "NonInferiorAndSaving")):
        story = Story()
        for each in ("guarded", "in force", *["good answers"] * 30, *[what] * 30):
            story.state = story.happens(each)
        assert story.state.decision is not None and story.state.decision.reason == reason
