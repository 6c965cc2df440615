"""Whether a verdict counts what the verdicts before it have used of the margin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.baseline_use import used_before
from earlystop.rollout.decision import AFTER_PROMOTION
from earlystop.rollout.manual import ABORTED
from earlystop.rollout.pinned_baseline import losses_without, with_loss
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import ProvenLoss
from earlystop.rollout.verify.earlier_verdict import EarlierVerdict

TAKEN_BACK = (ABORTED, *AFTER_PROMOTION)
"""Reasons of a second decision that takes the certificate of the first one back."""


def margin_differences(spec: Mapping[str, Any], before: Sequence[EarlierVerdict]) -> list[str]:
    """Where what a verdict's plan says of earlier promotions does not follow from their verdicts, one sentence each.

    before: all verdicts before it, the first one first. Raises ValueError when one is not a verdict.
    """
    plan = parse_plan(str(spec["plan"]))
    if plan.spec.baseline.pinned is None:
        return []
    losses = _losses_after(each.record for each in before)
    expected = used_before(plan.spec, losses)
    if expected is None:
        return ["No verdict before this one proves its baseline, which is not the pinned one."]
    if expected != plan.used:
        return [
            f"The verdicts before this one allow a loss of {expected.lost:g} by {expected.promotions} promotions at a "
            f"risk of {expected.risk:g}; the plan counts {plan.used.lost:g}, {plan.used.promotions} and "
            f"{plan.used.risk:g}."
        ]
    return []


def _losses_after(records: Iterable[VerdictSpec]) -> tuple[ProvenLoss, ...]:
    losses: tuple[ProvenLoss, ...] = ()
    certified: VerdictSpec | None = None
    for record in records:
        plan = parse_plan(record.plan)
        if record.reason in TAKEN_BACK and certified is not None and certified.revision == record.revision:
            losses = losses_without(losses, parse_plan(certified.plan).settings_of(certified.candidate))
        certified = None
        if record.margin is not None and record.margin.spent_after is not None:
            certified = record
            losses = with_loss(losses, plan, record.candidate, float(record.margin.spent_after) - plan.used.lost)
    return losses
