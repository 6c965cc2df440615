"""The options with which an evaluator is started: the type of each, with the sentence that `--help` says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str, typer.Option(help="Base URL of the OpenAI-compatible API, with /v1.")]
GoldenFile = Annotated[
    Path,
    typer.Option(
        help="JSONL file, or directory such as a mounted ConfigMap. Keys of a line: question, answers, and maybe "
        "query_class, scoring, body."
    ),
]
PolicyName = Annotated[str, typer.Option(help="NAMESPACE/NAME of the policy.")]
TokenBudget = Annotated[int, typer.Option(help="Output tokens to spend in all, restarts included.", min=1)]
Model = Annotated[str, typer.Option(help="Model name to ask for.")]
PairsPerSecond = Annotated[float, typer.Option(help="At most so many pairs a second.")]
Share = Annotated[float, typer.Option(help="Share of the drawn questions that is asked.")]
MaxTokens = Annotated[int | None, typer.Option(help="max_tokens of each request.", min=1)]
Mode = Annotated[
    str,
    typer.Option(
        help="How answers are compared where a question does not say it: exact, number, number:unit, choice, "
        "yesno, boxed, json (with --field), regex (with --pattern), raw or judge."
    ),
]
Pattern = Annotated[str | None, typer.Option(help="For mode regex: its one group is the answer.")]
Field = Annotated[str | None, typer.Option(help="For mode json: the answer's field, such as result.answer.")]
HostHeader = Annotated[str | None, typer.Option(help="Host header, where the gateway routes by it.")]
HeaderPrefix = Annotated[str, typer.Option(help="Prefix of the variant's headers.")]
Revision = Annotated[str | None, typer.Option(help="Ask the server directly, under this revision.")]
Step = Annotated[int, typer.Option(help="With --revision: the step.", min=0)]
BaselineValues = Annotated[list[str] | None, typer.Option(help="With --revision: parameter=value.")]
CandidateValues = Annotated[list[str] | None, typer.Option(help="With --revision: parameter=value.")]
CandidateName = Annotated[str, typer.Option(help="Label of the candidate to ask, where the policy has several.")]
PairsOnly = Annotated[bool, typer.Option(help="The server counts golden requests itself.")]
Repeat = Annotated[
    bool,
    typer.Option(
        help="Draw questions with replacement, for a policy whose exactMatch.questions.about is File. Without it, "
        "each is counted once for a campaign."
    ),
]
Part = Annotated[
    str, typer.Option(help="Which of several evaluators this is, as in 2/3: no question is asked by two of them.")
]
Seed = Annotated[int | None, typer.Option(help="Seed of the draw; without it, random.")]
StateFile = Annotated[
    Path | None,
    typer.Option(
        help="File that keeps the spent tokens, and beside it FILE.asked the questions that were counted: a "
        "restart renews neither."
    ),
]
Stream = Annotated[bool, typer.Option(help="Ask for answers as streams.")]
JudgeUrl = Annotated[
    str | None, typer.Option(help="For questions scored by judge: base URL of the judge's API, with /v1.")
]
JudgeModel = Annotated[str, typer.Option(help="Model of the judge.")]
JudgeExamples = Annotated[
    Path | None,
    typer.Option(
        help="JSONL of 20 or more answers that people graded, 10 or more of them right and 10 or more wrong: "
        "question, answers, answer, right."
    ),
]
JudgeLeastAgreement = Annotated[
    float, typer.Option(help="A judge that agrees with people less often is not asked.", min=0.5, max=1)
]
JudgeLeastVisible = Annotated[
    float, typer.Option(help="A judge that for certain shows less of a loss is not asked.", min=0.1, max=1)
]
FrozenFile = Annotated[
    Path | None,
    typer.Option(
        help="JSONL of recorded answers with known scores: question, answers, answer, right, and maybe scoring. "
        "They are scored again and again, so that a guard can tell a scorer that has changed."
    ),
]
FrozenSeconds = Annotated[float, typer.Option(help="From one round of recorded answers to the next.", min=1)]
Port = Annotated[int, typer.Option(help="Port of /metrics, 0 for any.", min=0, max=65535)]
