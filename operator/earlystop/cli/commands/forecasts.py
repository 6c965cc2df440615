"""kubectl earlystop plan and simulate: what a policy would do. Options and help alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earlystop.cli.options import (
    ROLLOUTS_SIMULATED,
    SEARCHES_SIMULATED,
    AnswerSeconds,
    BaselineEm,
    BaselineMissing,
    CandidateMissing,
    Curve,
    Discordance,
    Dispersion,
    EmLoss,
    Rate,
    amount,
)


def plan(
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
    from earlystop.cli.plan import show_plan

    show_plan(
        context=context,
        policy=policy,
        rate=rate,
        baseline_em=baseline_em,
        em_loss=em_loss,
        discordance=discordance,
        dispersion=dispersion,
        answer_seconds=answer_seconds,
        as_json=as_json,
        curve=curve,
    )


def simulate(
    context: typer.Context,
    policy: Annotated[Path, typer.Argument(help="YAML file of the policy.")],
    rate: Rate = 10.0,
    baseline_em: BaselineEm = 0.80,
    em_loss: EmLoss = 0.0,
    tokens: Annotated[float, amount("Mean output tokens of the baseline.", 1, 1e9)] = 600.0,
    spread: Annotated[float, amount("Standard deviation of the tokens over their mean.", 0, 100)] = 0.8,
    saving: Annotated[float, amount("Share of the tokens that each candidate truly saves.", -10, 0.999)] = 0.3,
    discordance: Discordance = 0.06,
    dispersion: Dispersion = 1.0,
    answer_seconds: AnswerSeconds = 0.0,
    baseline_missing: BaselineMissing = 0.0,
    candidate_missing: CandidateMissing = 0.0,
    runs: Annotated[
        int | None,
        typer.Option(
            help=f"How many rollouts, or searches; {ROLLOUTS_SIMULATED} or {SEARCHES_SIMULATED} without it.",
            min=1,
            max=100_000,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the made-up traffic.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    curve: Curve = None,
) -> None:
    """Run a policy on made-up traffic, with the engine that runs in the cluster."""
    from earlystop.cli.simulate import show_simulation

    show_simulation(
        context=context,
        policy=policy,
        rate=rate,
        baseline_em=baseline_em,
        em_loss=em_loss,
        tokens=tokens,
        spread=spread,
        saving=saving,
        discordance=discordance,
        dispersion=dispersion,
        answer_seconds=answer_seconds,
        baseline_missing=baseline_missing,
        candidate_missing=candidate_missing,
        runs=runs,
        seed=seed,
        as_json=as_json,
        curve=curve,
    )
