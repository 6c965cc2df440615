"""ShadowOnly: the server judges candidates on the baseline's requests, and the best one is recommended."""

from __future__ import annotations

from earlystop.rollout.plan import Plan
from earlystop.rollout.state import RolloutState
from earlystop.rollout.strategies.ab_test import ABTest
from earlystop.rollout.strategies.staged import SHADOW_STAGE


class ShadowOnly(ABTest):
    """Candidates judged as in an A/B test, of which no user ever sees one, so that nothing can be promoted."""

    promotes = False

    def is_final(self, plan: Plan, step: int) -> bool:
        """Always: no other step follows shadow."""
        return True

    def describe(self, plan: Plan) -> str:
        """The phrase for shadow in the sentence on a campaign's start."""
        return " in shadow: the server judges each on the baseline's requests"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The name of shadow, the only stage."""
        return SHADOW_STAGE


STRATEGY = ShadowOnly()
