"""From two answers to a pair: pure. Empty, truncated and missing answers are kept apart and never pass for right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from earlystop.api.counts import Variant
from earlystop.evaluator.content import REFUSAL
from earlystop.evaluator.questions import GoldenQuestion
from earlystop.evaluator.scoring import Scoring, ScoringMode

_REFUSALS = ("content_filter", REFUSAL)


class Fate(StrEnum):
    """What became of one question to one variant."""

    COMPLETE = "complete"
    EMPTY = "empty"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Under which revision, step and variant an answer was given; revision "" where the server did not say."""

    revision: str
    step: int
    variant: str


@dataclass(frozen=True, slots=True)
class Answer:
    """text: None when there is none after all retries. tokens: output tokens, None when the server does not say.
    arguments: those of its calls of tools, as JSON. is_rate_limited: whether there is none since too much was asked
    (429), which says nothing of the variant.

    A failed answer has 0 tokens when the server surely made none, as with an error's status.
    """

    text: str | None
    finish_reason: str = "stop"
    tokens: int | None = None
    attribution: Attribution | None = None
    arguments: str = ""
    is_rate_limited: bool = False


class Spoilt(StrEnum):
    """Why two answers to a question are not counted as a pair."""

    FAILED = "failed"
    """Neither came, or one did not and it is not known to be its variant's fault."""
    UNATTRIBUTED = "unattributed"
    OTHER_VARIANT = "other_variant"
    DIFFERENT_STEPS = "different_steps"
    UNSCORED = "unscored"
    REPEATED = "repeated"
    """The question was counted for this campaign before, or could not be marked as such."""


def fate_of(answer: Answer) -> Fate:
    """Empty comes before truncated: a budget that ends within the thinking leaves nothing to read."""
    if answer.text is None:
        return Fate.FAILED
    if not answer.text.strip():
        return Fate.REFUSED if answer.finish_reason in _REFUSALS else Fate.EMPTY
    return Fate.TRUNCATED if answer.finish_reason == "length" else Fate.COMPLETE


def is_match(answer: Answer, question: GoldenQuestion, scoring: Scoring) -> bool:
    """A truncated answer is scored as it reads; an empty one is wrong, or a variant could hide harm in silence.

    scoring: for questions that name none of their own.
    """
    chosen = question.scoring or scoring
    text = answer.text or ""
    if not text.strip() and chosen.mode is ScoringMode.JSON:
        text = answer.arguments
    return bool(text.strip()) and chosen.matches(text, question.answers)


def asks_judge(question: GoldenQuestion, scoring: Scoring) -> bool:
    """Whether a judge says which answers to a question are right."""
    return (question.scoring or scoring).mode is ScoringMode.JUDGE


def spoilt(baseline: Answer, candidate: Answer, label: str = Variant.CANDIDATE) -> Spoilt | None:
    """Why these answers, asked of the baseline and of the candidate with this label, are no pair; None for a pair.

    An answer that failed has an attribution where it is known whose it is (`LatestAnswers`).
    """
    failed = [each for each in (baseline, candidate) if each.text is None]
    if len(failed) == 2 or any(each.attribution is None for each in failed):
        return Spoilt.FAILED
    if baseline.attribution is None or candidate.attribution is None:
        return Spoilt.UNATTRIBUTED
    if (baseline.attribution.variant, candidate.attribution.variant) != (Variant.BASELINE, label):
        return Spoilt.OTHER_VARIANT
    if (baseline.attribution.revision, baseline.attribution.step) != (
        candidate.attribution.revision,
        candidate.attribution.step,
    ):
        return Spoilt.DIFFERENT_STEPS
    return None
