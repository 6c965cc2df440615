"""What a policy that is judged by golden questions asks of the evaluators beside it, which an API server cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earlystop.api.counts import Variant
from earlystop.cli.files.offline_check import Malformed, spec_of
from earlystop.rollout.plan import variant_labels

MOST_NAMED = 3
"""Candidates that a sentence names; of more, it says that there are others."""


def evaluator_notes(manifest: dict[str, Any]) -> Iterator[str]:
    """A note that each of several candidates needs an evaluator of its own; none where one is enough, nor of a manifest
    that is malformed, about which other notes say what to fix."""
    try:
        spec = spec_of(manifest)
    except Malformed:
        return
    if spec.objective.exact_match.evidence != "Pairs" or not spec.delivery.traits.moves_traffic:
        return
    labels = variant_labels(spec)
    if labels == (Variant.CANDIDATE.value,):
        return
    named = ", ".join(f"--candidate-name={each}" for each in labels[:MOST_NAMED])
    others = " and so on" if len(labels) > MOST_NAMED else ""
    yield (
        f"spec.objective.exactMatch.evidence: golden questions reach these candidates by their names, and an evaluator "
        f"asks one; where evaluators ask them, run one for each, with {named}{others} "
        "(operator/docs/golden-questions.md)."
    )
