"""Settings of their own for query classes: who is certified in which class, and which class gets what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.evidence import class_map
from earlystop.evidence.class_map import ClassEvidence
from earlystop.evidence.gaps import Gap
from earlystop.evidence.objective import ClaimKind
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import hours_not_covered
from earlystop.rollout.state import ClassSetting, Comparison, RolloutState

OF_ALL_REQUESTS = frozenset({Gap.SAMPLE_RATIO, Gap.ATTRITION, Gap.UNSCORED, Gap.COUNTS})
"""What is wrong with a candidate's counts whichever class they are of."""

OF_CLASSES = frozenset({ClaimKind.EXACT_MATCH, ClaimKind.QUERY_CLASS})
"""Harms that one class may have and another not: a mean over classes is harmed by a single one."""


def certified(plan: Plan, comparisons: Sequence[Comparison], at: int) -> tuple[Comparison, ...]:
    """The comparisons after asking, with the evidence of moment `at`, which candidates are proven in each class."""
    families = [
        class_map.certify(_family(comparisons, index), at, plan.objective.risk_promote)
        for index in range(len(plan.objective.classes))
    ]
    return _with_families(comparisons, families)


def replayed(plan: Plan, comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with the evidence of each class worked out anew from its looks."""
    families = []
    for index in range(len(plan.objective.classes) if plan.is_per_class else 0):
        objective = comparisons[0].by_class[index].evidence.objective
        records = [each.by_class[index].looks for each in comparisons]
        families.append(class_map.replayed(objective, records, plan.objective.risk_promote))
    return _with_families(comparisons, families)


def class_settings(plan: Plan, comparisons: Sequence[Comparison]) -> tuple[ClassSetting, ...]:
    """What each class gets, in the policy's order; a class without proof is not named and keeps the baseline.

    Where requests of any candidate did not arrive as they were split, no class gets anything.
    """
    if any(each.claims.sample_ratio_broken for each in comparisons):
        return ()
    usable = [each for each in comparisons if _may_be_given(each)]
    found = []
    for index, of_class in enumerate(plan.objective.classes):
        best = class_map.best(_family(usable, index))
        if best is not None:
            name = usable[best].name
            found.append(ClassSetting(of_class.name, name, plan.settings_of(name)))
    return tuple(found)


def unsettled_classes(plan: Plan, state: RolloutState) -> tuple[str, ...]:
    """Names of the classes to which more looks are of use, in the policy's order."""
    over = {index for index, each in enumerate(state.comparisons) if each.dropped or not _may_be_given(each)}
    return tuple(
        each.name
        for index, each in enumerate(plan.objective.classes)
        if not class_map.is_settled(_family(state.comparisons, index), over)
    )


def are_settled(plan: Plan, state: RolloutState) -> bool:
    """Whether more looks are of no use to any class."""
    return not unsettled_classes(plan, state)


def evidence_in_class(comparisons: Sequence[Comparison], index: int) -> dict[str, ClassEvidence]:
    """Each candidate's evidence in one class, by its name. index: of the class in the policy's order."""
    return dict(zip((each.name for each in comparisons), _family(comparisons, index), strict=True))


def hours_are_covered(plan: Plan, comparisons: Sequence[Comparison]) -> bool:
    """Whether looks span the hours that a promotion asks for: those of one candidate, since others may have been
    dropped before."""
    return any(hours_not_covered(plan, each) is None for each in comparisons)


def is_harmful_in_every_class(comparisons: Sequence[Comparison]) -> bool:
    """Whether each of these candidates is shown to lose more than the margin in every class."""
    return all(part.claims.harmful for each in comparisons for part in each.by_class)


def foremost(plan: Plan, settings: Sequence[ClassSetting]) -> str:
    """Name of the candidate that most classes get, the first of several in the plan's order. settings: at least one."""
    given = [each.candidate for each in settings]
    return max((name for name in plan.names if name in given), key=given.count)


def _may_be_given(comparison: Comparison) -> bool:
    """Whether nothing speaks against a candidate that all classes have in common."""
    claims = comparison.claims
    return not OF_ALL_REQUESTS & set(claims.gaps) and {each.kind for each in claims.harms} <= OF_CLASSES


def _family(comparisons: Sequence[Comparison], index: int) -> list[ClassEvidence]:
    parts = (each.by_class[index] for each in comparisons)
    return [ClassEvidence(part.evidence, part.certified_at) for part in parts]


def _with_families(
    comparisons: Sequence[Comparison], families: Sequence[Sequence[ClassEvidence]]
) -> tuple[Comparison, ...]:
    """The comparisons with the evidence of each class. families: one for each class, of every comparison."""
    if not families:
        return tuple(comparisons)
    return tuple(
        replace(
            each,
            by_class=tuple(
                replace(part, evidence=of_class[place].evidence, certified_at=of_class[place].certified_at)
                for part, of_class in zip(each.by_class, families, strict=True)
            ),
        )
        for place, each in enumerate(comparisons)
    )
