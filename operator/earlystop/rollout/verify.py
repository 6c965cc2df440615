"""Recomputing a stored verdict from what is stored: the looks, the plan, and nothing else."""

from __future__ import annotations

from typing import Any

from earlystop.api.counts import Look
from earlystop.api.verdict import LogE, OtherCandidate, VerdictSpec
from earlystop.evidence.engine import Assessment, assess, replay
from earlystop.evidence.objective import Objective
from earlystop.rollout.decision import HARM_REASONS, harm_reason, held
from earlystop.rollout.manual import ABORTED, BY_PERSON, PROMOTED_BY_PERSON
from earlystop.rollout.plan import Plan, Stage, parse_plan
from earlystop.rollout.state import Verdict
from earlystop.rollout.strategies import ab_test
from earlystop.rollout.verdict import columns, digest_of

FAVOURABLE = (Verdict.PROMOTE, Verdict.RECOMMEND)


def differences(spec: dict[str, Any]) -> list[str]:
    """Where a verdict differs from what its looks give, one sentence each; none when it can be recomputed. A verdict
    that a person asked for needs no proof, but its counts, e-values and digest must be right.

    Raises ValueError when the record is not a verdict.
    """
    record = VerdictSpec.model_validate(spec)
    plan = parse_plan(record.plan)
    told = []
    if digest_of(spec) != record.digest:
        told.append("The digest does not belong to this record: it was changed after it was made.")
    if record.columns != columns(plan):
        told.append("The names of the columns are not those of a look under this plan.")
    if {record.candidate, *(other.candidate for other in record.others)} != set(plan.names):
        told.append("The candidates are not those of the plan.")
    try:
        own = _looks(record, plan, record)
        others = {other.candidate: _looks(record, plan, other) for other in record.others}
        found = assess(replay(*own))
        found_others = {name: assess(replay(*looks)) for name, looks in others.items()}
    except ValueError as error:
        return [*told, f"The looks cannot be counts: {error}."]
    told += _other_values(record.log_e, found)
    for other in record.others:
        told += _other_values(other.log_e, found_others[other.candidate], f"of {other.candidate} ")
        told += _other_drop(other, found_others[other.candidate])
    by_person = record.reason in BY_PERSON
    told += _unsigned(record, by_person)
    favourable = Verdict(record.decision) in FAVOURABLE
    if favourable and not by_person:
        told += _unproven(plan, found, own, list(others.values()))
        told += _unsound(record, found_others)
    if favourable and found.harmful:
        told.append("The looks show harm, yet the record promotes the candidate.")
    alleged = record.reason in HARM_REASONS and record.reason != harm_reason(found)
    everyone = found.harmful and all(found_others[other.candidate].harmful for other in record.others)
    if alleged or (record.reason == "EveryCandidateDropped" and not everyone):
        told.append(f"The looks do not show what the record rolls back for ({record.reason}).")
    return told


Record = tuple[Objective, tuple[Look, ...]]
"""What a candidate had to prove, and its looks."""


def _looks(record: VerdictSpec, plan: Plan, of: VerdictSpec | OtherCandidate) -> Record:
    """The looks of a candidate, with what they had to prove: in shadow that is less than on live answers."""
    looks = tuple(Look.from_row(list(row)) for row in of.looks)
    learned = float(record.dispersion) if record.dispersion else None
    return plan.objective_at(looks[-1].step if looks else _step_without_looks(plan, of), learned), looks


def _step_without_looks(plan: Plan, of: VerdictSpec | OtherCandidate) -> int:
    """A step that asks for just the claims that are told: a campaign may end in any stage before its first look."""
    told = {each.name for each in of.log_e.others}
    steps = range(len(plan.stages))
    return next((step for step in steps if set(plan.objective_at(step, None).other_claims) == told), len(plan.stages))


def _other_values(stored: LogE, found: Assessment, whose: str = "") -> list[str]:
    told = []
    for name in ("promote", "harm", "tokens", "sample_ratio"):
        before, again = getattr(stored, name), repr(getattr(found.log_e_max, name))
        if before != again:
            told.append(f"The looks {whose}give a log e-value of {again} for {name}, the record says {before}.")
    others = {each.name: each.value for each in stored.others}
    for name, value in found.log_e_max.others:
        if others.pop(name, None) != repr(value):
            told.append(f"The looks {whose}give a log e-value of {value!r} for {name}, which the record does not say.")
    return told + [f"The record has a log e-value for {name}, which its plan does not ask for." for name in others]


def _other_drop(other: OtherCandidate, found: Assessment) -> list[str]:
    if other.reason is None or other.reason == harm_reason(found):
        return []
    return [f"The looks of {other.candidate} do not show what it was dropped for ({other.reason})."]


def _unproven(plan: Plan, found: Assessment, own: Record, others: list[Record]) -> list[str]:
    """What a promotion lacks. Candidates whose evidence ended in an earlier stage have no part in it."""
    told = []
    beside = [other for other in others if _last_stage(plan, other) == _last_stage(plan, own)]
    together = ab_test.ever_certified([own, *beside], own[0].risk_promote) if plan.several else set()
    proven = 0 in together if plan.several else found.non_inferior and found.saves_tokens
    if not proven:
        told.append("The looks do not prove what a promotion needs.")
    if held(found):
        told.append("The looks show a comparison that is not sound, from which nothing is promoted.")
    return told


def _unsound(record: VerdictSpec, others: dict[str, Assessment]) -> list[str]:
    """While requests of any candidate that is tried do not arrive as weighted, none is promoted."""
    tried = [other.candidate for other in record.others if other.dropped_at_step is None]
    return [
        f"The looks show that the requests of {name} did not arrive as they were split, so nothing is promoted."
        for name in tried
        if others[name].sample_ratio_broken
    ]


def _last_stage(plan: Plan, record: Record) -> Stage:
    return plan.stage(record[1][-1].step if record[1] else len(plan.stages))


def _unsigned(record: VerdictSpec, by_person: bool) -> list[str]:
    """A wish needs no proof but somebody who had it; what the evidence decided nobody asked for."""
    if by_person and not record.requested_by:
        return [f"The record's reason is {record.reason}, but it does not say who asked for it."]
    if record.requested_by and not by_person:
        return [f"The record says who asked for it, but its reason is {record.reason}."]
    wanted = {PROMOTED_BY_PERSON: Verdict.PROMOTE, ABORTED: Verdict.ROLL_BACK}.get(record.reason)
    if wanted is not None and record.decision != wanted.value:
        return [f"The record's reason is {record.reason}, which leads to {wanted.value}, not {record.decision}."]
    return []
