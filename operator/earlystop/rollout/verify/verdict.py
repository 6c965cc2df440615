"""Recomputing a stored verdict from what is stored: the looks, the plan, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from earlystop.api.counts import FIRST_COUNTS, TALLY_FIELDS, Look, UserScatter, Variant
from earlystop.api.plurals import counted
from earlystop.api.verdict import OtherCandidate, RecordedLogE, VerdictSpec
from earlystop.api.wire import DIGEST_ANNOTATION, GROUP, POLICY_LABEL, POLICY_UID_LABEL
from earlystop.evidence.engine import Assessment, Objective, replay
from earlystop.rollout.decision import (
    AFTER_PROMOTION,
    BY_CLASS,
    EVERY_CANDIDATE_DROPPED,
    HARM_REASONS,
    harm_reason,
)
from earlystop.rollout.guard.adjust import STEPPED_BACK
from earlystop.rollout.guard.verify import guard_differences
from earlystop.rollout.manual import ABORTED, BY_PERSON, PROMOTED_BY_PERSON
from earlystop.rollout.pinned_baseline import margin_status
from earlystop.rollout.plan import Plan, Stage, StageKind, parse_plan
from earlystop.rollout.promotion import (
    ContradictoryCounts,
    EvidenceTurned,
    HoursNotCovered,
    Missing,
    MixMoved,
    MostlyUnscored,
    RestsOnMissing,
    UnequalAttrition,
    UnknownDispersion,
    UnmovedSetting,
    UnsoundSplit,
    missing_proof,
)
from earlystop.rollout.search.verdict_chain import Link, forks
from earlystop.rollout.spent_risk import recorded_risk
from earlystop.rollout.state import NOT_CHOSEN, Comparison, Verdict
from earlystop.rollout.strategies.together import ever_certified
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.verdict import digest_of, first_verdict_name, later_verdict_name, policy_label
from earlystop.rollout.verdict_columns import columns
from earlystop.rollout.verify.approval import approval_differences
from earlystop.rollout.verify.classes import class_differences, with_class_records
from earlystop.rollout.verify.earlier_verdict import EarlierVerdict
from earlystop.rollout.verify.form import form_differences
from earlystop.rollout.verify.margin import margin_differences
from earlystop.rollout.verify.search import earlier_trial_differences, search_differences
from earlystop.rollout.verify.steps import step_differences
from earlystop.rollout.verify.words import word_differences

FAVOURABLE = (Verdict.PROMOTE, Verdict.RECOMMEND)
LATER = (*BY_PERSON, *AFTER_PROMOTION, STEPPED_BACK)
"""Reasons of decisions that may follow another one of their campaign."""
KIND = "EarlyStopVerdict"
MOST_DECISIONS = 24
"""With ten candidates a guard may alarm ten times and step back nine times, beside what a person decides."""


def differences(spec: dict[str, Any]) -> list[str]:
    """Where a verdict differs from what its looks give, one sentence each; none when it can be recomputed. A verdict
    that a person asked for needs no proof, but its counts, e-values and digest must be right.

    Raises ValueError when the record is not a verdict.
    """
    record = VerdictSpec.model_validate(spec)
    plan = parse_plan(record.plan)
    problems = []
    if digest_of(spec) != record.digest:
        problems.append("The digest does not belong to this record: it was changed after it was made.")
    problems += form_differences(record, spec)
    if record.risk != recorded_risk(plan):
        problems.append("What the record says is spent of the risks of error does not follow from its plan.")
    begin = len(columns(plan)) - len(UserScatter._fields) * plan.objective.by_users
    later = record.columns[begin : begin + len(record.columns) - len(columns(plan))]
    if record.columns != columns(plan, later) or not _are_later(later):
        problems.append("The names of the columns are not those of a look under this plan.")
    if record.number_of_looks not in (None, len(record.looks)):
        problems.append(
            f"The record says that it has {counted(record.number_of_looks, 'look')}, but it has {len(record.looks)}."
        )
    if [other.candidate for other in record.others] != [each for each in plan.names if each != record.candidate]:
        return [*problems, "The candidates are not those of the plan."]
    favourable = Verdict(record.decision) in FAVOURABLE and record.reason != BY_CLASS
    by_person = record.reason in BY_PERSON
    try:
        own = recomputed(record, plan, record)
        others = {other.candidate: recomputed(record, plan, other) for other in record.others}
        own, others = with_class_records(plan, record, own, others)
    except ValueError as error:
        return [*problems, f"The looks cannot be counts: {error}."]
    problems += _other_values(record.log_e, own.assessment)
    for other in record.others:
        problems += _other_values(other.log_e, others[other.candidate].assessment, f"of {other.candidate} ")
        problems += _other_drop(plan, other, others[other.candidate].assessment)
    if record.margin != margin_status(plan, own if favourable and not by_person else None):
        problems.append("What the record says is spent of the margin does not follow from its plan and its looks.")
    problems += [each for one in (own, *others.values()) for each in step_differences(plan, one)]
    problems += class_differences(plan, record, own, others)
    problems += _unsigned(record, by_person)
    problems += search_differences(record, plan)
    problems += guard_differences(record, plan, tuple(own.looks))
    if favourable and not by_person:
        problems += _unproven(plan, record, own, others)
    if favourable and own.claims.harmful:
        problems.append("The looks show harm, yet the record promotes the candidate.")
    alleged = record.reason in HARM_REASONS and record.reason != harm_reason(own.assessment)
    everyone = all(each.claims.harmful for each in (own, *others.values()))
    if alleged or (record.reason == EVERY_CANDIDATE_DROPPED and not everyone):
        problems.append(f"The looks do not show what the record rolls back for ({record.reason}).")
    problems += approval_differences(record, spec)
    return problems + word_differences(record, plan, own, others, _proven_together(plan, own, others))


def object_differences(manifest: Mapping[str, Any]) -> list[str]:
    """As `differences`, of the whole object: its kind, name, labels and digest must be those of the record. A manifest
    without metadata is judged by its spec. Raises ValueError when it is not a verdict."""
    spec, metadata = manifest["spec"], manifest.get("metadata", {})
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    problems = differences(spec)
    base = first_verdict_name(spec["policy"], spec["revision"])
    numbers = range(2, MOST_DECISIONS + 1) if spec["reason"] in LATER else ()
    later = [later_verdict_name(spec["policy"], spec["revision"], number) for number in numbers]
    if "name" in metadata and metadata["name"] not in (base, *later):
        problems.append(f"The name {metadata['name']} is not that of this policy and revision, {base}.")
    elif labels.get(POLICY_LABEL, label := policy_label(spec["policy"])) != label:
        problems.append("The label with the policy's name is not that in the record.")
    if labels.get(POLICY_UID_LABEL, spec["policyUid"]) != spec["policyUid"]:
        problems.append("The label with the policy's UID is not the UID in the record.")
    if not problems and annotations.get(DIGEST_ANNOTATION, spec["digest"]) != spec["digest"]:
        problems.append(f"The annotation {DIGEST_ANNOTATION} is not the digest in the record.")
    if manifest.get("kind", KIND) != KIND or str(manifest.get("apiVersion", GROUP)).partition("/")[0] != GROUP:
        problems.append(f"The object is said to be another than an {KIND} of {GROUP}.")
    return problems


def chain_differences(
    manifest: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]], removed: Iterable[Link] = ()
) -> list[str]:
    """Where the chain of verdicts that leads to this one is broken, one sentence each.

    verdicts: all verdicts of policies of this one's name, in its namespace. Each names the digest of the one before it,
    and no two the same one. removed: links of those that retention has removed, as checkpoints tell.
    """
    by_digest = {each["spec"]["digest"]: each for each in verdicts}
    removed = [each for each in removed if each.digest not in by_digest]
    gone = {each.digest: each.previous for each in removed}
    followed: list[str] = []
    previous = manifest["spec"].get("previous", "")
    while previous:
        before = by_digest.get(previous)
        if before is None and previous not in gone:
            return [f"The verdict before this one, with the digest {previous}, is not there."]
        if previous in followed:
            return [f"The chain of verdicts leads back to {previous}."]
        if before is not None and digest_of(before["spec"]) != previous:
            return [f"The verdict {before['metadata']['name']} before this one was changed after it was made."]
        followed.append(previous)
        previous = gone[previous] if before is None else before["spec"].get("previous", "")
    spec = manifest["spec"]
    return [
        *continuity_differences(spec, [EarlierVerdict(each) for each in _of_one_policy(spec, followed, by_digest)]),
        *fork_sentences(verdicts, removed),
    ]


def continuity_differences(spec: Mapping[str, Any], before: Sequence[EarlierVerdict]) -> list[str]:
    """Where a verdict does not go on from those before it: in the margin that they have used, and in the trials of its
    search. before: the verdicts of the same policy before it, the first one first."""
    return [*margin_differences(spec, before), *earlier_trial_differences(spec, before)]


def _of_one_policy(
    spec: Mapping[str, Any], followed: Sequence[str], by_digest: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Specs of the verdicts before one, the first one first: of the same policy, not of one that had its name before,
    whose status is gone with what it remembered."""
    specs = (by_digest[each]["spec"] for each in reversed(followed) if each in by_digest)
    return [each for each in specs if each["policyUid"] == spec["policyUid"]]


def fork_sentences(verdicts: Sequence[Mapping[str, Any]], removed: Iterable[Link]) -> list[str]:
    """Verdicts that follow the same one: one of them was not made by the operator, or a status was lost meanwhile.
    removed: links of those that are there no more."""
    return [
        f"The verdicts {' and '.join(sorted(each.name for each in found))} "
        + (f"follow the same one, with the digest {previous}." if previous else "are each said to be the first.")
        for (_, previous), found in forks([*removed, *map(Link.of, verdicts)]).items()
    ]


def _are_later(names: Sequence[str]) -> bool:
    """Whether columns after those of a plan are those of later counts: of this release, or of one before it."""
    known = {f"{variant}.{name}" for variant in Variant for name in TALLY_FIELDS[FIRST_COUNTS:]}
    return not names or (set(names) <= {*known, "unused", "later"} and names[-1] == "later")


def recomputed(record: VerdictSpec, plan: Plan, of: VerdictSpec | OtherCandidate) -> Comparison:
    """A candidate's comparison as its looks give it, with what they had to prove: in shadow that is less than on live
    answers. Raises ValueError for looks that cannot be counts."""
    looks = tuple(Look.from_row(list(row), by_users=plan.objective_at(row[1], None).by_users) for row in of.looks)
    return Comparison(of.candidate, replay(judged_objective(record, plan, of), looks), looks=looks)


def judged_objective(record: VerdictSpec, plan: Plan, of: VerdictSpec | OtherCandidate) -> Objective:
    """What a candidate had to prove in the step of its last look."""
    learned = record.learned_dispersion
    return plan.objective_at(of.looks[-1][1] if of.looks else _step_without_looks(plan, of), learned)


def _step_without_looks(plan: Plan, of: VerdictSpec | OtherCandidate) -> int:
    """A step that asks for just the claims that the record names: a campaign may end before any look."""
    named = {each.name for each in of.log_e.others}
    claims = ({str(each) for each in plan.objective_at(step, None).other_claims} for step in range(len(plan.stages)))
    return next((step for step, asked_for in enumerate(claims) if asked_for == named), len(plan.stages))


def _other_values(stored: RecordedLogE, assessment: Assessment, whose: str = "") -> list[str]:
    problems = []
    # Records of earlier releases do not name what was missing; their evidence has none of it.
    for name in ("promote", "harm", "tokens", "sample_ratio", "attrition"):
        if name == "attrition" and stored.attrition is None and not assessment.log_e_max.attrition:
            continue
        before, again = getattr(stored, name), repr(getattr(assessment.log_e_max, name))
        if before != again:
            problems.append(f"The looks {whose}give a log e-value of {again} for {name}, the record says {before}.")
    others = {each.name: each.value for each in stored.others}
    for claim, value in assessment.log_e_max.others:
        if others.pop(str(claim), None) != repr(value):
            problems.append(
                f"The looks {whose}give a log e-value of {value!r} for {claim}, which the record does not say."
            )
    return problems + [f"The record has a log e-value for {name}, which its plan does not ask for." for name in others]


def _other_drop(plan: Plan, other: OtherCandidate, assessment: Assessment) -> list[str]:
    step = other.dropped_at_step
    if (other.reason is None) != (step is None):
        return [f"The record says of {other.candidate} only one of both, that it was dropped and why."]
    if other.reason is None:
        return []
    if other.reason == harm_reason(assessment):
        is_last = not other.looks or other.looks[-1][1] == step
        return [] if is_last else [f"The last look of {other.candidate} is of another step than that of its drop."]
    in_shadow = step is not None and plan.stage(step).kind is StageKind.SHADOW
    traits = plan.spec.strategy_traits
    if other.reason == NOT_CHOSEN and (traits.moves_shares or (in_shadow and traits.splits_among_one)):
        return []  # to try a setting no longer promotes none, whoever is chosen
    return [f"The looks of {other.candidate} do not show what it was dropped for ({other.reason})."]


def _unproven(plan: Plan, record: VerdictSpec, own: Comparison, others: Mapping[str, Comparison]) -> list[str]:
    """What a promotion lacks. Candidates whose evidence ended in an earlier stage have no part in the closed test;
    while requests of any that is tried do not arrive as weighted, none is promoted."""
    if own.name in _proven_together(plan, own, others):
        own = replace(own, certified_at=own.looks[-1].at)
    tried = [others[other.candidate] for other in record.others if other.dropped_at_step is None]
    sentences = (_missing_sentence(each, own.name) for each in missing_proof(plan, own, tried))
    return list(dict.fromkeys(sentences))


def _proven_together(plan: Plan, own: Comparison, others: Mapping[str, Comparison]) -> set[str]:
    """Names of the candidates that are proven beside each other; none where one is judged alone."""
    if not strategy_of(plan).judges_together(plan):
        return set()
    beside = [other for other in others.values() if _last_stage(plan, other) == _last_stage(plan, own)]
    return ever_certified([own, *beside], own.evidence.objective.risk_promote)


def _missing_sentence(missing: Missing, name: str) -> str:
    match missing:
        case UnsoundSplit() if missing.candidate != name:
            return (
                f"The looks show that the requests of {missing.candidate} did not arrive as they were split, so "
                "nothing is promoted."
            )
        case UnequalAttrition() | MostlyUnscored() | ContradictoryCounts():
            return f"The looks show counts from which nothing is promoted: {missing.phrase}."
        case RestsOnMissing():
            return (
                "What the looks show rests on pairs that lack an answer, and the others do not prove it, so nothing is "
                "promoted."
            )
        case UnsoundSplit() | UnmovedSetting():
            return "The looks show a comparison that is not sound, from which nothing is promoted."
        case UnknownDispersion():
            return "The looks do not show how much answers scatter, so nothing is promoted."
        case EvidenceTurned():
            return "At the last look the evidence spoke against what was proven before, so nothing is promoted."
        case HoursNotCovered():
            return "The looks span fewer hours than the plan asks for before a promotion."
        case MixMoved():
            return (
                "The mix of query classes moved with the weights, and the looks do not exclude a loss of the margin "
                "over all requests, so nothing is promoted."
            )
        case _:
            return "The looks do not prove what a promotion needs."


def _last_stage(plan: Plan, comparison: Comparison) -> Stage:
    return plan.stage(comparison.looks[-1].step if comparison.looks else len(plan.stages))


def _unsigned(record: VerdictSpec, by_person: bool) -> list[str]:
    """A request needs no proof but somebody who made it; nobody asked for what the evidence decided."""
    if by_person and not record.requested_by:
        return [f"The record's reason is {record.reason}, but it does not say who asked for it."]
    if record.requested_by and not by_person:
        return [f"The record says who asked for it, but its reason is {record.reason}."]
    verdict = {PROMOTED_BY_PERSON: Verdict.PROMOTE, ABORTED: Verdict.ROLL_BACK}.get(record.reason)
    if verdict is not None and record.decision != verdict.value:
        return [f"The record's reason is {record.reason}, which leads to {verdict.value}, not {record.decision}."]
    return []
