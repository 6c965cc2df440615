"""Several candidates that are judged together: a row for each, or a block for each where a row would be too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earlystop.api.plurals import counted
from earlystop.cli.screen.fitting import Block, fitting_rows, labelled, said
from earlystop.cli.screen.view import View
from earlystop.evidence.objective import Basis
from earlystop.rollout.e_value_words import one_in, one_in_line
from earlystop.rollout.formatting import in_count, in_percent, in_points
from earlystop.rollout.state import Comparison

OPTIONAL = ("answers", "saving")
DETAILS = (*OPTIONAL, "keeps EM", "harm")
"""Facts that a screen with few lines does without, where a row for each would not fit otherwise."""


def candidate_blocks(view: View) -> Iterator[Block]:
    """All candidates; nothing where there is one alone."""
    comparisons = view.state.comparisons
    if len(comparisons) < 2:
        return
    rows = [(each.name, _facts(view, each)) for each in comparisons]
    versions = [[(name, _without(facts, left_out)) for name, facts in rows] for left_out in ((), OPTIONAL, DETAILS)]
    objective = comparisons[0].evidence.objective
    lines = (
        f"keeps EM: that a loss is below {counted(in_points(objective.margin), 'point')}, proven at "
        f"{one_in_line(objective.risk_promote)} beside all others; harm: proven at "
        f"{one_in_line(objective.harm_risks.exact_match)}"
    )
    yield Block(tuple(fitting_rows("candidate", each) for each in versions), rank=1)
    yield Block((labelled("sure", said(lines)), None), rank=5)


def _without(facts: dict[str, str], left_out: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if name not in left_out}


def _facts(view: View, comparison: Comparison) -> dict[str, str]:
    stored: dict[str, Any] = next(
        (each for each in view.status.get("candidates", ()) if each.get("name") == comparison.name), {}
    )
    assessed, dropped = comparison.assessment, comparison.dropped
    state = "Trying" if comparison.certified_at is None else "Proven"
    return {
        "state": f"Dropped: {dropped.reason}" if dropped else state,
        "weight": f"{stored.get('weight', 0)} %",
        "answers": in_count(_answers(comparison)),
        "EM difference": in_points(assessed.effect),
        "saving": in_percent(assessed.saving),
        "keeps EM": one_in(assessed.log_e_max.promote),
        "harm": one_in(assessed.log_e_max.harm),
    }


def _answers(comparison: Comparison) -> int:
    if comparison.evidence.objective.basis is Basis.PAIRS:
        return sum(each.candidate.pairs.total for each in comparison.looks)
    return sum(each.candidate.scored for each in comparison.looks)
