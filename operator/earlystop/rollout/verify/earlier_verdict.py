"""A verdict that came before others, which are checked against it: it is read once, and not once for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from earlystop.api.counts import Look
from earlystop.api.status.search import TrialStatus
from earlystop.api.verdict import VerdictSpec
from earlystop.evidence.engine import replay
from earlystop.rollout.plan import parse_plan
from earlystop.rollout.state import Comparison, Decision, Verdict
from earlystop.rollout.stored.search_codec import trials_text
from earlystop.rollout.trials.sequence import record_of


@dataclass(frozen=True)
class EarlierVerdict:
    """A verdict before another one. spec: as it is stored; whether it is one is not known before it is asked."""

    spec: Mapping[str, Any]

    @cached_property
    def record(self) -> VerdictSpec:
        """What it says; looks only where it is of a search's trial. Raises ValueError when it is not a verdict."""
        record = VerdictSpec.model_validate(self.spec)
        if record.search is not None:
            return record
        # Nobody asks for these looks, and those of a thousand verdicts would fill the memory.
        return record.model_copy(update={"looks": (), "others": ()})

    @cached_property
    def row(self) -> TrialStatus:
        """What a search keeps of it, where it is a trial's. Raises ValueError for looks that cannot be counts."""
        return trial_row(self.record)


def trial_row(record: VerdictSpec) -> TrialStatus:
    """What a search keeps of a trial, from its verdict. Raises ValueError for looks that cannot be counts."""
    plan = parse_plan(record.plan)
    looks = tuple(Look.from_row(list(row), by_users=plan.objective_at(row[1], None).by_users) for row in record.looks)
    learned = record.learned_dispersion
    objective = plan.objective_at(looks[-1].step if looks else 0, learned)
    comparison = Comparison(record.candidate, replay(objective, looks), looks=looks)
    (row,) = trials_text((record_of(plan, comparison, decision_in(record), record.revision),))
    return row


def decision_in(record: VerdictSpec) -> Decision:
    """The decision that a verdict records, at moment 0."""
    by = record.requested_by or ""
    return Decision(Verdict(record.decision), record.reason, record.message, 0, record.candidate, requested_by=by)
