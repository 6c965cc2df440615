"""Several candidates judged together: who is shown to be harmful, who is proven, and who saves most.

A candidate is certified by closed testing: the average e-value of every set of candidates that holds it must be large
enough, so the risk of certifying any that should not be is the policy's, however many there are and however often one
looks (`evidence.many.closed_mean`). A candidate may be promoted if all its claims hold, so the least of their e-values
is its own. One that was dropped stays in the family with the evidence it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from earlystop.api.counts import Look
from earlystop.evidence.engine import Assessment, begin, update
from earlystop.evidence.multiple_testing import closed_mean
from earlystop.evidence.objective import CERTIFICATE, Objective
from earlystop.rollout.assessing import assess
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, Dropped, RolloutState


def drop(state: RolloutState, reasons: dict[int, tuple[str, str]], at: int) -> RolloutState:
    """The state without the candidates at these places; for each, the reason constant and a sentence."""
    return replace(
        state,
        comparisons=tuple(
            replace(each, dropped=Dropped(*reasons[place], at, state.step), certified_at=None)
            if place in reasons
            else each
            for place, each in enumerate(state.comparisons)
        ),
    )


def certify(plan: Plan, state: RolloutState, at: int) -> RolloutState:
    """The state after asking, with the evidence of this moment, which candidates are proven. Who is stays so."""
    family = [place for place, each in enumerate(state.comparisons) if _takes_part(plan, state, each)]
    values = [claim(assess(state.comparisons[place].evidence)) for place in family]
    shown = dict(zip(family, closed_mean(values, plan.objective.risk_promote), strict=True))
    return replace(
        state,
        comparisons=tuple(
            replace(each, certified_at=at)
            if shown.get(place) and each.certified_at is None and each.dropped is None
            else each
            for place, each in enumerate(state.comparisons)
        ),
    )


def claim(found: Assessment) -> float:
    """Natural log of the e-value now against "this candidate must not be promoted": the least of its claims'."""
    certificates = [value for name, value in found.log_e.others if name.startswith(CERTIFICATE)]
    return min(found.log_e.promote, found.log_e.tokens, *certificates)


def ever_certified(records: Sequence[tuple[Objective, Sequence[Look]]], risk: float) -> set[int]:
    """Places of the candidates that their looks certify together, at whichever moment."""
    states = [begin(objective) for objective, _ in records]
    looks = sorted(((look.at, place, look) for place, (_, own) in enumerate(records) for look in own), key=_moment)
    certified: set[int] = set()
    for _, together in groupby(looks, key=lambda each: each[0]):
        for _, place, look in together:
            states[place] = update(states[place], look)
        shown = closed_mean([claim(assess(state)) for state in states], risk)
        certified |= {place for place, is_shown in enumerate(shown) if is_shown}
    return certified


def _moment(entry: tuple[int, int, Look]) -> tuple[int, int]:
    return entry[:2]


def winner(plan: Plan, state: RolloutState, at_the_end: bool = False) -> int | None:
    """Place of the certified candidate with the largest proven saving, or None to go on.

    While time is left, one that is not decided yet is waited for unless it is shown to save less. At the end whoever is
    certified need wait for nobody.
    """
    found = {place: assess(state.comparisons[place].evidence) for place in state.active}
    if any(each.sample_ratio_broken for each in found.values()):
        return None
    certified = [place for place in found if state.comparisons[place].certified_at is not None]
    if not certified:
        return None
    best = max(certified, key=lambda place: _least_saving(found[place]))
    undecided = [each for place, each in found.items() if place not in certified]
    waits = any(not _saves_less(each, found[best]) for each in undecided)
    return None if waits and not at_the_end else best


def _takes_part(plan: Plan, state: RolloutState, comparison: Comparison) -> bool:
    """Whether a candidate's evidence is of the present stage; who was dropped in an earlier one was left behind."""
    return comparison.dropped is None or plan.stage(comparison.dropped.step) == plan.stage(state.step)


def _least_saving(found: Assessment) -> float:
    return -1.0 if found.saving.low is None else found.saving.low


def _saves_less(one: Assessment, other: Assessment) -> bool:
    most, least = one.saving.high, other.saving.low
    return most is not None and least is not None and most <= least
