"""What was learned of each setting, for people: from past comparisons to rows of a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from earlystop.rollout.search.belief import LOSS, SAVING, means_by
from earlystop.rollout.search.history import PastComparison, Subject, another_subject
from earlystop.rollout.search.trial import Estimate


@dataclass(frozen=True, slots=True)
class LearnedSetting:
    """What is known of one setting.

    values: of each parameter. verdicts: that are about it; promoted, rolled_back, undecided: how they ended, of which
    by_person people asked for. loss, saving: what is likely of the next deployment, as in `TrialOutcome`; None where no
    look had answers of both variants. holds: probability that the next deployment loses no more than the margin.
    """

    values: Mapping[str, str]
    verdicts: int
    promoted: int
    rolled_back: int
    undecided: int
    by_person: int
    loss: Estimate | None
    saving: Estimate | None
    holds: float | None


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of the settings of one subject.

    margin: by which `holds` is meant. settings: the most careful first where they have an order. comparisons: that this
    was learned from, the latest first.
    """

    subject: Subject
    margin: float
    settings: tuple[LearnedSetting, ...]
    comparisons: tuple[PastComparison, ...]


def learned_of(comparisons: Sequence[PastComparison], margin: float | None = None) -> list[Learned]:
    """What comparisons teach, subject by subject. margin: of Exact Match; None: that of a subject's latest verdict."""
    groups: list[list[PastComparison]] = []
    for each in comparisons:
        group = next((found for found in groups if another_subject(found[0].subject, each.subject) is None), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return [_learned(group, group[0].margin if margin is None else margin) for group in groups]


def probability_to_hold(loss: Estimate, margin: float) -> float:
    """How likely a loss is at most the margin."""
    return NormalDist(loss.mean, loss.error).cdf(margin)


def _learned(comparisons: Sequence[PastComparison], margin: float) -> Learned:
    by_values: dict[tuple[tuple[str, str], ...], list[PastComparison]] = {}
    for each in comparisons:
        by_values.setdefault(tuple(sorted(each.values.items())), []).append(each)
    losses = means_by(((key, one.loss) for key, found in by_values.items() for one in found if one.loss), LOSS)
    savings = means_by(((key, one.saving) for key, found in by_values.items() for one in found if one.saving), SAVING)
    rows = []
    for key, found in by_values.items():
        loss = losses[key].of_the_next if key in losses else None
        saving = savings[key].of_the_next if key in savings else None
        rows.append(_row(found, loss, saving, margin))
    subject = comparisons[0].subject
    return Learned(
        subject, margin, tuple(sorted(rows, key=lambda row: _order(subject, row.values))), tuple(comparisons)
    )


def _row(
    found: Sequence[PastComparison], loss: Estimate | None, saving: Estimate | None, margin: float
) -> LearnedSetting:
    return LearnedSetting(
        values=found[0].values,
        verdicts=len(found),
        promoted=sum(each.promoted for each in found),
        rolled_back=sum(each.rolled_back for each in found),
        undecided=sum(not each.promoted and not each.rolled_back for each in found),
        by_person=sum(each.by_person for each in found),
        loss=loss,
        saving=saving,
        holds=None if loss is None else probability_to_hold(loss, margin),
    )


def _order(subject: Subject, values: Mapping[str, str]) -> tuple[tuple[float, str], ...]:
    """A key that sorts settings from careful to bold by each parameter in turn; values without an order go by their
    text."""
    keys = []
    for parameter in subject.parameters:
        value = values.get(parameter.name, "")
        place = 0.0
        if parameter.type == "Choice" and parameter.choices and value in parameter.choices:
            place = float(parameter.choices.index(value))
        elif parameter.type in ("Integer", "Decimal") and value:
            place = float(value)
        keys.append((-place if parameter.stops_sooner == "WhenLower" else place, value))
    return tuple(keys)
