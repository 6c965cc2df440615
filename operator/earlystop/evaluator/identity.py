"""What an evaluator asks and how it scores, as digests: a certificate that rests on its answers is bound to both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Info

from earlystop.api.wire import EVALUATOR_INFO, POLICY, QUESTIONS_DIGEST, SCORER_DIGEST
from earlystop.evaluator.judge import JudgeSettings
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring

SCORER_VERSION = 9
"""Of the scorers themselves. Raise it whenever any answer may be scored otherwise than in the release before."""
_BYTES = 16


@dataclass(frozen=True, slots=True)
class EvaluatorIdentity:
    """scorer: digest of how answers are scored. questions: digest of what is asked. Replicas that ask parts of one file
    have the same."""

    scorer: str
    questions: str


def identity_of(
    questions: Iterable[GoldenQuestion], scoring: Scoring, judge: JudgeSettings | None
) -> EvaluatorIdentity:
    """The digests of an evaluator. questions: all of its file, whichever part of them it asks itself."""
    rows = list(questions)
    return EvaluatorIdentity(scorer_digest(rows, scoring, judge), questions_digest(rows))


def questions_digest(questions: Iterable[GoldenQuestion]) -> str:
    """The digest of every question with its accepted answers, class, body, own scoring and group. Their order, and
    that of a question's answers, is no difference."""
    return _digest(sorted(map(_row, questions), key=json.dumps))


def scorer_digest(questions: Iterable[GoldenQuestion], scoring: Scoring, judge: JudgeSettings | None) -> str:
    """The digest of the ways to score in use, of the scorers' version, and of a judge: its model, the examples that it
    was compared with, and what was asked of it. At which address it answers is no difference."""
    ways = {json.dumps(_named(each.scoring or scoring)) for each in questions}
    judged = None if judge is None else [judge.model, _examples(judge), judge.least_agreement, judge.least_visible]
    return _digest([SCORER_VERSION, sorted(ways), judged])


def export_identity(registry: CollectorRegistry, policy: str, identity: EvaluatorIdentity) -> None:
    """Exposes the digests in `registry`: one series for each evaluator, as long as it runs."""
    name = EVALUATOR_INFO.removesuffix("_info")
    info = Info(name, "What this evaluator asks, and how it scores answers, as digests.", registry=registry)
    info.info({POLICY: policy, SCORER_DIGEST: identity.scorer, QUESTIONS_DIGEST: identity.questions})


def _row(each: GoldenQuestion) -> list[Any]:
    row = [each.question, sorted(each.answers), each.query_class, each.body, _named(each.scoring)]
    return [*row, each.group] if each.group else row  # without one it is as in releases that knew no groups


def _named(scoring: Scoring | None) -> list[Any] | None:
    return None if scoring is None else [scoring.mode.value, scoring.pattern, scoring.field, scoring.need_unit]


def _examples(judge: JudgeSettings) -> list[list[Any]]:
    return sorted([each.question, sorted(each.answers), each.answer, each.right] for each in judge.examples)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=_BYTES).hexdigest()
