"""The two intervals that are shown of a comparison, each worked out when it is first asked for.

A bound is found by bisection, which takes as long as all else that a look asks of the evidence, and nothing is decided
by most of them: a status is stored every eighth look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from earlystop.evidence import shown
from earlystop.evidence.discount import Discount
from earlystop.evidence.divisors import Witnesses, divisors
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import Objective
from earlystop.evidence.own_difference import OwnDifference
from earlystop.evidence.pairs import PairsProcess
from earlystop.evidence.shown import ShownSums
from earlystop.evidence.tokens import TokenProcess


class KnownIntervals(NamedTuple):
    """effect: EM candidate minus baseline. saving: share of tokens saved."""

    effect: Interval
    saving: Interval


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShownIntervals:
    """The intervals of a state of evidence. Equal to others with the same bounds.

    discount: how evidence on answers is read. witnesses: by which it is known how evidence on lengths is. own: what
    cohorts differ by without the setting. is_*, saves: what is claimed, which the intervals do not contradict.
    """

    objective: Objective
    sums: ShownSums
    paired: PairsProcess
    tokens: TokenProcess
    exact_tokens: BoundedTokenProcess | None
    discount: Discount
    witnesses: Witnesses
    own: OwnDifference | None
    is_non_inferior: bool
    is_harmful: bool
    saves: bool
    _effect: Interval | None = field(default=None, init=False)
    _saving: Interval | None = field(default=None, init=False)

    @property
    def effect(self) -> Interval:
        """EM candidate minus baseline."""
        if self._effect is None:
            claims = {"is_non_inferior": self.is_non_inferior, "is_harmful": self.is_harmful}
            found = shown.effect(self.sums, self.paired, self.objective, **claims, discount=self.discount, own=self.own)
            object.__setattr__(self, "_effect", found)
        assert self._effect is not None  # set above
        return self._effect

    @property
    def saving(self) -> Interval:
        """Share of tokens saved."""
        if self._saving is None:
            discount = divisors(self.objective, self.witnesses).lengths
            found = shown.saving(
                self.tokens, self.exact_tokens, self.objective, saves=self.saves, discount=discount, own=self.own
            )
            object.__setattr__(self, "_saving", found)
        assert self._saving is not None  # set above
        return self._saving

    def _both(self) -> KnownIntervals:
        return KnownIntervals(self.effect, self.saving)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShownIntervals) and self._both() == other._both()

    def __hash__(self) -> int:
        return hash(self._both())

    def __repr__(self) -> str:
        return repr(self._both())
