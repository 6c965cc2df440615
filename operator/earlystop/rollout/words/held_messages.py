"""An end without a verdict of a candidate of which everything is proven: what held its promotion, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.rollout.held_by_dispersion import is_proven_as_far_as_is_known
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import (
    ContradictoryCounts,
    EvidenceTurned,
    HoursNotCovered,
    LeastTime,
    Missing,
    MixMoved,
    MostlyUnscored,
    NoLiveAnswers,
    NotCertified,
    NotNonInferior,
    NotSaving,
    RestsOnMissing,
    UnequalAttrition,
    UnknownDispersion,
    UnmovedSetting,
    UnsoundSplit,
    missing_for_promotion,
)
from earlystop.rollout.state import Comparison, RolloutState
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.decision_messages import missing_phrases

NEITHER_PROVEN = "Neither benefit nor harm was proven"
"""What sentences on an end without a verdict begin with."""

NO_SETTING_PROVEN = "no setting is proven"
"""What the sentences on the budget of a search say."""


def deadline_message(duration: str) -> str:
    """The sentence on a campaign without a verdict at its deadline. duration: the time that it had, in words."""
    return f"{NEITHER_PROVEN} within {duration}."


def unless_held(sentence: str, state: RolloutState, at: int) -> str:
    """The sentence on an end without a verdict at moment `at` (Unix seconds); where every claim about a candidate is
    proven, one that names it, what held its promotion, and what to do."""
    plan = state.pinned_plan
    for each in sorted(state.active, key=lambda one: one.name != state.leader):
        missing = missing_for_promotion(plan, state, each.name, at)
        if (held := held_sentence(sentence, plan, each, missing)) is not None:
            return held
    return sentence


def held_sentence(sentence: str, plan: Plan, comparison: Comparison, missing: Sequence[Missing]) -> str | None:
    """The same of one candidate that lacks `missing`; None where some claim about it is not proven, or nothing is
    missing. Query classes that are judged each by itself have sentences of their own."""
    waits_for = [each for each in missing if not isinstance(each, NotNonInferior | NotSaving)]
    if plan.is_per_class or not waits_for or NotCertified() in waits_for:
        return None
    known = ""
    if len(waits_for) < len(missing):
        if not is_proven_as_far_as_is_known(comparison):
            return None
        known = " as far as is known"
    name, promotes = comparison.name, strategy_of(plan).promotes
    done, deed = ("promoted", "promotion") if promotes else ("recommended", "recommendation")
    proven = f"very claim about {name} was proven{known}"
    changed = sentence.replace(NEITHER_PROVEN, f"E{proven}, and it was not {done}", 1)
    changed = changed.replace(NO_SETTING_PROVEN, f"no setting was {done}, though e{proven}", 1)
    if changed == sentence:
        changed = f"{sentence} E{proven}, and it was not {done}."
    (phrase,) = missing_phrases(waits_for[:1], name)
    waited = "until it is known" if isinstance(waits_for[0], UnknownDispersion) else "for"
    more = ", and for more" if len(waits_for) > 1 else ""
    return f"{changed} Its {deed} waited {waited} {phrase}{more}. {_what_to_do(waits_for[0])}"


def _what_to_do(missing: Missing) -> str:
    match missing:
        case UnsoundSplit():
            return "Check the gateway and the headers that clients send, then retry."
        case UnmovedSetting():
            return "Check that the server reads the setting's header, then retry."
        case UnequalAttrition() | RestsOnMissing():
            return "Find why answers are missing, then retry."
        case MostlyUnscored():
            return (
                "Count answers that nobody tries to score not at all (result=None), or write exactMatch.unscored: "
                "Exclude, then retry."
            )
        case ContradictoryCounts():
            return "Correct what the server counts, then retry."
        case UnknownDispersion():
            return "Retry with a longer time, or with what is known of how much answers scatter."
        case EvidenceTurned():
            return "Look for what changed, then retry."
        case HoursNotCovered():
            return "Retry with a time that is some hours longer than rollout.minimumHours."
        case MixMoved() | LeastTime() | NoLiveAnswers() | NotCertified() | NotNonInferior() | NotSaving():
            return "Retry with more traffic or a longer time."
