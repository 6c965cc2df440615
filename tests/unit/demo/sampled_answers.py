"""Answers that a model is said to have sampled."""

from __future__ import annotations

from earlystop.demo.voting import Sample


def samples(*answers: str | None) -> list[Sample]:
    """Samples of 10 words each."""
    return [Sample(answer, 10) for answer in answers]
