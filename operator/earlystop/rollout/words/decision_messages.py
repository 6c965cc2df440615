"""Why something was decided about a candidate, in a sentence for people: what is proven, or which harm is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from earlystop.api.plurals import counted
from earlystop.evidence.engine import Assessment
from earlystop.evidence.objective import About, Basis, Claim, ClaimKind, GuardrailKind, Objective
from earlystop.rollout.e_value_words import claim_words, one_in
from earlystop.rollout.formatting import (
    beside_margin,
    in_count,
    in_duration,
    in_factor,
    in_percent,
    in_points,
    rfc3339,
)
from earlystop.rollout.pinned_baseline import margin_sentence
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
)
from earlystop.rollout.state import NOT_CHOSEN, Comparison, RolloutState
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.dispersion_words import unknown_dispersion
from earlystop.rollout.words.listing import some_of, with_room_for_names

MOST_CHARACTERS = 1024
"""That the message of a verdict has room for."""
FEW_ANSWERS = "few long answers make the mean length, and tokens.longestAnswer would make the test exact"
MOST_HARMS_NAMED = 4

ABOUT = {
    None: "",
    About.FILE: " (about their file, not about what they were drawn from)",
    About.POPULATION: " (each once, so about the population that they were drawn from)",
}
"""What follows the number of golden questions."""


def benefit_message(plan: Plan, state: RolloutState, name: str) -> str:
    """The sentence on what a candidate is proven to do."""
    return with_room_for_names(lambda most: _benefit_message(plan, state, name, most), MOST_CHARACTERS)


def _benefit_message(plan: Plan, state: RolloutState, name: str, most: int) -> str:
    comparison = state.comparison(name)
    objective, assessment = comparison.evidence.objective, comparison.assessment
    each = f", also in each of {len(objective.classes)} query classes," if objective.require_each else ""
    shadow = "" if strategy_of(plan).promotes else " No request was answered with it: delivery.mode is Shadow."
    return (
        f"Candidate {name} is proven to lose less than {counted(in_points(objective.margin), 'point of EM')} "
        f"({beside_margin(assessment.effect, objective.margin)}){each} and to save at least "
        f"{in_percent(objective.minimum_saving)} of the tokens ({in_percent(assessment.saving)}), "
        f"from {_sizes(objective, assessment)}; risk of error "
        f"{in_factor(objective.risk_promote)}{_other_candidates(plan, state, name, most)}."
        f"{margin_sentence(plan, comparison)}{shadow}"
    )


def _other_candidates(plan: Plan, state: RolloutState, winner: str, most: int) -> str:
    """What became of the other candidates. most: how many names of each kind stand there."""
    if not strategy_of(plan).judges_together(plan):
        return ""
    proven: list[str] = []
    dropped: list[str] = []
    undecided: list[str] = []
    in_shadow: list[str] = []
    for each in state.comparisons:
        left = in_shadow if each.dropped and each.dropped.reason == NOT_CHOSEN else dropped
        group = left if each.dropped else proven if each.certified_at is not None else undecided
        group += [each.name] if each.name != winner else []
    groups = (
        ("also proven", proven),
        ("dropped", dropped),
        ("not chosen", in_shadow),
        ("not decided", undecided),
    )
    phrases = "; ".join(f"{what}: {some_of(names, most)}" for what, names in groups if names)
    return f" for all {counted(len(state.comparisons), 'candidate')} together ({phrases})"


def all_dropped_message(plan: Plan, state: RolloutState) -> str:
    """The sentence on a campaign of which no candidate is left."""
    reasons = [f"{each.name}: {each.dropped.reason}" for each in state.comparisons if each.dropped]
    risk = in_factor(plan.objective.risk_harm)
    return with_room_for_names(
        lambda most: f"Every candidate is proven to be harmful ({some_of(reasons, most)}); risk of error {risk} each.",
        MOST_CHARACTERS,
    )


def harm_message(comparison: Comparison) -> str:
    """The sentence on every harm that a candidate is shown to do."""
    objective, assessment = comparison.evidence.objective, comparison.assessment
    named = " It ".join(_harm_phrase(objective, claim, assessment) for claim in assessment.harms[:MOST_HARMS_NAMED])
    more = len(assessment.harms) - MOST_HARMS_NAMED
    others = f" {more} more claims of harm are proven." if more > 0 else ""
    sizes, risk = _sizes(objective, assessment), in_factor(objective.risk_harm)
    return f"Candidate {comparison.name} {named}{others} From {sizes}; risk of error {risk}."


def _harm_phrase(objective: Objective, claim: Claim, assessment: Assessment) -> str:
    if claim.kind is ClaimKind.EXACT_MATCH:
        lost = in_points(objective.margin)
        return f"is proven to lose more than {counted(lost, 'point of EM')} ({in_points(assessment.effect)})."
    if claim.kind is ClaimKind.FLOOR:
        assert objective.floor is not None  # only a floor makes this claim
        return f"is proven to answer below the floor of {counted(in_points(objective.floor), 'point of EM')}."
    if claim.kind is ClaimKind.QUERY_CLASS:
        margin = next(each.margin for each in objective.classes if each.name == claim.name)
        return f"is proven to lose more than {counted(in_points(margin), 'point of EM')} in query class {claim.name}."
    rail = next(each for each in objective.guardrails if each.name == claim.name)
    what, times = _BAD_EVENTS[rail.kind], in_factor(rail.maximum_ratio)
    return f"is proven to {what} more than {times} times as often as the baseline (guardrail {claim.name})."


_BAD_EVENTS: Mapping[GuardrailKind, str] = MappingProxyType(
    {
        GuardrailKind.FAILURE_RATE: "fail",
        GuardrailKind.NEGATIVE_FEEDBACK: "displease users",
        GuardrailKind.UNSCORED_RATE: "give answers that cannot be scored",
        GuardrailKind.EMPTY_RATE: "give empty answers",
        GuardrailKind.CUT_RATE: "give answers that are cut off",
    }
)


def _sizes(objective: Objective, assessment: Assessment) -> str:
    baseline, candidate = map(in_count, assessment.scored)
    if objective.basis is Basis.PAIRS:
        return f"{counted(baseline, 'question')} that both answered{ABOUT[objective.about]}"
    return f"{counted(baseline, 'answer')} of the baseline and {candidate} of the candidate{of_users(assessment)}"


def of_users(assessment: Assessment) -> str:
    """Who asked, where the same users are in every look: the end of a phrase on answers, "" elsewhere."""
    users = assessment.users
    if users is None:
        return ""
    seen = f"about {in_count(users.baseline)} and {counted(in_count(users.candidate), 'user')}"
    return f", of {seen} who scatter {in_factor(round(users.answers / 1000, 2))} times as much as independent answers"


def missing_phrases(missing: Iterable[Missing], name: str) -> tuple[str, ...]:
    """What a promotion of candidate `name` still needs, one phrase each with its numbers."""
    return tuple(_missing_phrase(each, name) for each in missing)


def how_far(missing: NotNonInferior | NotSaving | EvidenceTurned) -> str:
    """How far the proof of a claim is, or was, by the e-values of its looks."""
    if isinstance(missing, EvidenceTurned):
        return f"{one_in(missing.log_e)} of it now; it was proven by {one_in(missing.largest)}"
    return claim_words(missing.log_e, missing.log_e, missing.risk)


def _missing_phrase(missing: Missing, name: str) -> str:
    match missing:
        case NotNonInferior():
            each = " in each query class" if missing.require_each else ""
            classes = f"; missing in {', '.join(missing.classes)}" if missing.classes else ""
            return (
                f"a loss of less than {counted(in_points(missing.margin), 'point of EM')}{each} (seen: "
                f"{in_points(missing.effect)}; {how_far(missing)}{classes})"
            )
        case NotSaving():
            few = f"; {FEW_ANSWERS}" if missing.rests_on_few else ""
            return (
                f"a saving of at least {in_percent(missing.minimum_saving)} of the tokens (seen: "
                f"{in_percent(missing.saving)}; {how_far(missing)}{few})"
            )
        case UnsoundSplit():
            whose = "requests" if missing.candidate == name else f"requests of {missing.candidate}"
            return f"a comparison that is sound ({whose} are not split as the weights say)"
        case UnknownDispersion():
            return unknown_dispersion(missing.known)
        case UnmovedSetting():
            return "a setting that reaches the engine (lengths of answers have not moved)"
        case UnequalAttrition():
            return f"answers that are missing alike in both variants ({missing.phrase})"
        case RestsOnMissing():
            lack = counted(missing.lacking, "pair lacks", "pairs lack")
            return (
                f"a proof by the pairs that lack no answer ({lack} one variant's answer, and the others prove too "
                "little)"
            )
        case MostlyUnscored():
            return f"answers that can be scored ({missing.phrase})"
        case ContradictoryCounts():
            return f"counts that can be ({missing.phrase})"
        case NotCertified():
            return "its claims beside those of the other candidates (closed testing)"
        case NoLiveAnswers():
            return "anything on live answers: no request was answered with it yet"
        case LeastTime():
            return f"the step's least time of {in_duration(missing.seconds)}"
        case EvidenceTurned():
            return f"evidence that still speaks for {missing.claim} ({how_far(missing)})"
        case HoursNotCovered():
            return f"{missing.hours} h of traffic (minimumHours), which are over at {rfc3339(missing.until)}"
        case MixMoved():
            return mix_phrase(missing)


def mix_phrase(missing: MixMoved) -> str:
    """What a promotion waits for while the mix of classes over all requests is another than that of the evidence."""
    lost = counted(f"{100 * missing.lost:z.1f}", "point of EM", "points of EM")
    return (
        f"a loss of less than {counted(in_points(missing.margin), 'point of EM')} over all requests: the mix of query "
        f"classes moved with the weights, so the evidence is about another mix (over all requests {lost} seem lost)"
    )
