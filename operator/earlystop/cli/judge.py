"""kubectl earlystop judge: counts that were written down, through the engine that runs in the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import typer

from earlystop.api.counts import ClassAnswers, PairAnswers, Pairs, Tally, Variant
from earlystop.api.plurals import counted
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.looks_file import Line, LooksError, grouped, read_file
from earlystop.cli.files.policies import read_offline_policy
from earlystop.evidence import dispersion
from earlystop.evidence.bets import Answers
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.engine import Assessment, Gap, LogE, begin
from earlystop.evidence.intervals import Interval
from earlystop.evidence.missing_answers import class_answers
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.increments import compare
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.state import Totals
from earlystop.rollout.strategy import strategy_of

EVEN_SPLIT = 50
HOLDS = {
    Gap.COUNTS: "CountsContradict",
    Gap.SAMPLE_RATIO: "TrafficSplitMismatch",
    Gap.ATTRITION: "AttritionDiffers",
    Gap.UNSCORED: "MostlyUnscored",
    Gap.SETTING: "SettingNotEffective",
}
"""What holds a promotion back whatever is proven, by the reason that a policy's condition has for it."""
PAIR_COLUMNS = tuple(f"pairs_{name}" for name in (*Pairs._fields, *PairAnswers._fields))


def print_judged(looks: Path, policy: Path) -> None:
    """Print a JSON object for each look of a file. Raises CommandFailure."""
    spec = read_offline_policy(policy)
    names = [each.name for each in spec.settings_to_try()]
    if len(names) > 1:
        raise CommandFailure(
            f"{policy} holds {counted(len(names), 'candidate')} ({', '.join(names)}), and judge reads counts of "
            "one beside the "
            "baseline; write a policy with just the one that the counts are of"
        )
    try:
        lines = read_file(looks)
        plan = parse_plan(plan_text(spec))
        # Where every stage is judged in shadow, what is to be proven is that of its first.
        objective = plan.objective if strategy_of(plan).promotes else plan.objective_at(0, None)
        objective = for_lines(objective, lines, looks.name)
    except ValueError as error:
        raise CommandFailure(f"{error}") from None
    if spec.rollout.learn_seconds:
        objective, lines = learned(objective, lines)
    if objective.by_users:
        typer.echo(
            "Each user keeps a variant under this policy, and a file does not say whose answers it counts, so nothing "
            "is promoted; write exactMatch.dispersion or exactMatch.assumeIndependent to judge it without users.",
            err=True,
        )
    for assessed in judged(objective, lines):
        typer.echo(json.dumps(assessed))


def for_lines(objective: Objective, lines: list[Line], name: str) -> Objective:
    """The objective for a file: one that holds pairs is judged on them, never on its answers too.

    Raises LooksError where the policy names query classes, which pairs do not tell apart.
    """
    paired = [(line.number, column) for line in lines for column in PAIR_COLUMNS if line.counts.get(column)]
    if not paired:
        return objective
    if objective.classes:
        number, column = paired[0]
        raise LooksError(
            f"{name}, line {number}, column {column}: the policy names query classes, which are compared on "
            "answers; remove the pairs or objective.queryClasses"
        )
    _refuse_contradicting_pairs(lines, name)
    return replace(objective, basis=Basis.PAIRS, source=DispersionSource.BY_DESIGN)


def _refuse_contradicting_pairs(lines: list[Line], name: str) -> None:
    """Pairs have both variants: they may stand in either line of a look, and in both they must be the same."""
    for group in grouped(lines):
        sums = [_sum(line for line in group if line.variant == variant).pairs for variant in Variant]
        if sums[0] != sums[1] and all(each.total for each in sums):
            raise LooksError(
                f"{name}, line {group[-1].number}: look {group[0].look} has {sums[0].total} pairs in the baseline's "
                f"line and {sums[1].total} in the candidate's; write them once, or the same in both"
            )


def learned(objective: Objective, lines: list[Line]) -> tuple[Objective, list[Line]]:
    """Looks of the baseline alone at the head of the file teach how much its answers scatter, as in the cluster, and
    are no evidence. Returns the objective with what was learned, and the other lines."""
    scatter, looks = dispersion.DispersionEstimate(), list(grouped(lines))
    alone = list(takewhile(lambda group: all(line.variant == Variant.BASELINE for line in group), looks))
    for group in alone:
        answers = _sum(group)
        scatter = dispersion.observe(scatter, Answers(answers.scored, answers.match))
    factor = max(dispersion.factor(scatter) or 1.0, objective.dispersion)
    return replace(objective, dispersion=factor), [line for group in looks[len(alone) :] for line in group]


def judged(objective: Objective, lines: list[Line]) -> Iterator[dict[str, Any]]:
    """What the evidence says after each look. The first verdict stays; looks are carried over as in the cluster."""
    state, verdict, step = begin(objective), "Continue", lines[0].step if lines else 1
    mark = totals = Totals(classes=(ClassAnswers(),) * len(objective.classes))
    for group in grouped(lines):
        weight = next((line.weight for line in group if line.weight is not None), EVEN_SPLIT)
        if group[0].step != step:
            step, mark = group[0].step, totals  # in the cluster, too, what is carried over ends with its step
        totals = _added(totals, group, objective)
        compared = compare(
            evidence=state, mark=mark, totals=totals, at=group[0].look, step=step, weight=weight, baseline_weight=None
        )
        if compared is not None:
            state, mark = compared.evidence, compared.mark
        verdict = state.assessment.verdict.value if verdict == "Continue" else verdict
        yield _as_json(group[0].look, state.assessment, verdict)


def _added(totals: Totals, group: list[Line], objective: Objective) -> Totals:
    """The totals with one look's lines. Without `started` the sample ratio is not judged."""
    baseline, candidate = (_sum(line for line in group if line.variant == variant) for variant in Variant)
    if not candidate.pairs.total:
        # Pairs have both variants, so they may stand in the baseline's line; in both lines they are the same.
        candidate = replace(candidate, **{column: getattr(baseline, column) for column in PAIR_COLUMNS})
    baseline = replace(baseline, **dict.fromkeys(PAIR_COLUMNS, 0))
    classes = []
    for each, known in zip(objective.classes, totals.classes, strict=True):
        own = [line for line in group if line.query_class == each.name]
        arms = [_sum(line for line in own if line.variant == variant) for variant in Variant]
        counts = class_answers(objective, *arms)
        classes.append(ClassAnswers(*(mine + more for mine, more in zip(known, counts, strict=True))))
    return Totals(totals.baseline + baseline, totals.candidate + candidate, tuple(classes))


def _sum(lines: Iterable[Line]) -> Tally:
    return sum((Tally(**line.counts) for line in lines), Tally())


def _as_json(look: int, assessment: Assessment, verdict: str) -> dict[str, Any]:
    return {
        "look": look,
        "log_e": _by_claim(assessment.log_e),
        "largest_log_e": _by_claim(assessment.log_e_max),
        "effect": assessment.effect.estimate,
        "interval": _bounds(assessment.effect),
        "saving": assessment.saving.estimate,
        "saving_interval": _bounds(assessment.saving),
        "setting": assessment.setting.value,
        "harms": [str(claim) for claim in assessment.harms],
        "attrition": assessment.log_e.attrition,
        "held": [reason for gap, reason in HOLDS.items() if gap in assessment.gaps],
        "verdict": verdict,
    }


def _by_claim(values: LogE) -> dict[str, float]:
    return {
        "promote": values.promote,
        "harm": values.harm,
        "tokens": values.tokens,
        "sample_ratio": values.sample_ratio,
        **{str(claim): value for claim, value in values.others},
    }


def _bounds(interval: Interval) -> list[float | None]:
    return [interval.low, interval.high]
