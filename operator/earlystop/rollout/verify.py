"""Recomputing a stored verdict from what is stored: the looks, the plan, and nothing else."""

from __future__ import annotations

from typing import Any

from earlystop.api.counts import Look
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.engine import assess, replay
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Verdict
from earlystop.rollout.verdict import digest_of


def differences(spec: dict[str, Any]) -> list[str]:
    """Where a verdict differs from what its looks give, one sentence each; none when it can be recomputed.

    Raises ValueError when the record is not a verdict.
    """
    record = VerdictSpec.model_validate(spec)
    plan = parse_plan(record.plan)
    found = assess(replay(plan.objective, (Look.from_row(list(row)) for row in record.looks)))
    told = []
    promoted = Verdict(record.decision) == Verdict.PROMOTE
    if digest_of(spec) != record.digest:
        told.append("The digest does not belong to this record: it was changed after it was made.")
    for name in ("promote", "harm", "tokens", "sample_ratio"):
        stored, again = getattr(record.log_e, name), repr(getattr(found.log_e_max, name))
        if stored != again:
            told.append(f"The looks give a log e-value of {again} for {name}, the record says {stored}.")
    if promoted and not (found.non_inferior and found.saves_tokens):
        told.append("The looks do not prove what a promotion needs.")
    if promoted and found.harmful:
        told.append("The looks show harm, yet the record says Promote.")
    if record.reason == "HarmShown" and not found.harmful:
        told.append("The looks do not show harm.")
    return told
