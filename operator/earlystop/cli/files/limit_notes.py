"""What caps of a policy's own variants say against the longest answer that it states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earlystop.cli.files.offline_check import Malformed, spec_of
from earlystop.rollout.answer_limit import answer_limit


def limit_notes(manifest: dict[str, Any]) -> Iterator[str]:
    """A note that answers may be longer than `tokens.longestAnswer`, by which the saving would be tested exactly; none
    of a manifest that is malformed, about which other notes say what to fix."""
    try:
        spec = spec_of(manifest)
    except Malformed:
        return
    stated = spec.objective.tokens.longest_answer
    if stated is None:
        return
    tokens = spec.objective.tokens.model_copy(update={"longest_answer": None})
    objective = spec.objective.model_copy(update={"tokens": tokens})
    try:
        largest = answer_limit(spec.model_copy(update={"objective": objective})).tokens
    except ValueError:
        return  # a cap that is no whole number, which the rules between fields refuse
    if largest is not None and stated < largest:
        yield (
            f"spec.objective.tokens.longestAnswer: {stated} is below the largest cap, {largest}, so answers may be "
            f"longer and the saving would be tested wrongly; remove it, since caps say it, or write {largest}."
        )
