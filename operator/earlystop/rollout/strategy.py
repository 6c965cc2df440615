"""What a strategy offers. A strategy is one module and one row of `api.strategies.STRATEGIES`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from earlystop.rollout.plan import Plan
    from earlystop.rollout.state import Decision, RolloutState


class Strategy(Protocol):
    """How the candidates of a plan are tried, and which of them wins. Each method is pure.

    promotes: whether a candidate that is proven gets all requests; else it is recommended only.
    """

    @property
    def promotes(self) -> bool:
        """Whether a proven candidate gets all requests."""

    def judges_together(self, plan: Plan, /) -> bool:
        """Whether the plan's candidates are judged beside each other, so that each has a state and weights of its own
        in status and verdict, and a promotion needs a certificate of closed testing."""

    def is_final(self, plan: Plan, step: int, /) -> bool:
        """Whether evidence of a step may lead to a favourable decision."""

    def weights(self, plan: Plan, state: RolloutState, /) -> Mapping[str, int]:
        """Percent of requests that each candidate of a campaign without decision shall have, by name; who is not named
        has none. Their sum is below 100."""

    def after_look(self, plan: Plan, state: RolloutState, at: int, /) -> RolloutState:
        """The state after new evidence at moment `at`: candidates that are dropped or certified by it."""

    def decision_at(
        self, plan: Plan, state: RolloutState, at: int, /, *, time_is_over: bool = False
    ) -> Decision | None:
        """The decision that the evidence demands at moment `at`, or None to go on. time_is_over: no more evidence will
        come, so none need be waited for."""

    def next_stage(self, plan: Plan, state: RolloutState, at: int, /) -> RolloutState | None:
        """The state at the beginning of the next step, None to go on with this one."""

    def describe(self, plan: Plan, /) -> str:
        """How requests get to the candidates: the end of a sentence that says what is tried."""

    def describe_step(self, plan: Plan, state: RolloutState, /) -> str:
        """The present step and the requests of candidates in it, as a phrase."""

    def count_step(self, plan: Plan, state: RolloutState, /) -> str:
        """The present step and how many are planned, as people count: "1/3"; "1" where that is not known."""


def strategy_of(plan: Plan) -> Strategy:
    """The strategy by which a plan's candidates are tried."""
    return _loaded(plan.spec.strategy_traits.module)


@cache  # it is asked for several times a look, and Python's own search for a loaded module costs more than the rest
def _loaded(module: str) -> Strategy:
    return cast(Strategy, import_module(module).STRATEGY)
