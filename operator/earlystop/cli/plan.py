"""kubectl earlystop plan: how many requests and hours until a verdict, and with which probability."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.table import Table

from earlystop.api.percent import rounded_percent
from earlystop.api.policy import PolicySpec
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.policies import read_manifest, read_offline_policy
from earlystop.cli.missing_words import SUPPOSED_MISSING, missing_remarks
from earlystop.cli.plan_remarks import (
    floor_remarks,
    forecast_remarks,
    margin_remarks,
    rows_of,
    single_look_remark,
    supposed_remark,
    why_few,
)
from earlystop.cli.plan_waits import dispersion_hours, rate_remarks, wait_remarks
from earlystop.evidence.bets import Side
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.baseline_use import refusal_of_baseline, used_before
from earlystop.rollout.formatting import points_are_lost
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse
from earlystop.rollout.plan import Stage, StageKind, stages_of
from earlystop.rollout.plan_objective import objective_of
from earlystop.rollout.remembered import ProvenLoss
from earlystop.rollout.verdict_kind import Verdict
from earlystop.simulation.forecast import forecast
from earlystop.simulation.missing_cost import supposed_cost
from earlystop.simulation.planning import SENSIBLE, Question, ensure_room_for_pairs, fixed_sample_size
from earlystop.simulation.quantiles import interpolated_quantile
from earlystop.simulation.random_walk import Floats
from earlystop.simulation.watched_stages import SupposedTraffic

LEAST_SHARE = 0.01
"""Fewer rollouts than these that end as is supposed say nothing of their mean."""

console = terminal.console()


def show_plan(
    *,
    context: typer.Context,
    policy: Path,
    rate: float,
    baseline_em: float,
    em_loss: float,
    discordance: float,
    dispersion: float,
    answer_seconds: float,
    as_json: bool,
    curve: Path | None,
) -> None:
    """Print a forecast of the verdict. Raises CommandFailure."""
    spec = read_offline_policy(policy)
    if spec.search is not None or curve is not None:
        from earlystop.cli.searches import refuse_suppositions, show_searches

        refuse_suppositions(context)
        show_searches(spec, policy, curve, rate, 0, as_json=as_json)
        return
    losses = _stored_losses(policy)
    used, refusal = used_before(spec, losses), refusal_of_baseline(spec, losses)
    if used is not None and refusal is not None:
        raise CommandFailure(refusal.message)
    try:
        supposed = SupposedTraffic(rate, baseline_em, em_loss, discordance, dispersion, answer_seconds)
        found = planned(spec, supposed, used or NOTHING_USED)
    except ValueError as error:
        raise CommandFailure(str(error)) from None
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table(title=f"if {points_are_lost(em_loss)}: {found['verdict']}", title_justify="left")
    table.add_column("until the verdict")
    for heading in ("mean", "90 % of rollouts"):
        table.add_column(heading, justify="right")
    for row, name, places in rows_of(spec):
        table.add_row(row, *(f"{found[f'{name}_{quantile}']:,.{places}f}" for quantile in ("mean", "ninety")))
    console.print(table)
    console.print(supposed_remark(spec, rate, baseline_em, max(discordance, abs(em_loss))))
    console.print(single_look_remark(spec, found))
    said = (
        *rate_remarks(spec, rate),
        *forecast_remarks(spec, found),
        *wait_remarks(spec, found),
        *missing_remarks(spec, found),
    )
    of_floor = floor_remarks(spec, baseline_em, em_loss, source="--baseline-em")
    for sentence in (*of_floor, *said, *margin_remarks(spec, found, used)):
        console.print(terminal.printable(sentence))


def _stored_losses(policy: Path) -> tuple[ProvenLoss, ...]:
    """What the status in a file says of losses, if it holds one, as `kubectl get -o yaml` prints it."""
    status = read_manifest(policy, "EarlyStopPolicy").get("status")
    if not isinstance(status, dict):
        return ()
    from earlystop.api.status.compact import whole
    from earlystop.api.status.policy import PolicyStatus
    from earlystop.rollout.stored.settings import restore_losses

    try:
        return restore_losses(PolicyStatus.model_validate({"losses": whole(status).get("losses")}).losses)
    except ValueError:
        raise CommandFailure(f"{policy}: status.losses: this was not written by the operator; remove it.") from None


@dataclass(frozen=True, slots=True)
class _Split:
    """share: the candidate's of the requests that it is compared on, 0 < share < 1. compared: those, as a part of all
    requests. own: the candidate's own evidence, as a part of all requests; both above 0, at most 1."""

    share: float
    compared: float
    own: float


def _split(stage: Stage, candidates: int, basis: Basis) -> _Split:
    """How a candidate's requests lie in those of a stage that may end with a verdict."""
    if stage.kind is StageKind.SHADOW:
        return _Split(0.5, 1.0, 1.0)  # pairs are alike at every share
    weight, baseline = stage.weight, 100 - candidates * stage.weight
    share = weight / (weight + baseline)
    return _Split(share, 1.0, 1.0) if basis is Basis.PAIRS else _Split(share, (weight + baseline) / 100, weight / 100)


def planned(spec: PolicySpec, supposed: SupposedTraffic, used: MarginUse = NOTHING_USED) -> dict[str, float | str]:
    """The forecast as numbers, the same for each candidate. Requests are those of all variants that are evidence. used:
    of the margin, by promotions since the pinned baseline.

    share: of rollouts that end so, whenever; power: of those that do by the deadline. Means are over the first.
    Several candidates share the risk of a promotion evenly: the closed test never needs more than that (Bonferroni).
    Raises ValueError when the supposed loss is just the margin, where nothing is shown, without a step, where no answer
    differs from another, or where more pairs are supposed to differ than the rates leave room for.
    """

    judged = objective_of(spec, used=used)
    supposed = replace(supposed, discordance=max(supposed.discordance, abs(supposed.em_loss)))
    question, split = _question_and_split(spec, judged, supposed)
    told = forecast(spec, supposed, used=used)
    ends_so = told.verdict == int(question.side)
    share = float(ends_so.mean())
    rollout, stages = spec.rollout, stages_of(spec)
    idle = sum(rollout.settle_seconds + each.minimum_seconds * (each.kind is not stages[-1].kind) for each in stages)
    to_deadline = supposed.rate * max(0.0, float(rollout.deadline_seconds - idle))
    fixed_sample = fixed_sample_size(question, split.share) / split.compared
    if share < LEAST_SHARE:
        raise ValueError(
            f"Only {rounded_percent(share, 1)} of the rollouts ever end with {_verdict(spec, question.side)} if "
            f"{points_are_lost(supposed.em_loss)}: {why_few(spec, fixed_sample, to_deadline)}"
        )
    answers, candidate, seconds = (values[ends_so] for values in (told.answers, told.candidate, told.seconds))
    sampled = {} if judged.about is None else {"distinct_questions": _ninety(answers)}
    pinned = {} if spec.baseline.pinned is None else {"margin": judged.margin}
    waits, lacking = dispersion_hours(spec), _if_missing(spec, question, split)
    return {
        **({} if waits is None else {"dispersion_hours": waits}),
        **sampled,
        **pinned,
        **lacking,
        "verdict": _verdict(spec, question.side),
        "candidates": max(1, spec.most_at_once),
        "risk": question.risk,
        "requests_mean": _mean(answers),
        "requests_ninety": _ninety(answers),
        "candidate_requests_mean": _mean(candidate),
        "candidate_requests_ninety": _ninety(candidate),
        "sensible_maximum": SENSIBLE * _mean(answers),
        "fixed_sample": fixed_sample,
        "hours_mean": _mean(seconds) / 3600,
        "hours_ninety": _ninety(seconds) / 3600,
        "requests_to_deadline": to_deadline,
        "share": share,
        "power": float((ends_so & (told.seconds <= rollout.deadline_seconds)).mean()),
    }


def _if_missing(spec: PolicySpec, question: Question, split: _Split) -> dict[str, float]:
    """Times as many requests where answers of both variants were missing; nothing where shadows are judged, of which
    nobody knows what they lack."""
    if stages_of(spec)[-1].kind is StageKind.SHADOW and spec.objective.exact_match.evidence != "Pairs":
        return {}
    cost = supposed_cost(question, split.share, SUPPOSED_MISSING)
    return {} if cost is None else {"missing_as_wrong": cost.as_wrong, "missing_left_out": cost.left_out}


def _question_and_split(spec: PolicySpec, judged: Objective, supposed: SupposedTraffic) -> tuple[Question, _Split]:
    """What one look at the end would be asked, and of which split. Raises ValueError as `planned`."""
    margin, em_loss = judged.margin, supposed.em_loss
    if em_loss == margin:
        raise ValueError(
            f"A candidate that loses {em_loss:g} loses just the margin, so neither that it loses less nor that it "
            "loses more is ever proven. Write another --em-loss."
        )
    side = Side.PROMOTE if em_loss < margin else Side.HARM
    stages = stages_of(spec)
    if not stages:
        raise ValueError("spec.rollout.steps is empty; write at least one step, as in {weight: 25}")
    last, candidates = stages[-1], max(1, spec.most_at_once)
    if last.kind is StageKind.SHADOW:
        judged = replace(judged, basis=Basis.PAIRS, classes=(), require_each=False)
    pairs = supposed.discordance if judged.basis is Basis.PAIRS else None
    if pairs is not None:
        ensure_room_for_pairs(supposed.baseline_em, em_loss, pairs)
    question = Question(
        baseline_rate=supposed.baseline_em,
        difference=-em_loss,
        margin=margin,
        risk=judged.risk_promote / candidates if side is Side.PROMOTE else judged.harm_risks.exact_match,
        side=side,
        discordance=pairs,
        dispersion=supposed.dispersion,
    )
    split = _split(last, candidates, judged.basis)
    if question.noise(split.share) <= 0:
        raise ValueError(
            "Answers that are all right or all wrong, or never disagree, leave nothing to plan. Write a --baseline-em "
            "between 0 and 1, and for pairs a --discordance above the --em-loss."
        )
    return question, split


def _mean(values: Floats) -> float:
    return float(values.mean())


def _ninety(values: Floats) -> float:
    """What 90 % of them do not exceed."""
    return interpolated_quantile(values.tolist(), 0.9)


def _verdict(spec: PolicySpec, side: Side) -> str:
    if side is Side.HARM:
        return Verdict.ROLL_BACK.value
    return (Verdict.PROMOTE if spec.delivery.traits.moves_traffic else Verdict.RECOMMEND).value
