"""What a plan supposes of how it is learned how much answers scatter: after how many looks, and by what factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.discount import GUESS_FREEDOM, Discount
from earlystop.evidence.dispersion_guess import UNKNOWN, UNLIKELY
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.longest_session import looks_to_learn
from earlystop.evidence.objective import Basis, Objective
from earlystop.evidence.scatter import LEAST_FREEDOM, SCALES, freedom_after
from earlystop.evidence.version import FIFTH, FOURTH
from earlystop.simulation.supposed_scatter import SupposedScatter

Looks = int | NDArray[np.int64]
"""Of all rollouts, or of each."""

LEARNED_SURPLUS = 1.4
"""How much larger the factor is that looks teach than the true one, on average after 128 to 300 looks: the price of a
bound for each of several scales."""


@dataclass(frozen=True, slots=True)
class SupposedDispersion:
    """The factors by which evidence is divided, besides what the objective says.

    waits: looks until it is known how much answers scatter, 0 where the policy or the design says it. guess, learned:
    the factors before and after, the second as a mean. block: looks in the blocks that teach it, None where the factor
    is no estimate. shown: what looks show in each rollout, None where all have `learned`; stated: by what that is
    divided.
    """

    waits: int = 0
    guess: float = 1.0
    learned: float = 1.0
    block: int | None = None
    shown: SupposedScatter | None = None
    stated: float = 1.0

    @classmethod
    def of(cls, objective: Objective, scatter: float) -> SupposedDispersion:
        """For answers that scatter so much more than independent ones, in groups that stay with a variant. Where there
        are none, requests are supposed to be drawn one by one, which makes the guess smaller."""
        stated = objective.dispersion
        if objective.source is not DispersionSource.LOOKS:
            return cls()
        is_single = scatter == 1 and objective.split_known
        is_unlikely = not objective.answers_repeat and (objective.basis is Basis.PAIRS or is_single)
        unknown = UNLIKELY if is_unlikely else UNKNOWN
        guess, learned = (max(1.0, factor / stated) for factor in (unknown, LEARNED_SURPLUS * scatter))
        block = objective.known_looks if objective.engine > FOURTH else None
        if objective.same_setting_steps:  # learned before anything is tried
            return cls(0, learned, learned, block)
        may_wait = objective.engine > FIFTH and not objective.sessions_declared and objective.split_known
        shown = None if objective.basis is Basis.PAIRS else SupposedScatter(scatter, may_wait)
        return cls(looks_to_learn(objective.known_looks), guess, learned, block, shown, stated)

    def after(self, looks: Looks, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The factor of the rollouts of these numbers after so many looks, and whether it is known."""
        factor, is_known = self.least_after(looks, numbers)
        if self.shown is not None and is_known.any():
            shown = self.shown.factor(numbers[is_known], looks if isinstance(looks, int) else looks[is_known])
            factor[is_known] = np.maximum(shown / self.stated, 1.0)
        return factor, is_known

    def least_after(self, looks: Looks, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """As `after`, but with the least factor that looks may teach: that takes no time."""
        if self.shown is None:
            is_known = np.full(len(numbers), looks >= self.waits)
            return np.where(is_known, self.learned, self.guess), is_known
        if not len(numbers) or np.max(looks) < self.waits:
            return np.full(len(numbers), self.guess), np.zeros(len(numbers), bool)
        waits = np.where(self.shown.waits_longer(numbers), max(self.waits, looks_to_learn(SCALES[-1])), self.waits)
        is_known = np.asarray(looks >= waits)
        return np.where(is_known, max(self.shown.least / self.stated, 1.0), self.guess), is_known

    def needed(self, log_e: float, looks: int) -> float:
        """What a rollout must read after so many looks so that this log e-value counts (`Discount.needed`)."""
        if self.block is None:
            return log_e
        known = max(LEAST_FREEDOM, freedom_after(self.block, looks))
        return Discount(freedom=known if looks >= self.waits else GUESS_FREEDOM).needed(log_e)
