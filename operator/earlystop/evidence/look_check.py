"""Whether a look can be: counts are increments, weights are percents, and its classes are those of the objective."""

from __future__ import annotations

from earlystop.api.counts import TALLY_FIELDS, Look, Variant
from earlystop.evidence.objective import Objective


def check_look(objective: Objective, look: Look) -> None:
    """Raise ValueError, naming the field, for a count that cannot be or a weight outside 1..99."""
    if not 1 <= look.weight <= 99:
        raise ValueError(f"look at {look.at}: weight is {look.weight}; write the candidate's share in percent, 1..99")
    if look.baseline_weight is not None and not 1 <= look.baseline_weight <= 99:
        raise ValueError(f"look at {look.at}: the baseline's weight is {look.baseline_weight}; write 1..99")
    check_counts(objective, look)


def check_counts(objective: Objective, look: Look) -> None:
    """As `check_look`, whatever the weights are: golden questions are compared beside any."""
    if look.users is not None and min(look.users) < 0:
        raise ValueError(f"look at {look.at}: a count of users is {min(look.users)}; write 0 or more")
    if len(look.classes) != len(objective.classes):
        raise ValueError(
            f"look at {look.at}: answers of {len(look.classes)} query classes; the policy names "
            f"{len(objective.classes)}"
        )
    for variant, tally in ((Variant.BASELINE, look.baseline), (Variant.CANDIDATE, look.candidate)):
        row = tally.row()
        if min(row) < 0:
            name, count = next((n, c) for n, c in zip(TALLY_FIELDS, row, strict=True) if c < 0)
            raise ValueError(
                f"look at {look.at}: {variant}.{name} is {count}; write the increment since the look before, 0 or more"
            )
    for each, answers in zip(objective.classes, look.classes, strict=True):
        if min(answers) < 0:
            raise ValueError(
                f"look at {look.at}: query class {each.name} has a count of {min(answers)}; write 0 or more"
            )
