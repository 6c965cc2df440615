"""Recomputing the words of a verdict from its looks: effect, saving, settings, reason, message, time and revision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from earlystop.api.plurals import counted
from earlystop.api.verdict import OtherCandidate, VerdictSpec
from earlystop.api.wire import commitment_in
from earlystop.rollout.certificate.response import lapsed_messages
from earlystop.rollout.class_settings import class_settings
from earlystop.rollout.decided import LONGEST_MESSAGE, with_remainder
from earlystop.rollout.decision import (
    AFTER_PROMOTION,
    BY_CLASS,
    CERTIFICATE_LAPSED,
    EVERY_CANDIDATE_DROPPED,
    GUARD_ALARM,
    HARM_REASONS,
    HARMFUL_IN_EVERY_CLASS,
    harm_reason,
)
from earlystop.rollout.formatting import DURATION, beside_margin, from_rfc3339, in_percent, in_points
from earlystop.rollout.golden_questions import exhausted_message
from earlystop.rollout.guard.adjust import STEPPED_BACK, stepped_back_message
from earlystop.rollout.guard.verify import alarm_messages
from earlystop.rollout.manual import ABORTED, PROMOTED_BY_PERSON
from earlystop.rollout.outages import interrupts
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import LeastTime, Missing, NoLiveAnswers, missing_proof, mix_moved
from earlystop.rollout.revision import revision_of
from earlystop.rollout.serving import setting_pairs
from earlystop.rollout.state import Comparison, Dropped, RolloutState, Totals, Verdict
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.strategies import alone, together
from earlystop.rollout.transitions import NEVER_READY, NEVER_READY_MESSAGE
from earlystop.rollout.trials.budget import (
    TRIAL_GIVEN_UP,
    TRIAL_REQUESTS_USED,
    given_up,
    is_hopeless,
    only_proposed_used,
    time_used_messages,
)
from earlystop.rollout.trials.budget import requests_used as trial_requests_used
from earlystop.rollout.trials.campaign_budget import (
    earlier_seconds_sentence,
    requests_sentence,
    requests_used,
    seconds_sentence,
)
from earlystop.rollout.trials.end_reasons import BUDGET_USED
from earlystop.rollout.verify.earlier_verdict import decision_in
from earlystop.rollout.verify.earlier_words import earlier_missing_phrases, sentence_pattern, texts_of_users
from earlystop.rollout.waiting.answered import (
    APPROVAL_EXPIRED,
    APPROVAL_REJECTED,
    PROOF_NOT_REGAINED,
    not_regained_message,
    rejected_by,
    rejected_message,
)
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT, is_gate_message
from earlystop.rollout.words.class_messages import by_class_message, harmful_in_classes_message
from earlystop.rollout.words.decision_messages import (
    all_dropped_message,
    benefit_message,
    harm_message,
    missing_phrases,
)
from earlystop.rollout.words.held_messages import deadline_message, held_sentence

OUTAGE = f"Counts could not be read for {DURATION}; {{}}" + r"\."
NO_METRICS = OUTAGE.format("back to the baseline")
ANY_TIME = "ANY TIME"
"""Stands for the duration in a sentence that becomes a pattern."""
LEADS_TO = {
    **dict.fromkeys((*HARM_REASONS, EVERY_CANDIDATE_DROPPED, "NoMetrics", NEVER_READY, ABORTED), (Verdict.ROLL_BACK,)),
    **dict.fromkeys((HARMFUL_IN_EVERY_CLASS, APPROVAL_REJECTED, GATE_CLOSED), (Verdict.ROLL_BACK,)),
    **dict.fromkeys((APPROVAL_EXPIRED, PROOF_NOT_REGAINED, GATE_TIMED_OUT), (Verdict.INCONCLUSIVE,)),
    **dict.fromkeys((alone.REASON, together.REASON, BY_CLASS), (Verdict.PROMOTE, Verdict.RECOMMEND)),
    **dict.fromkeys(
        ("DeadlineExceeded", "RecordFull", "QuestionsExhausted", TRIAL_REQUESTS_USED, TRIAL_GIVEN_UP, BUDGET_USED),
        (Verdict.INCONCLUSIVE,),
    ),
    PROMOTED_BY_PERSON: (Verdict.PROMOTE,),
    **dict.fromkeys(AFTER_PROMOTION, (Verdict.ROLL_BACK,)),
    STEPPED_BACK: (Verdict.PROMOTE,),
}


def word_differences(
    record: VerdictSpec, plan: Plan, own: Comparison, others: Mapping[str, Comparison], certified: set[str]
) -> list[str]:
    """Where the words of a record are not those that its looks give, one sentence each.

    own, others: the candidates' comparisons, replayed from the looks. certified: names of those that were proven beside
    each other.
    """
    problems = _findings(record, own)
    for other in record.others:
        problems += _findings(other, others[other.candidate], f"of {other.candidate} ")
    if record.settings != setting_pairs(plan, own, decision_in(record)):
        problems.append("The settings before and after are not those that the plan and the decision give.")
    commitment = commitment_in(record.revision)
    if record.revision != revision_of(record.policy_uid, record.campaign, record.entropy or "", commitment):
        problems.append("The revision is not that of this policy's UID and campaign.")
    verdicts = LEADS_TO.get(record.reason)
    if verdicts is None or Verdict(record.decision) not in verdicts:
        problems.append(f"The reason {record.reason} does not lead to the decision {record.decision}.")
        return problems
    state = _state(record, plan, own, others, certified)
    if not _is_right_message(record, plan, state):
        problems.append("The message is not the sentence that the looks and the reason give.")
    return problems + _time(record, (own, *others.values()))


def _findings(record: VerdictSpec | OtherCandidate, comparison: Comparison, whose: str = "") -> list[str]:
    assessment = comparison.assessment
    found = {"effect": in_points(assessment.effect), "saving": in_percent(assessment.saving)}
    return [
        f"The looks {whose}give the {name} {text}, the record says {getattr(record, name)}."
        for name, text in found.items()
        if getattr(record, name) != text
    ]


def _state(
    record: VerdictSpec, plan: Plan, own: Comparison, others: Mapping[str, Comparison], certified: set[str]
) -> RolloutState:
    """The campaign at its decision, as far as the record tells of it."""
    steps = {each.candidate: each.dropped_at_step for each in record.others}
    reasons = {each.candidate: each.reason for each in record.others}
    uncertain = Totals()
    if record.uncertain is not None:
        uncertain = Totals(record.uncertain.baseline.tally(), record.uncertain.candidate.tally())
    comparisons = []
    for each in (own, *others.values()):
        step = steps.get(each.name)
        is_dropped = step is not None or record.reason == EVERY_CANDIDATE_DROPPED
        dropped = (
            Dropped(reasons.get(each.name) or harm_reason(each.assessment), "", 0, step or 0) if is_dropped else None
        )
        proven = each.name in certified and not is_dropped
        comparisons.append(replace(each, dropped=dropped, certified_at=0 if proven else None, uncertain=uncertain))
    return RolloutState(plan=plan, comparisons=tuple(sorted(comparisons, key=lambda each: plan.names.index(each.name))))


def _is_right_message(record: VerdictSpec, plan: Plan, state: RolloutState) -> bool:
    uncertain = state.comparison(record.candidate).uncertain
    if record.reason in (GATE_CLOSED, GATE_TIMED_OUT):
        return is_gate_message(record.reason, record.candidate, record.message, with_remainder("", uncertain).strip())
    if record.reason == APPROVAL_REJECTED:
        ends = rejected_message(record.candidate, "", "").removeprefix(rejected_by(""))
        return record.message.startswith(rejected_by(record.rejected_by or "")) and record.message.endswith(ends)
    if record.reason in ("NoMetrics", "DeadlineExceeded", ABORTED, APPROVAL_EXPIRED, PROOF_NOT_REGAINED):
        asked = re.escape(f"Asked for by {record.requested_by}: the campaign is aborted")
        after = r"(, after its decision [A-Za-z]+ \([A-Za-z]+\))?, and all requests go to the baseline\."
        goes_on = interrupts(plan, record.reason, has_looks=bool(record.looks))
        outage = OUTAGE.format("the trial stops, and goes on later with the evidence so far") if goes_on else NO_METRICS
        expired = rf"No approval of candidate {re.escape(record.candidate)} could be followed within {DURATION}\."
        lost = re.escape(not_regained_message(record.candidate, 0)).replace("0\\ s", DURATION)
        patterns = {
            "NoMetrics": outage,
            "DeadlineExceeded": _deadline_pattern(plan, state),
            ABORTED: asked + after,
            PROOF_NOT_REGAINED: lost,
        }
        pattern = patterns.get(record.reason, expired)
        tail = with_remainder("", uncertain).strip()
        return re.fullmatch(pattern + (re.escape(f" {tail}") if tail else ""), record.message) is not None
    sentences = {
        with_remainder(each[:LONGEST_MESSAGE], uncertain)
        for message in _messages(record, plan, state)
        for each in (message, _of_earlier_releases(message, state, record.candidate))
    }
    given = texts_of_users(record, plan)
    return any(re.fullmatch(sentence_pattern(each, given), record.message) for each in sentences)


def _of_earlier_releases(message: str, state: RolloutState, name: str) -> str:
    """The message as it was written before a bound beside the margin got more digits."""
    comparison = state.comparison(name)
    effect = comparison.assessment.effect
    now = beside_margin(effect, comparison.evidence.objective.margin)
    return message.replace(f"({now})", f"({in_points(effect)})")


def _messages(record: VerdictSpec, plan: Plan, state: RolloutState) -> list[str]:
    """The sentences that the reason and the looks may have led to."""
    own = state.comparison(record.candidate)
    if record.reason in HARM_REASONS:
        return [harm_message(own)]
    if record.reason == EVERY_CANDIDATE_DROPPED:
        return [all_dropped_message(plan, state)]
    if record.reason == BY_CLASS:
        return [by_class_message(plan, class_settings(plan, state.comparisons))]
    if record.reason == HARMFUL_IN_EVERY_CLASS:
        return [harmful_in_classes_message(plan)]
    if record.reason == "RecordFull":
        sentences = [f"No verdict after {counted(state.most_looks, 'look')}, the most that a record holds."]
        return [*sentences, *_held(sentences, plan, state)]
    if record.reason == TRIAL_REQUESTS_USED:
        trial = plan.trial
        is_used = trial is not None and started_in(own.looks) >= trial.requests
        sentences = [trial_requests_used(plan, own), only_proposed_used(plan)] if is_used else []
        return [*sentences, *_held(sentences, plan, state)]
    if record.reason == TRIAL_GIVEN_UP:
        return [given_up(plan, own)] if is_hopeless(plan, own) else []
    if record.reason == BUDGET_USED:
        sentences = time_used_messages(plan) if plan.trial is not None else _budget_sentences(plan, state)
        return [*sentences, *_held(sentences, plan, state)]
    if record.reason == NEVER_READY:
        return [NEVER_READY_MESSAGE]
    if record.reason == "QuestionsExhausted":
        return [exhausted_message(own), *_held([exhausted_message(own)], plan, state)]
    if record.reason == GUARD_ALARM:
        return alarm_messages(record, plan)
    if record.reason == CERTIFICATE_LAPSED:
        return lapsed_messages()
    if record.reason == STEPPED_BACK:
        return [stepped_back_message(plan, state, own.name)]
    if record.reason == PROMOTED_BY_PERSON:
        return [
            f"Asked for by {record.requested_by}: {own.name} is promoted now. {each}"
            for each in _doubts(plan, state, own)
        ]
    return [benefit_message(plan, state, own.name)]


def _budget_sentences(plan: Plan, state: RolloutState) -> list[str]:
    """What may be said of the budget of a search in one campaign; of its time looks tell nothing."""
    budget = None if plan.spec.search is None else plan.spec.search.budget
    if budget is None:
        return []
    enough = budget.requests is not None and requests_used(plan, state) >= budget.requests
    sentences = [requests_sentence(budget.requests)] if budget.requests is not None and enough else []
    if budget.seconds is not None:
        sentences += [seconds_sentence(budget.seconds), earlier_seconds_sentence(budget.seconds)]
    return sentences


def _deadline_pattern(plan: Plan, state: RolloutState) -> str:
    """The sentence on the deadline, whose time is not in the plan; releases said it of what was held too."""
    sentence = deadline_message(ANY_TIME)
    either = [sentence_pattern(sentence), *map(re.escape, _held([sentence], plan, state))]
    return f"(?:{'|'.join(either)})".replace(re.escape(ANY_TIME), DURATION)


def _held(sentences: Iterable[str], plan: Plan, state: RolloutState) -> list[str]:
    """The sentences on an end without a verdict, as they are where something held a candidate that is proven."""
    cases = [(each, missing) for each in state.active for missing in _possibly_missing(plan, state, each)]
    found = (held_sentence(sentence, plan, *case) for sentence in sentences for case in cases)
    return [each for each in found if each is not None]


def _possibly_missing(plan: Plan, state: RolloutState, own: Comparison) -> list[tuple[Missing, ...]]:
    """What a promotion may have lacked. Looks do not tell whether the step had its least time, nor in which step a
    campaign without looks was, so each possibility is one."""
    proof = missing_proof(plan, own, state.active)
    some: list[tuple[Missing, ...]] = [proof, (*proof, NoLiveAnswers())]
    if not proof:
        some += [(LeastTime(each.minimum_seconds),) for each in plan.stages]
        some.append(mix_moved(own))  # under version 2 of the engine it is no part of the proof
    return some


def _doubts(plan: Plan, state: RolloutState, own: Comparison) -> list[str]:
    """What was not proven at a promotion by request."""
    some = _possibly_missing(plan, state, own)
    words = (missing_phrases, earlier_missing_phrases)
    lists = ("; ".join(phrases(each, own.name)) for each in some for phrases in words)
    return [
        f"Not proven at that moment: {each}." if each else "All claims were proven at that moment." for each in lists
    ]


def _time(record: VerdictSpec, comparisons: tuple[Comparison, ...]) -> list[str]:
    """A decision by evidence is of its last look's moment; any other one comes after its last look."""
    last = max((look.at for each in comparisons for look in each.looks), default=0)
    try:
        at = from_rfc3339(record.at)
    except ValueError as error:
        return [f"The time of the decision cannot be read: {error}."]
    at_its_look = record.reason in (
        *HARM_REASONS,
        EVERY_CANDIDATE_DROPPED,
        alone.REASON,
        "RecordFull",
        TRIAL_REQUESTS_USED,
        TRIAL_GIVEN_UP,
    )
    if at < last or (at_its_look and at != last and not record.approved_by):
        return ["The time of the decision does not fit its last look."]
    return []
