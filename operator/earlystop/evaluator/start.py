"""From the options of a start to what an evaluator asks. What cannot work is a ValueError that says what to write."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from earlystop.evaluator.address import checked_url
from earlystop.evaluator.client import AskSettings
from earlystop.evaluator.dealing import part_of
from earlystop.evaluator.frozen import load_frozen
from earlystop.evaluator.grading import asks_judge
from earlystop.evaluator.identity import identity_of
from earlystop.evaluator.judge import JudgeSettings, load_examples
from earlystop.evaluator.pin import DirectPin, Pin, RoutePin
from earlystop.evaluator.questions import GoldenQuestion, load_golden
from earlystop.evaluator.run import Evaluation
from earlystop.evaluator.scoring import Scoring
from earlystop.evaluator.service import EvaluationPlan

KEY_VARIABLE = "OPENAI_API_KEY"
JUDGE_KEY_VARIABLE = "JUDGE_API_KEY"
TOKEN_VARIABLE = "EARLYSTOP_CAMPAIGN_TOKEN"  # noqa: S105 - the name of a variable


class QuestionFiles(NamedTuple):
    """Where questions and recorded answers stand.

    golden: file or directory of golden questions. part: which of them this evaluator asks, as in 2/3. frozen: file of
    recorded answers, None for none; they are scored anew every frozen_seconds.
    """

    golden: Path
    part: str
    frozen: Path | None
    frozen_seconds: float


class JudgeOptions(NamedTuple):
    """What is said of a judge, as in `JudgeSettings`; url and examples may be left out where no question needs one."""

    url: str | None
    model: str
    examples: Path | None
    least_agreement: float
    least_visible: float


def evaluation_of(
    files: QuestionFiles, scoring: Scoring, judge: JudgeOptions, ask: AskSettings, pin: Pin, plan: EvaluationPlan
) -> Evaluation:
    """All that an evaluator needs to begin. Raises OSError for a file that cannot be read, and ValueError."""
    questions = load_golden(files.golden, scoring)
    recorded = () if files.frozen is None else load_frozen(files.frozen, scoring)
    judging = _judging((*questions, *(each.question for each in recorded)), scoring, judge)
    return Evaluation(
        questions=_own_part(questions, files.part),
        scoring=scoring,
        settings=ask,
        pin=pin,
        plan=plan,
        identity=identity_of(questions, scoring, judging),
        judging=judging,
        frozen=recorded,
        frozen_seconds=files.frozen_seconds,
    )


def scoring_of(mode: str, pattern: str | None, field: str | None) -> Scoring:
    """How answers are compared, by the words of a golden question's `scoring`, or with the pattern or the field apart.

    Raises ValueError for another word, and for a pattern or a field that does not belong to it.
    """
    if (pattern is not None and mode != "regex") or (field is not None and mode != "json"):
        raise ValueError("--pattern belongs to --mode regex, and --field to --mode json; write them there only")
    detail = pattern or field
    return Scoring.named(f"{mode}:{detail}" if detail else mode)


def asking(url: str, model: str, host: str | None, *, max_tokens: int | None, stream: bool) -> AskSettings:
    """How the service is asked. host: of the header Host, None where nothing routes by it. Raises ValueError for an
    address that cannot be asked."""
    return AskSettings(
        checked_url("--url", url),
        model,
        os.environ.get(KEY_VARIABLE, "none"),
        {} if host is None else {"Host": host},
        max_tokens=max_tokens,
        stream=stream,
    )


def _judging(questions: tuple[GoldenQuestion, ...], scoring: Scoring, judge: JudgeOptions) -> JudgeSettings | None:
    """The judge, None where no question is scored by one. Raises ValueError where a part of it is missing."""
    if not any(asks_judge(each, scoring) for each in questions):
        return None
    if judge.url is None or judge.examples is None:
        raise ValueError(
            "golden questions are scored by judge: write --judge-url, and --judge-examples with answers that people "
            "graded, so that its agreement with them is known"
        )
    return JudgeSettings(
        base_url=checked_url("--judge-url", judge.url),
        model=judge.model,
        api_key=os.environ.get(JUDGE_KEY_VARIABLE, "none"),
        examples=load_examples(judge.examples),
        least_agreement=judge.least_agreement,
        least_visible=judge.least_visible,
    )


def pin_of(
    policy: str, revision: str | None, step: int, settings: Mapping[str, list[str] | None], header_prefix: str
) -> Pin:
    """How a question gets to one variant: by the policy's route, or with a revision straight to the server.

    settings: parameter=value of each variant, as written on the command line.
    """
    if revision is None:
        return RoutePin(header_prefix)
    values = {variant: _values(pairs) for variant, pairs in settings.items()}
    return DirectPin(policy, revision, step, values, header_prefix, os.environ.get(TOKEN_VARIABLE, ""))


def _own_part(questions: tuple[GoldenQuestion, ...], part: str) -> tuple[GoldenQuestion, ...]:
    """The questions of a part like 2/3. Raises ValueError for another text, and for a part without questions."""
    number, slash, parts = part.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal()):
        raise ValueError(f"--part is {part!r}; write which evaluator of how many this is, as in 2/3")
    own = part_of(questions, int(number), int(parts))
    if not own:
        raise ValueError(f"none of the {len(questions)} golden questions is in part {part}; write fewer parts")
    return own


def _values(pairs: list[str] | None) -> dict[str, str]:
    values = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ValueError(f"{pair!r} is no setting; write parameter=value, such as window=40")
        values[name] = value
    return values
