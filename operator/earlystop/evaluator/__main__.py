"""Runs the evaluator: `python -m earlystop.evaluator --url http://gateway/v1 --golden questions.jsonl …`."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from earlystop.api.counts import Variant
from earlystop.api.wire import DEFAULT_PREFIX
from earlystop.command_line import plain_app
from earlystop.evaluator.address import checked_url
from earlystop.evaluator.asked_questions import open_asked_questions
from earlystop.evaluator.client import AskSettings
from earlystop.evaluator.dealing import ForgottenQuestions, RemembersQuestions, part_of
from earlystop.evaluator.frozen import load_frozen
from earlystop.evaluator.grading import asks_judge
from earlystop.evaluator.identity import identity_of
from earlystop.evaluator.judge import LEAST_VISIBLE, JudgeSettings, UnfitJudgeError, load_examples
from earlystop.evaluator.pin import DirectPin, Pin, RoutePin
from earlystop.evaluator.questions import GoldenQuestion, load_golden
from earlystop.evaluator.run import Evaluation, evaluate
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import EvaluationPlan, InMemory, StoresTokens
from earlystop.evaluator.spent_tokens import open_spent_tokens

JUDGE_KEY_VARIABLE = "JUDGE_API_KEY"
TOKEN_VARIABLE = "EARLYSTOP_CAMPAIGN_TOKEN"  # noqa: S105 - the name of a variable


def main(
    url: Annotated[str, typer.Option(help="Base URL of the OpenAI-compatible API, with /v1.")],
    golden: Annotated[
        Path,
        typer.Option(
            help="JSONL file, or directory such as a mounted ConfigMap. Keys of a line: question, answers, and maybe "
            "query_class, scoring, body."
        ),
    ],
    policy: Annotated[str, typer.Option(help="NAMESPACE/NAME of the policy.")],
    token_budget: Annotated[int, typer.Option(help="Output tokens to spend in all, restarts included.", min=1)],
    model: Annotated[str, typer.Option(help="Model name to ask for.")] = "default",
    pairs_per_second: Annotated[float, typer.Option(help="At most so many pairs a second.")] = 1.0,
    share: Annotated[float, typer.Option(help="Share of the drawn questions that is asked.")] = 1.0,
    max_tokens: Annotated[int | None, typer.Option(help="max_tokens of each request.", min=1)] = None,
    mode: Annotated[
        str,
        typer.Option(
            help="How answers are compared where a question does not say it: exact, number, number:unit, choice, "
            "yesno, boxed, json (with --field), regex (with --pattern), raw or judge."
        ),
    ] = "exact",
    pattern: Annotated[str | None, typer.Option(help="For mode regex: its one group is the answer.")] = None,
    field: Annotated[str | None, typer.Option(help="For mode json: the answer's field, such as result.answer.")] = None,
    host_header: Annotated[str | None, typer.Option(help="Host header, where the gateway routes by it.")] = None,
    header_prefix: Annotated[str, typer.Option(help="Prefix of the variant's headers.")] = DEFAULT_PREFIX,
    revision: Annotated[str | None, typer.Option(help="Ask the server directly, under this revision.")] = None,
    step: Annotated[int, typer.Option(help="With --revision: the step.", min=0)] = 0,
    baseline: Annotated[list[str] | None, typer.Option(help="With --revision: parameter=value.")] = None,
    candidate: Annotated[list[str] | None, typer.Option(help="With --revision: parameter=value.")] = None,
    candidate_name: Annotated[
        str, typer.Option(help="Label of the candidate to ask, where the policy has several.")
    ] = Variant.CANDIDATE.value,
    pairs_only: Annotated[bool, typer.Option(help="The server counts golden requests itself.")] = False,
    repeat: Annotated[
        bool,
        typer.Option(
            help="Draw questions with replacement, for a policy whose exactMatch.questions.about is File. Without it, "
            "each is counted once for a campaign."
        ),
    ] = False,
    part: Annotated[
        str, typer.Option(help="Which of several evaluators this is, as in 2/3: no question is asked by two of them.")
    ] = "1/1",
    seed: Annotated[int | None, typer.Option(help="Seed of the draw; without it, random.")] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="File that keeps the spent tokens, and beside it FILE.asked the questions that were counted: a "
            "restart renews neither."
        ),
    ] = None,
    stream: Annotated[bool, typer.Option(help="Ask for answers as streams.")] = False,
    judge_url: Annotated[
        str | None, typer.Option(help="For questions scored by judge: base URL of the judge's API, with /v1.")
    ] = None,
    judge_model: Annotated[str, typer.Option(help="Model of the judge.")] = "default",
    judge_examples: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of 20 or more answers that people graded, 10 or more of them right and 10 or more wrong: "
            "question, answers, answer, right."
        ),
    ] = None,
    judge_least_agreement: Annotated[
        float, typer.Option(help="A judge that agrees with people less often is not asked.", min=0.5, max=1)
    ] = 0.9,
    judge_least_visible: Annotated[
        float, typer.Option(help="A judge that for certain shows less of a loss is not asked.", min=0.1, max=1)
    ] = LEAST_VISIBLE,
    frozen: Annotated[
        Path | None,
        typer.Option(
            help="JSONL of recorded answers with known scores: question, answers, answer, right, and maybe scoring. "
            "They are scored again and again, so that a guard can tell a scorer that has changed."
        ),
    ] = None,
    frozen_seconds: Annotated[
        float, typer.Option(help="From one round of recorded answers to the next.", min=1)
    ] = 30.0,
    port: Annotated[int, typer.Option(help="Port of /metrics, 0 for any.", min=0, max=65535)] = 9464,
) -> None:
    """Asks golden questions of the baseline and a candidate, and exports the pairs. The key is OPENAI_API_KEY, the
    judge's JUDGE_API_KEY; with --revision, EARLYSTOP_CAMPAIGN_TOKEN is the campaign's token."""
    with ExitStack() as until_the_end:
        try:
            base_url = checked_url("--url", url)
            scoring = scoring_of(mode, pattern, field)
            all_questions = load_golden(golden, scoring)
            plan = EvaluationPlan(
                policy=policy,
                token_budget=token_budget,
                pairs_per_second=pairs_per_second,
                reserve_tokens=max_tokens or 0,
                share=share,
                seed=seed,
                pairs_only=pairs_only,
                repeat=repeat,
                candidate=candidate_name,
            )
            ask = AskSettings(
                base_url,
                model,
                os.environ.get("OPENAI_API_KEY", "none"),
                _host(host_header),
                max_tokens=max_tokens,
                stream=stream,
            )
            settings = {Variant.BASELINE.value: baseline, candidate_name: candidate}
            least = judge_least_agreement, judge_least_visible
            recorded = () if frozen is None else load_frozen(frozen, scoring)
            scored = (*all_questions, *(each.question for each in recorded))
            judging = _judging(scored, scoring, judge_url, judge_model, judge_examples, least)
            evaluation = Evaluation(
                questions=_own_part(all_questions, part),
                scoring=scoring,
                settings=ask,
                pin=_pin(policy, revision, step, settings, header_prefix),
                plan=plan,
                identity=identity_of(all_questions, scoring, judging),
                judging=judging,
                frozen=recorded,
                frozen_seconds=frozen_seconds,
            )
            stored = until_the_end.enter_context(_stored(state, policy))
            asked = until_the_end.enter_context(_asked(state))
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error)) from None
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        if state is None:
            logging.warning("no --state FILE is given: a restart begins the token budget and the questions anew")
        try:
            asyncio.run(evaluate(evaluation, port, stored, asked))
        except UnfitJudgeError as error:
            raise typer.BadParameter(str(error)) from None


def scoring_of(mode: str, pattern: str | None, field: str | None) -> Scoring:
    """How answers are compared, by the words of a golden question's `scoring`, or with the pattern or the field apart.

    Raises ValueError for another word, and for a pattern or a field that does not belong to it.
    """
    if (pattern is not None and mode != "regex") or (field is not None and mode != "json"):
        raise ValueError("--pattern belongs to --mode regex, and --field to --mode json; write them there only")
    detail = pattern or field
    return Scoring.named(f"{mode}:{detail}" if detail else mode)


def _judging(
    questions: tuple[GoldenQuestion, ...],
    scoring: Scoring,
    url: str | None,
    model: str,
    examples: Path | None,
    least: tuple[float, float],
) -> JudgeSettings | None:
    """The judge, None where no question is scored by one. least: of its agreement and of the loss that it shows.

    Raises ValueError where a part of it is missing.
    """
    if not any(asks_judge(each, scoring) for each in questions):
        return None
    if url is None or examples is None:
        raise ValueError(
            "golden questions are scored by judge: write --judge-url, and --judge-examples with answers that people "
            "graded, so that its agreement with them is known"
        )
    key = os.environ.get(JUDGE_KEY_VARIABLE, "none")
    return JudgeSettings(checked_url("--judge-url", url), model, key, load_examples(examples), *least)


def _pin(
    policy: str, revision: str | None, step: int, settings: Mapping[str, list[str] | None], header_prefix: str
) -> Pin:
    """How a question gets to one variant: by the policy's route, or with a revision straight to the server.

    settings: parameter=value of each variant, as written on the command line.
    """
    if revision is None:
        return RoutePin(header_prefix)
    values = {variant: _values(pairs) for variant, pairs in settings.items()}
    return DirectPin(policy, revision, step, values, header_prefix, os.environ.get(TOKEN_VARIABLE, ""))


def _stored(state: Path | None, policy: str) -> AbstractContextManager[StoresTokens]:
    return nullcontext(InMemory()) if state is None else open_spent_tokens(state, policy)


def _asked(state: Path | None) -> AbstractContextManager[RemembersQuestions]:
    if state is None:
        return nullcontext(ForgottenQuestions())
    return open_asked_questions(state.with_name(state.name + ".asked"))


def _own_part(questions: tuple[GoldenQuestion, ...], part: str) -> tuple[GoldenQuestion, ...]:
    """The questions of a part like 2/3. Raises ValueError for another text, and for a part without questions."""
    number, slash, parts = part.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal()):
        raise ValueError(f"--part is {part!r}; write which evaluator of how many this is, as in 2/3")
    own = part_of(questions, int(number), int(parts))
    if not own:
        raise ValueError(f"none of the {len(questions)} golden questions is in part {part}; write fewer parts")
    return own


def _host(header: str | None) -> dict[str, str]:
    return {} if header is None else {"Host": header}


def _values(pairs: list[str] | None) -> dict[str, str]:
    values = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"{pair!r} is no setting; write parameter=value, such as window=40")
        values[name] = value
    return values


if __name__ == "__main__":
    plain_app(main)()
