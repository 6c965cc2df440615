"""What the shell may do to any rollout, in any order, at a clock that hypothesis moves."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import ACTING, WATCHING, Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.transitions import (
    carried_out,
    expire,
    lose_metrics,
    suspend_or_resume,
    weights_in_force,
    weights_lost,
)
from tests.unit.rollout.policies import NOW, UID, policy


class RolloutMachine(RuleBasedStateMachine):
    """The moves that need no counts. A machine of a kind of rollout adds looks, and says in `move` what holds after
    each move."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.spec = policy()
        self.retry = ""
        self.state = RolloutState()

    def move(self, after: RolloutState) -> None:
        """The rollout goes on from `after`, which is the state itself where nothing has changed."""
        raise NotImplementedError

    @property
    def times(self) -> LiveTimes:
        return LiveTimes.of(self.spec)

    def check(self) -> None:
        """The policy is read, as it is written now."""
        digest = digest_of_decision("qa", UID, self.state)
        self.move(
            start_campaign(
                self.spec, self.retry, self.state, self.now, CampaignInputs(uid=UID, entropy="", previous_digest=digest)
            )
        )
        self.move(suspend_or_resume(self.times, self.state, self.now))

    @precondition(lambda self: self.state.phase == Phase.APPLYING)
    @rule()
    def put_in_force(self) -> None:
        self.move(weights_in_force(self.state, self.now))

    @precondition(lambda self: self.state.phase in WATCHING)
    @rule()
    def foreign_hand(self) -> None:
        self.move(weights_lost(self.state))

    @precondition(lambda self: self.state.phase in WATCHING)
    @rule(for_good=st.booleans())
    def lose_metrics(self, for_good: bool) -> None:
        at = next_look(self.times, self.state) if for_good else None
        self.move(lose_metrics(self.state, self.now, at))

    @precondition(lambda self: self.state.phase in ACTING)
    @rule()
    def carry_out(self) -> None:
        self.move(carried_out(self.state))

    def wait_for(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds
        self.move(expire(self.times, self.state, self.now))
