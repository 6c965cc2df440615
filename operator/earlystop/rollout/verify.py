"""Recomputing a stored verdict from what is stored: the looks, the plan, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.counts import Look
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.engine import assess, replay
from earlystop.rollout.judge import HARM_REASONS, harm_reason, held
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Verdict
from earlystop.rollout.verdict import columns, digest_of


def differences(spec: dict[str, Any]) -> list[str]:
    """Where a verdict differs from what its looks give, one sentence each; none when it can be recomputed.

    Raises ValueError when the record is not a verdict.
    """
    record = VerdictSpec.model_validate(spec)
    plan = parse_plan(record.plan)
    learned = float(record.dispersion) if record.dispersion else plan.objective.dispersion
    objective = replace(plan.objective, dispersion=learned)
    told = []
    if digest_of(spec) != record.digest:
        told.append("The digest does not belong to this record: it was changed after it was made.")
    if record.columns != columns(plan):
        told.append("The names of the columns are not those of a look under this plan.")
    try:
        found = assess(replay(objective, (Look.from_row(list(row)) for row in record.looks)))
    except ValueError as error:
        return [*told, f"The looks cannot be counts: {error}."]
    promoted = Verdict(record.decision) == Verdict.PROMOTE
    for name in ("promote", "harm", "tokens", "sample_ratio"):
        stored, again = getattr(record.log_e, name), repr(getattr(found.log_e_max, name))
        if stored != again:
            told.append(f"The looks give a log e-value of {again} for {name}, the record says {stored}.")
    others = {each.name: each.value for each in record.log_e.others}
    for name, value in found.log_e_max.others:
        if others.pop(name, None) != repr(value):
            told.append(f"The looks give a log e-value of {value!r} for {name}, which the record does not say.")
    told += [f"The record has a log e-value for {name}, which its plan does not ask for." for name in others]
    if promoted and not (found.non_inferior and found.saves_tokens):
        told.append("The looks do not prove what a promotion needs.")
    if promoted and held(found):
        told.append("The looks show a comparison that is not sound, from which nothing is promoted.")
    if promoted and found.harmful:
        told.append("The looks show harm, yet the record says Promote.")
    if record.reason in HARM_REASONS and record.reason != harm_reason(found):
        told.append(f"The looks do not show what the record rolls back for ({record.reason}).")
    return told
