"""What is to be proven in one query class, where each class is judged by its own requests."""

from __future__ import annotations

from dataclasses import replace

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.objective import Objective


def class_objective(objective: Objective, margin: float) -> Objective:
    """What is to be proven in one class, where `objective` is that of all requests.

    margin: the class's, 0..1. Guardrails and the floor are about all requests. Users are counted over all classes
    together, so in a class looks tell how much answers scatter.
    """
    source = DispersionSource.LOOKS if objective.by_users else objective.source
    return replace(objective, margin=margin, classes=(), require_each=False, guardrails=(), floor=None, source=source)
