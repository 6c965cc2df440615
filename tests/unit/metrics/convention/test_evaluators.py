"""What evaluators ask and how they score it, as a metrics source has it: what is missing or forged is unknown."""

from __future__ import annotations

import pytest

from earlystop.metrics.convention.evaluators import (
    EvaluatorDigests,
    EvaluatorsQuestion,
    evaluators_query,
    read_evaluators,
)
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.samples import Source

ONE, OTHER = "0" * 32, "f" * 32
QUESTION = EvaluatorsQuestion("llm/qa")


def answering(*rows: tuple[str, str]) -> Source:
    """A source that answers with these rows, each a scorer's and a question set's digest."""
    return Source(*(Sample({"scorer_digest": scorer, "questions_digest": asked}, 1.0) for scorer, asked in rows))


def test_evaluators_that_agree_have_one_digest_each() -> None:
    found = read_evaluators(answering((ONE, OTHER)), QUESTION, 100)
    assert isinstance(found, EvaluatorDigests) and (found.scorer, found.question_set) == (ONE, OTHER)


def test_evaluators_that_differ_have_none_that_holds_for_all() -> None:
    found = read_evaluators(answering((OTHER, ONE), (ONE, ONE)), QUESTION, 100)
    assert found == EvaluatorDigests((ONE, OTHER), (ONE,))
    assert isinstance(found, EvaluatorDigests) and (found.scorer, found.question_set) == ("", ONE)


@pytest.mark.parametrize("forged", ["", "x", "A" * 32, "0" * 31, "0" * 33, '0" or vector(1)'])
def test_what_is_no_digest_is_left_out(forged: str) -> None:
    assert read_evaluators(answering((forged, forged)), QUESTION, 100) == EvaluatorDigests()
    assert read_evaluators(answering((forged, ONE), (ONE, forged)), QUESTION, 100) == EvaluatorDigests((ONE,), (ONE,))


def test_without_an_evaluator_nothing_is_known_and_a_failure_is_no_answer() -> None:
    assert read_evaluators(answering(), QUESTION, 100) == EvaluatorDigests()
    failure = MetricsFailure(FailureKind.UNREACHABLE, "no answer")
    assert read_evaluators(Source(failing=failure), QUESTION, 100) is failure


def test_the_question_is_about_one_policy_and_its_namespace_where_the_source_has_a_label_for_that() -> None:
    query = evaluators_query(EvaluatorsQuestion('llm/q"a', "kubernetes_namespace"))
    assert '{policy="llm/q\\"a",kubernetes_namespace="llm"}' in query
    assert "namespace" not in evaluators_query(QUESTION)
    with pytest.raises(ValueError, match="already has a meaning"):
        evaluators_query(EvaluatorsQuestion("llm/qa", "policy"))
