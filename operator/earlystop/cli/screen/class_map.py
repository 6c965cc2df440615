"""Which settings are proven in each query class, where each class is to have a setting of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from earlystop.cli.screen.fitting import Block, labelled, said
from earlystop.cli.screen.view import View
from earlystop.evidence.class_map import ClassEvidence
from earlystop.rollout.class_settings import class_settings, evidence_in_class, hours_are_covered, unsettled_classes
from earlystop.rollout.decision import BY_CLASS
from earlystop.rollout.e_value_words import one_in
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import ENDED, RolloutState
from earlystop.rollout.steps import has_least_time
from earlystop.rollout.words.listing import some_of

MOST_NAMED = 6
"""Settings of a class that are named as proven or harmful; the others are counted."""
NONE = "none is proven"


def map_blocks(view: View) -> Iterator[Block]:
    """A line for each class, or one for all where lines are few; nothing where all requests get one setting."""
    rows = list(map_rows(view.state))
    if rows:
        lines = [said(f"{name}: {'; '.join((best, *others))}") for name, best, *others in rows]
        brief = said("; ".join(f"{name}: {best}" for name, best, *_ in rows))
        yield Block((labelled("classes", *lines), labelled("classes", brief)), rank=2)


def map_rows(state: RolloutState) -> Iterator[tuple[str, ...]]:
    """Of each class its name, the proven setting that saves most in it, and in words how the others stand."""
    plan = state.plan
    if plan is None or not plan.is_per_class or not state.comparisons:
        return
    best = best_of_classes(plan, state)
    for index, each in enumerate(plan.objective.classes):
        family = evidence_in_class(state.comparisons, index)
        yield (
            each.name,
            f"{best[each.name]} is best" if each.name in best else NONE,
            *_others(family, each.name in best),
        )


def best_of_classes(plan: Plan, state: RolloutState) -> dict[str, str]:
    """The candidate of each class that has one, by the class's name: as was decided, else by the evidence so far."""
    decided = state.phase in ENDED and state.decision is not None and state.decision.reason == BY_CLASS
    # The looks of a decision may stand in its verdict alone; what was certified stays in the status.
    stored = state.certified.classes if decided and state.certified is not None else ()
    return {each.query_class: each.candidate for each in stored or class_settings(plan, state.comparisons)}


def map_waits(plan: Plan, state: RolloutState, at: int) -> tuple[str, ...]:
    """What the end of a campaign by class waits for at moment `at` (Unix seconds), a phrase each."""
    unsettled = unsettled_classes(plan, state)
    waits = []
    if unsettled:
        names = some_of(unsettled, MOST_NAMED)
        waits.append(f"each setting to be proven, harmful or less saving than the best in {names}")
    if not has_least_time(plan, state, at):
        waits.append(f"the least time of this step, {in_duration(plan.stage(state.step).minimum_seconds)}")
    if not hours_are_covered(plan, state.comparisons):
        waits.append("as many hours of traffic as minimumHours says")
    return tuple(waits)


def _others(family: Mapping[str, ClassEvidence], has_best: bool) -> Iterator[str]:
    proven = [name for name, each in family.items() if each.is_proven]
    harmful = [name for name, each in family.items() if each.is_harmful]
    undecided = {name: each.log_e for name, each in family.items() if name not in (*proven, *harmful)}
    if len(proven) > 1:
        yield f"proven {some_of(proven, MOST_NAMED)}"
    if harmful:
        yield f"harmful {some_of(harmful, MOST_NAMED)}"
    if undecided and not has_best:
        nearest = max(undecided, key=lambda name: undecided[name])
        yield f"nearest is {nearest}, {one_in(undecided[nearest])}"
