"""kubectl earlystop plan: how many requests and hours until a verdict, and with which probability."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from numpy import quantile
from rich.table import Table

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import whole
from earlystop.api.status.policy import PolicyStatus
from earlystop.cli import terminal
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.policies import read_manifest, read_offline_policy
from earlystop.cli.options import AnswerSeconds, BaselineEm, Curve, Discordance, Dispersion, EmLoss, Rate
from earlystop.cli.plan_waits import dispersion_hours, rate_remarks, wait_remarks
from earlystop.cli.screen.waiting_words import points_are_lost
from earlystop.cli.searches import refuse_suppositions, show_searches
from earlystop.evidence.bets import Side
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.dispersion_terms import dispersion_source
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse
from earlystop.rollout.pinned_baseline import refusal_of_baseline, used_before
from earlystop.rollout.plan import Stage, StageKind, objective_of, stages_of
from earlystop.rollout.state import ProvenLoss, Verdict
from earlystop.rollout.stored.settings import restore_losses
from earlystop.simulation.forecast import SupposedTraffic, forecast
from earlystop.simulation.planning import SENSIBLE, Question, ensure_room_for_pairs, fixed_sample_size
from earlystop.simulation.random_walk import Floats

LEAST_SHARE, FEW = 0.01, 0.9
"""Fewer rollouts than these that end as is supposed say nothing of their mean; and too little of it."""

console = terminal.console()


def command(
    context: typer.Context,
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.")],
    rate: Rate = 10.0,
    baseline_em: BaselineEm = 0.80,
    em_loss: EmLoss = 0.0,
    discordance: Discordance = 0.06,
    dispersion: Dispersion = 1.0,
    answer_seconds: AnswerSeconds = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    curve: Curve = None,
) -> None:
    """Forecast the verdict on EM, which decides last: tokens resolve long before it. Waits for people (approvals) and
    for others (gates) are not in it: nobody can know them."""
    spec = read_offline_policy(policy)
    if spec.search is not None or curve is not None:
        refuse_suppositions(context)
        show_searches(spec, policy, curve, rate, 0, as_json=as_json)
        return
    losses = _stored_losses(policy)
    used, refusal = used_before(spec, losses), refusal_of_baseline(spec, losses)
    if used is not None and refusal is not None:
        raise CommandFailure(refusal.message)
    try:
        found = planned(spec, rate, baseline_em, em_loss, discordance, dispersion, answer_seconds, used or NOTHING_USED)
    except ValueError as error:
        raise CommandFailure(str(error)) from None
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table(title=f"if {points_are_lost(em_loss)}: {found['verdict']}", title_justify="left")
    table.add_column("until the verdict")
    for heading in ("mean", "90 % of rollouts"):
        table.add_column(heading, justify="right")
    for row, name, places in _rows(spec):
        table.add_row(row, *(f"{found[f'{name}_{quantile}']:,.{places}f}" for quantile in ("mean", "ninety")))
    console.print(table)
    console.print(
        f"A test that may look only once, when all is over, would need "
        f"{counted(round(float(found['fixed_sample'])), 'request')} at the "
        "last step's split, and would find it in 90 % of rollouts. "
        f"The deadline allows {found['requests_to_deadline']:,.0f}: a verdict by then has probability "
        f"{rounded_percent(float(found['power']))}.{_sensible(found)}"
    )
    said = (*rate_remarks(spec, rate), *_remarks(spec, found), *wait_remarks(spec, found))
    for sentence in (*said, *_margin_remarks(spec, found, used)):
        console.print(terminal.printable(sentence))


def _rows(spec: PolicySpec) -> tuple[tuple[str, str, int], ...]:
    """The rows of the table: words, the figure's name and its decimal places. Every pair is about every variant."""
    hours = ("hours over all steps", "hours", 2)
    if spec.objective.exact_match.evidence == "Pairs":
        return (("pairs that are evidence, over all steps", "requests", 0), hours)
    return (
        ("scored requests that are evidence, over all steps", "requests", 0),
        ("of them judged for each candidate", "candidate_requests", 0),
        hours,
    )


def _sensible(found: Mapping[str, float | str]) -> str:
    """From where on waiting is hardly worth it; nothing where the deadline ends the rollout before."""
    if float(found["sensible_maximum"]) > float(found["requests_to_deadline"]):
        return ""
    most = float(found["sensible_maximum"])
    return f" More than {counted(round(most), 'request')} hardly ever bring one that these have not brought."


def _remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """What speaks against the forecast, and what it takes for granted beyond the options."""
    names = [each.name for each in spec.settings_to_try()]
    sentences = []
    deadline = spec.rollout.deadline_seconds / 3600
    if float(found["hours_mean"]) > deadline:
        sentences.append(
            f"On average that is later than the deadline of {deadline:g} h, so most rollouts end without a verdict. "
            "More traffic, larger weights or a later rollout.deadlineSeconds help."
        )
    if float(found["share"]) < FEW:
        sentences.append(
            f"Only {rounded_percent(float(found['share']))} of such rollouts ever end so, before their record is full; "
            "the supposed loss is too near to a border to be planned for."
        )
    if spec.rollout.advance == "WhenSafe" and any(step.minimum_seconds for step in spec.rollout.steps[:-1]):
        sentences.append(
            "rollout.advance WhenSafe leaves a step when that is proven to be safe; a minimumSeconds of a step that "
            "has one after it only makes the rollout longer."
        )
    if len(names) > 1:
        sentences.append(
            f"Each of {counted(len(names), 'candidate')} ({', '.join(names)}) is supposed to be like that, and to "
            "stay until its "
            f"own verdict, at a risk of {found['risk']:.3g}; the closed test that judges them together needs no more."
        )
    sentences += _question_remarks(spec, found)
    if not spec.delivery.traits.split_known:
        sentences.append("Cohorts are supposed to send equally many requests.")
    if spec.rollout.aa_seconds:
        sentences.append(
            "Hours include the stage in which all cohorts get the baseline's setting (A/A); requests are those after "
            "it. Cohorts are supposed to be alike; where the candidate's is better by itself, less margin is left."
        )
    if dispersion_source(spec) is DispersionSource.USERS:
        sentences.append(
            "Answers of one user are supposed to be no more alike than those of several. If they are, by a correlation "
            "of r, a cohort of U users tells no more than U / r independent answers, however long it goes on."
        )
    if not spec.delivery.traits.moves_traffic:
        sentences.append("Every scored request is a pair for each candidate; none is answered with one.")
    return sentences


def _question_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """How many different golden questions a verdict about their population needs, where there are any."""
    if "distinct_questions" not in found:
        return []
    needed, questions = float(found["distinct_questions"]), spec.objective.exact_match.questions
    said = f"about the population of golden questions needs {needed:,.0f} different ones in 90 % of rollouts"
    if questions is None or questions.about == "File":
        return [f"The verdict is about the file of golden questions; one {said}."]
    there = float(questions.number or 0)
    enough = "are enough" if there >= needed else "are too few, so most rollouts end as QuestionsExhausted"
    return [
        f"A verdict {said}, beside those that are asked while nothing counts (rollout.settleSeconds): {there:,.0f} "
        f"{enough}."
    ]


def _margin_remarks(spec: PolicySpec, found: Mapping[str, float | str], used: MarginUse | None) -> list[str]:
    """What promotions since a pinned baseline leave for this campaign."""
    pinned = spec.baseline.pinned
    if pinned is None:
        return []
    before = used or NOTHING_USED
    whole = float(spec.objective.exact_match.margin)
    unknown = (
        " What promotions before have used stands in status.losses, which this file has not: nothing is supposed."
        if used is None
        else ""
    )
    return [
        f"Of the margin of {counted(format(100 * whole, 'g'), 'point')} against the pinned baseline, "
        f"{100 * before.lost:g} are spent; "
        f"promotion {before.promotions + 1} of {pinned.promotions} may lose {100 * float(found['margin']):g}.{unknown}"
    ]


def _stored_losses(policy: Path) -> tuple[ProvenLoss, ...]:
    """What the status in a file says of losses, if it holds one, as `kubectl get -o yaml` prints it."""
    status = read_manifest(policy, "EarlyStopPolicy").get("status")
    if not isinstance(status, dict):
        return ()
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


def planned(
    spec: PolicySpec,
    rate: float,
    baseline_em: float,
    em_loss: float,
    discordance: float = 0.06,
    dispersion: float = 1.0,
    answer_seconds: float = 0.0,
    used: MarginUse = NOTHING_USED,
) -> dict[str, float | str]:
    """The forecast as numbers, the same for each candidate. Requests are those of all variants that are evidence. used:
    of the margin, by promotions since the pinned baseline.

    share: of rollouts that end so, whenever; power: of those that do by the deadline. Means are over the first.
    Several candidates share the risk of a promotion evenly: the closed test never needs more than that (Bonferroni).
    Raises ValueError when the supposed loss is just the margin, where nothing is shown, without a step, where no answer
    differs from another, or where more pairs are supposed to differ than the rates leave room for.
    """
    judged = objective_of(spec, used=used)
    question, split = _asked(spec, judged, baseline_em, em_loss, discordance, dispersion)
    discordance = max(discordance, abs(em_loss))
    supposed = SupposedTraffic(rate, baseline_em, em_loss, discordance, dispersion, answer_seconds)
    told = forecast(spec, supposed, used=used)
    ends_so = told.verdict == int(question.side)
    share = float(ends_so.mean())
    if share < LEAST_SHARE:
        raise ValueError(
            f"Only {rounded_percent(share, 1)} of the rollouts of a candidate that loses {em_loss:g} ever end with "
            f"{_verdict(spec, question.side)}. Write an --em-loss further from the margin."
        )
    rollout, stages = spec.rollout, stages_of(spec)
    idle = sum(rollout.settle_seconds + each.minimum_seconds * (each.kind is not stages[-1].kind) for each in stages)
    answers, candidate, seconds = (values[ends_so] for values in (told.answers, told.candidate, told.seconds))
    sampled = {} if judged.about is None else {"distinct_questions": _ninety(answers)}
    pinned = {} if spec.baseline.pinned is None else {"margin": judged.margin}
    waits = dispersion_hours(spec)
    return {
        **({} if waits is None else {"dispersion_hours": waits}),
        **sampled,
        **pinned,
        "verdict": _verdict(spec, question.side),
        "candidates": max(1, spec.most_at_once),
        "risk": question.risk,
        "requests_mean": _mean(answers),
        "requests_ninety": _ninety(answers),
        "candidate_requests_mean": _mean(candidate),
        "candidate_requests_ninety": _ninety(candidate),
        "sensible_maximum": SENSIBLE * _mean(answers),
        "fixed_sample": fixed_sample_size(question, split.share) / split.compared,
        "hours_mean": _mean(seconds) / 3600,
        "hours_ninety": _ninety(seconds) / 3600,
        "requests_to_deadline": rate * max(0.0, float(rollout.deadline_seconds - idle)),
        "share": share,
        "power": float((ends_so & (told.seconds <= rollout.deadline_seconds)).mean()),
    }


def _asked(
    spec: PolicySpec, judged: Objective, baseline_em: float, em_loss: float, discordance: float, dispersion: float
) -> tuple[Question, _Split]:
    """What one look at the end would be asked, and of which split. Raises ValueError as `planned`."""
    margin = judged.margin
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
    pairs = max(discordance, abs(em_loss)) if judged.basis is Basis.PAIRS else None
    if pairs is not None:
        ensure_room_for_pairs(baseline_em, em_loss, pairs)
    question = Question(
        baseline_rate=baseline_em,
        difference=-em_loss,
        margin=margin,
        risk=judged.risk_promote / candidates if side is Side.PROMOTE else judged.harm_risks.exact_match,
        side=side,
        discordance=pairs,
        dispersion=dispersion,
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
    return float(quantile(values, 0.9))


def _verdict(spec: PolicySpec, side: Side) -> str:
    if side is Side.HARM:
        return Verdict.ROLL_BACK.value
    return (Verdict.PROMOTE if spec.delivery.traits.moves_traffic else Verdict.RECOMMEND).value
