"""Evaluators of one policy that do not all ask, or score, the same: it is told, and nothing follows from it."""

from __future__ import annotations

EVALUATORS_DIFFER = "EvaluatorsDiffer"


def differing_evaluators(scorers: int, question_sets: int) -> str:
    """What to tell people where so many ways to score, and so many sets of golden questions, were found at once; ""
    where they agree or are not known."""
    differing = [f"score answers in {scorers} ways"] if scorers > 1 else []
    differing += [f"ask {question_sets} sets of golden questions"] if question_sets > 1 else []
    if not differing:
        return ""
    return (
        f"The policy's evaluators {' and '.join(differing)}, so nobody knows whether the certificate still holds for "
        "what they do. Start all of them with the same golden questions, --mode and judge."
    )
