"""Which setting is proven for which query class, from one stream of requests in which every setting is judged.

A class is a comparison of its own: its requests, answers and lengths alone, with its own margin. Each setting has its
e-processes against the baseline in it, and the settings of a class are tested together: one is certified when the
average e-value of every set of settings that holds it is large enough (`multiple_testing.closed_mean`).

**What may go wrong, and how often.** In each class, with probability at most `risk` over all looks together, any
setting is certified that loses the class's margin or saves less than was asked for. So the class's entry in the map is
wrong at most that often, whichever certified setting is chosen, and at most that share of all entries is expected to be
wrong. Over K classes together some entry is wrong with probability at most K times `risk` (union bound); whoever wants
`risk` for the whole map writes a K-th of it. A class without proof has no entry: it keeps the baseline.

Nothing is assumed of how Exact Match follows a setting: the boldest may be safe where a middle one is not.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from earlystop.api.counts import Look
from earlystop.evidence.assessment import Verdict
from earlystop.evidence.engine import EvidenceState, begin, update
from earlystop.evidence.multiple_testing import closed_mean
from earlystop.evidence.objective import Objective


@dataclass(frozen=True, slots=True)
class ClassEvidence:
    """One setting's evidence in one class. certified_at: moment of the look at which it was certified beside the
    others, in Unix seconds; None before that."""

    evidence: EvidenceState
    certified_at: int | None = None

    @property
    def log_e(self) -> float:
        """Natural log of the e-value now against "the class must not get this setting": the lesser of its claims'.
        Every look asks for it of every setting and class, so no interval is worked out for it."""
        state = self.evidence
        promote, _ = state.quality.deciding(state.objective.basis)
        return min(promote.log_e, (state.exact_tokens or state.tokens).log_e)

    @property
    def is_proven(self) -> bool:
        """Whether the class may be given the setting now: certified, nothing speaks against a promotion, and no claim
        that was made has turned."""
        return self.certified_at is not None and self.log_e > 0 and self.evidence.assessment.verdict is Verdict.PROMOTE

    @property
    def is_harmful(self) -> bool:
        """Whether the setting is shown to lose more than the margin in the class."""
        return self.evidence.assessment.harmful


Family = Sequence[ClassEvidence]
"""The evidence of every setting in one class, in the settings' order."""


def start(objective: Objective, settings: int) -> tuple[ClassEvidence, ...]:
    """A class before its first look. objective: of the class. settings: how many are judged."""
    return (ClassEvidence(begin(objective)),) * settings


def after_looks(family: Family, looks: Sequence[Look | None], at: int, risk: float) -> tuple[ClassEvidence, ...]:
    """The class after a moment, in Unix seconds.

    looks: one for each setting, of the class's requests alone, None where a setting has no new counts. risk: of
    certifying any setting wrongly in this class. Raises ValueError as `engine.update` does.
    """
    moved = (
        each if look is None else replace(each, evidence=update(each.evidence, look))
        for each, look in zip(family, looks, strict=True)
    )
    return certify(tuple(moved), at, risk)


def certify(family: Family, at: int, risk: float) -> tuple[ClassEvidence, ...]:
    """The class after asking, with the evidence of moment `at`, which settings are proven. Who is stays so."""
    shown = closed_mean([each.log_e for each in family], risk)
    return tuple(
        replace(each, certified_at=at) if now and each.certified_at is None else each
        for each, now in zip(family, shown, strict=True)
    )


def replayed(objective: Objective, records: Sequence[Iterable[Look]], risk: float) -> tuple[ClassEvidence, ...]:
    """The class after all looks of each setting, by their moments. objective: of the class."""
    looks = sorted(((look.at, index, look) for index, record in enumerate(records) for look in record), key=_moment)
    family = start(objective, len(records))
    for at, at_once in groupby(looks, key=_moment):
        due: list[Look | None] = [None] * len(records)
        for _, index, look in at_once:
            due[index] = look
        family = after_looks(family, due, at, risk)
    return family


def best(family: Family) -> int | None:
    """Index of the proven setting with the largest proven saving in the class; None where the class keeps the
    baseline."""
    proven = [index for index, each in enumerate(family) if each.is_proven]
    return max(proven, key=lambda index: _least_saving(family[index]), default=None)


def is_settled(family: Family, over: Container[int] = ()) -> bool:
    """Whether more looks are of no use to the class: every setting is proven, shown to be harmful, or shown to save
    less than the best proven one. over: indices of settings that get no more looks anyway."""
    winner = best(family)
    return all(
        index in over or each.is_proven or each.is_harmful or (winner is not None and _saves_less(each, family[winner]))
        for index, each in enumerate(family)
    )


def _moment(entry: tuple[int, int, Look]) -> int:
    return entry[0]


def _least_saving(each: ClassEvidence) -> float:
    low = each.evidence.assessment.saving.low
    return -1.0 if low is None else low


def _saves_less(one: ClassEvidence, other: ClassEvidence) -> bool:
    most, least = one.evidence.assessment.saving.high, other.evidence.assessment.saving.low
    return most is not None and least is not None and most <= least
