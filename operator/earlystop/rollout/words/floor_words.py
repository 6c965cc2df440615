"""A floor that the baseline itself is below: no setting that answers as the baseline does can stay, so that is told.

What was counted is said, and nothing is claimed by it: no decision depends on these words.
"""

from __future__ import annotations

from collections.abc import Iterable

from earlystop.evidence import attrition
from earlystop.evidence.bets import Answers
from earlystop.evidence.missing_answers import counts_as_mismatch
from earlystop.evidence.objective import Basis
from earlystop.rollout.formatting import in_count, in_percent, in_points
from earlystop.rollout.state import Comparison
from earlystop.rollout.stored.compressed_looks import counts_in

FEWEST_ANSWERS = 100
"""Of fewer answers of the baseline nothing is said: their share is no level yet."""


def floor_above_baseline(comparisons: Iterable[Comparison]) -> str:
    """A sentence, with a blank before it, where the baseline's answers so far are below the floor of a campaign; ""
    elsewhere. All candidates of a campaign have the same floor and baseline, so the first that has a floor decides."""
    for each in comparisons:
        if each.evidence.objective.floor is not None:
            return _sentence(each, each.evidence.objective.floor)
    return ""


def _sentence(comparison: Comparison, floor: float) -> str:
    seen = _answers_of_baseline(comparison)
    if seen.scored < FEWEST_ANSWERS or seen.match >= floor * seen.scored:
        return ""
    return (
        f" The baseline itself is below objective.exactMatch.floor: {in_count(seen.match)} of its "
        f"{in_count(seen.scored)} answers were right, {in_percent(seen.match / seen.scored)}, and the floor is "
        f"{in_points(floor)}. A setting that answers as well as the baseline is taken back for that; write a lower "
        "floor."
    )


def _answers_of_baseline(comparison: Comparison) -> Answers:
    """As the floor is read from the candidate's: unscored ones as they are judged, and those of pairs where Exact Match
    is read from pairs. Sums that are at hand save reading all looks again."""
    objective = comparison.evidence.objective
    if objective.basis is Basis.PAIRS:
        pairs = comparison.evidence.quality.paired_promote.pairs  # those that count
        return Answers(pairs.total, pairs.both + pairs.baseline_only)
    arm = comparison.evidence.attrition.baseline if attrition.is_checked(objective) else counts_in(comparison.looks)[0]
    wrong_too = arm.unscored if counts_as_mismatch(objective) else 0
    return Answers(arm.scored + wrong_too, arm.match)
