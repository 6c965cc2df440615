"""Answers that a model is said to have sampled."""

from __future__ import annotations

from earlystop.demo.voting import SampledAnswer


def samples(*answers: str | None) -> list[SampledAnswer]:
    """Samples of 10 words each."""
    return [SampledAnswer(answer, 10) for answer in answers]
