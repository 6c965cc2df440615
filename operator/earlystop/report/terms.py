"""What a comparison had to prove, as the page's own script takes it (`assets/replay.js`)."""

from __future__ import annotations

from typing import Any

from earlystop.evidence.missing_answers import counted_by_class, counts_as_mismatch, leaves_out_pairs
from earlystop.evidence.objective import Objective


def terms_of(objective: Objective) -> dict[str, Any]:
    """The part of an objective that Exact Match, harm and tokens are judged by, as JSON.

    Fractions and probabilities are numbers, as in `Objective`. riskHarm: the share of Exact Match alone.
    """
    return {
        "engine": objective.engine,
        "margin": objective.margin,
        "minimumSaving": objective.minimum_saving,
        "riskPromote": objective.risk_promote,
        "riskHarm": objective.harm_risks.exact_match,
        "basis": objective.basis.value,
        "source": objective.source.value,
        "dispersion": objective.dispersion,
        "classes": [each.name for each in objective.classes],
        "countsUnscored": counts_as_mismatch(objective),
        "unscoredByClass": counted_by_class(objective),
        "leavesOutPairs": leaves_out_pairs(objective),
        "byUsers": objective.by_users,
        "splitKnown": objective.split_known,
        "longestAnswer": objective.longest_answer,
        "limitIsDerived": objective.limit_is_derived,
        "knownLooks": objective.known_looks,
        "sessionsDeclared": objective.sessions_declared,
        "answersRepeat": objective.answers_repeat,
        "sameSettingSteps": objective.same_setting_steps,
    }
