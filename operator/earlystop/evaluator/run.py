"""One evaluator at work: it asks its golden questions until the budget is spent, and serves the counts of them."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass

import typer
from prometheus_client import CollectorRegistry, start_http_server

from earlystop.api.plurals import counted
from earlystop.evaluator.client import Asker, AskSettings
from earlystop.evaluator.dealing import RemembersQuestions
from earlystop.evaluator.frozen import FrozenAnswer, FrozenRounds
from earlystop.evaluator.identity import EvaluatorIdentity, export_identity
from earlystop.evaluator.judge import JudgeSettings, judge_of
from earlystop.evaluator.pin import Pin
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import EvaluationPlan, Evaluator, StoresTokens
from earlystop.evaluator.telemetry import Telemetry
from earlystop.exporter.export import Exporter
from earlystop.exporter.frozen import FrozenCounter


@dataclass(frozen=True)
class Evaluation:
    """What is asked, of whom, and how the answers are scored.

    frozen: recorded answers that are scored anew every frozen_seconds; none where no guard watches the scorer.
    """

    questions: tuple[GoldenQuestion, ...]
    scoring: Scoring
    settings: AskSettings
    pin: Pin
    plan: EvaluationPlan
    identity: EvaluatorIdentity
    judging: JudgeSettings | None
    frozen: tuple[FrozenAnswer, ...]
    frozen_seconds: float


async def evaluate(evaluation: Evaluation, port: int, stored: StoresTokens, asked: RemembersQuestions) -> None:
    """Asks until the budget is spent, and serves /metrics until SIGTERM or SIGINT, so that all counts are scraped.

    Raises UnfitJudgeError where the judge disagrees with people too often.
    """
    plan, registry = evaluation.plan, CollectorRegistry()
    export_identity(registry, plan.policy, evaluation.identity)
    # It counts what it asked itself, which no client can forge; of tokens it never hears.
    evaluator_counts = Exporter(registry, demands_token=False)
    telemetry = Telemetry(registry, plan.candidate)
    server, thread = start_http_server(port, registry=registry)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    number_of_questions = counted(len(evaluation.questions), "golden question", "golden questions")
    typer.echo(f"asking {number_of_questions}; metrics on port {server.server_port}", err=True)
    try:
        async with AsyncExitStack() as open_clients:
            asker = await open_clients.enter_async_context(Asker(evaluation.settings, evaluation.pin))
            judging = evaluation.judging
            judge = None if judging is None else await open_clients.enter_async_context(judge_of(judging, registry))
            if evaluation.frozen:
                counter = FrozenCounter(registry, plan.policy)
                rounds = FrozenRounds(evaluation.frozen, evaluation.scoring, counter, evaluation.frozen_seconds, judge)
                scored_again = asyncio.create_task(rounds.run(stop))
                open_clients.callback(scored_again.cancel)
            await Evaluator(
                questions=evaluation.questions,
                scoring=evaluation.scoring,
                asker=asker,
                exporter=evaluator_counts,
                telemetry=telemetry,
                plan=plan,
                stored=stored,
                asked=asked,
                judge=judge,
            ).run(stop)
        await stop.wait()
    finally:
        server.shutdown()
        thread.join()
