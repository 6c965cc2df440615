"""What the evaluators of a policy ask, and how they score it: by the digests that each exports while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from earlystop.api.wire import EVALUATOR_INFO, QUESTIONS_DIGEST, SCORER_DIGEST
from earlystop.metrics.convention.query import of_policy
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors

MOST_ROWS = 16
"""Digests that are read of a policy: one is usual, two are enough to know that they differ."""
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class EvaluatorsQuestion:
    """What is asked for: the evaluators of a policy. namespace_label: the label that the scraper sets to the target's
    namespace, None for none; another namespace's evaluators are then none of the policy's."""

    policy: str
    namespace_label: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluatorDigests:
    """scorers, questions: each digest once, in order. Empty: no evaluator was there, or none that says it."""

    scorers: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()

    @property
    def scorer(self) -> str:
        """The one by which all score; "" where nobody knows, or they differ."""
        return self.scorers[0] if len(self.scorers) == 1 else ""

    @property
    def question_set(self) -> str:
        """The one that all ask; "" where nobody knows, or they differ."""
        return self.questions[0] if len(self.questions) == 1 else ""


NOTHING_KNOWN = EvaluatorDigests()


def evaluators_query(question: EvaluatorsQuestion) -> str:
    """The PromQL text for one question. An instant vector has what was there at the last scrape: an evaluator that has
    ended is not among it. Raises ValueError for a namespace label that can be none."""
    chosen = of_policy(question.policy, question.namespace_label)
    return f"topk({MOST_ROWS}, group by ({SCORER_DIGEST}, {QUESTIONS_DIGEST})({EVALUATOR_INFO}{{{chosen}}}))"


def read_evaluators(client: InstantVectors, question: EvaluatorsQuestion, at: int) -> EvaluatorDigests | MetricsFailure:
    """What evaluators said at Unix second `at`, or why nobody knows. What is no digest is left out."""
    try:
        samples = client.instant_vector(evaluators_query(question), float(at))
    except MetricsFailure as failure:
        return failure.with_traceback(None)
    found = [tuple(labels.get(name, "") for name in (SCORER_DIGEST, QUESTIONS_DIGEST)) for labels, _ in samples]
    scorers, questions = ({row[place] for row in found if _DIGEST.fullmatch(row[place])} for place in (0, 1))
    return EvaluatorDigests(tuple(sorted(scorers)), tuple(sorted(questions)))
