"""Runs the evaluator: `python -m earlystop.evaluator --url http://gateway/v1 --golden questions.jsonl …`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import typer

from earlystop.api.counts import Variant
from earlystop.api.wire import DEFAULT_PREFIX
from earlystop.command_line import plain_app
from earlystop.evaluator import options
from earlystop.evaluator.asked_questions import open_asked_questions
from earlystop.evaluator.dealing import ForgottenQuestions, RemembersQuestions
from earlystop.evaluator.judge import LEAST_VISIBLE, UnfitJudgeError
from earlystop.evaluator.run import Evaluation, evaluate
from earlystop.evaluator.service import EvaluationPlan, InMemory, StoresTokens
from earlystop.evaluator.spent_tokens import open_spent_tokens
from earlystop.evaluator.start import JudgeOptions, QuestionFiles, asking, evaluation_of, pin_of, scoring_of

ABOUT = (
    "Asks golden questions of the baseline and a candidate, and exports the pairs. The key is OPENAI_API_KEY, the "
    "judge's JUDGE_API_KEY; with --revision, EARLYSTOP_CAMPAIGN_TOKEN is the campaign's token."
)


def main(
    url: options.Url,
    golden: options.GoldenFile,
    policy: options.PolicyName,
    token_budget: options.TokenBudget,
    model: options.Model = "default",
    pairs_per_second: options.PairsPerSecond = 1.0,
    share: options.Share = 1.0,
    max_tokens: options.MaxTokens = None,
    mode: options.Mode = "exact",
    pattern: options.Pattern = None,
    field: options.Field = None,
    host_header: options.HostHeader = None,
    header_prefix: options.HeaderPrefix = DEFAULT_PREFIX,
    revision: options.Revision = None,
    step: options.Step = 0,
    baseline: options.BaselineValues = None,
    candidate: options.CandidateValues = None,
    candidate_name: options.CandidateName = Variant.CANDIDATE.value,
    pairs_only: options.PairsOnly = False,
    repeat: options.Repeat = False,
    part: options.Part = "1/1",
    seed: options.Seed = None,
    state: options.StateFile = None,
    stream: options.Stream = False,
    judge_url: options.JudgeUrl = None,
    judge_model: options.JudgeModel = "default",
    judge_examples: options.JudgeExamples = None,
    judge_least_agreement: options.JudgeLeastAgreement = 0.9,
    judge_least_visible: options.JudgeLeastVisible = LEAST_VISIBLE,
    frozen: options.FrozenFile = None,
    frozen_seconds: options.FrozenSeconds = 30.0,
    port: options.Port = 9464,
) -> None:
    """The command, whose parameters are its options."""
    files = QuestionFiles(golden, part, frozen, frozen_seconds)
    judge = JudgeOptions(judge_url, judge_model, judge_examples, judge_least_agreement, judge_least_visible)
    values = {Variant.BASELINE.value: baseline, candidate_name: candidate}
    try:
        scoring = scoring_of(mode, pattern, field)
        plan = EvaluationPlan(
            policy,
            token_budget,
            pairs_per_second=pairs_per_second,
            reserve_tokens=max_tokens or 0,
            share=share,
            seed=seed,
            pairs_only=pairs_only,
            candidate=candidate_name,
            repeat=repeat,
        )
        ask = asking(url, model, host_header, max_tokens=max_tokens, stream=stream)
        pin = pin_of(policy, revision, step, values, header_prefix)
        evaluation = evaluation_of(files, scoring, judge, ask, pin, plan)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from None
    _run(evaluation, port, state)


def _run(evaluation: Evaluation, port: int, state: Path | None) -> None:
    """Asks until the end. state: the file that keeps what was spent and asked, None where a restart forgets both."""
    with ExitStack() as until_the_end:
        try:
            stored = until_the_end.enter_context(_spent_tokens(state, evaluation.plan.policy))
            asked = until_the_end.enter_context(_asked_questions(state))
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error)) from None
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        if state is None:
            logging.warning("no --state FILE is given: a restart begins the token budget and the questions anew")
        try:
            asyncio.run(evaluate(evaluation, port, stored, asked))
        except UnfitJudgeError as error:
            raise typer.BadParameter(str(error)) from None


def _spent_tokens(state: Path | None, policy: str) -> AbstractContextManager[StoresTokens]:
    return nullcontext(InMemory()) if state is None else open_spent_tokens(state, policy)


def _asked_questions(state: Path | None) -> AbstractContextManager[RemembersQuestions]:
    if state is None:
        return nullcontext(ForgottenQuestions())
    return open_asked_questions(state.with_name(state.name + ".asked"))


if __name__ == "__main__":
    plain_app(main, ABOUT)()
