"""Why a planned rollout waits, besides for answers: what `kubectl earlystop plan` says of it."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.policy import PolicySpec
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.rollout.look_schedule import looks_per_spacing, seconds_of_looks
from earlystop.rollout.plan import dispersion_source, stages_of
from earlystop.simulation.supposed_dispersion import LOOKS_TO_LEARN

MOST_OF_IT = 0.9
"""A part of the mean time from which on a wait is said to decide how long the rollout takes."""


def dispersion_hours(spec: PolicySpec) -> float | None:
    """Hours until looks have taught how much answers scatter, None where nothing waits for that."""
    if dispersion_source(spec) is not DispersionSource.LOOKS:
        return None
    return _hours_of_looks(spec, _classes(spec), len(spec.candidates or ()))


def _hours_of_looks(spec: PolicySpec, classes: int, candidates: int) -> float:
    looks = seconds_of_looks(spec.rollout.look_seconds, LOOKS_TO_LEARN, classes, max(1, candidates))
    return (spec.rollout.settle_seconds + looks) / 3600


def wait_remarks(spec: PolicySpec, found: Mapping[str, float | str]) -> list[str]:
    """Sentences about what a promotion waits for. found: the figures of the plan."""
    if found["verdict"] == "RollBack":
        return []  # harm waits for nothing
    sentences, mean, rollout = [], float(found["hours_mean"]), spec.rollout
    hours = dispersion_hours(spec)
    if hours is not None:
        decides = " That is what takes the time here." if hours >= MOST_OF_IT * mean else ""
        sentences.append(
            f"Nothing is promoted before {LOOKS_TO_LEARN} looks have shown how much answers scatter "
            f"(DispersionUnknown), which takes {_in_hours(hours)}.{decides}{_doubling(spec)} Where nothing keeps a "
            "session on a variant, write objective.exactMatch.assumeIndependent: true; where the design effect of "
            "sessions is known, write dispersion."
        )
    if rollout.minimum_hours:
        sentences.append(f"rollout.minimumHours lets nothing be promoted before {rollout.minimum_hours} h of looks.")
    least = sum(rollout.settle_seconds + each.minimum_seconds for each in stages_of(spec)) / 3600
    if hours is None and least >= MOST_OF_IT * mean:
        sentences.append(
            f"Nearly all of that time, {_in_hours(least)}, is what the policy asks for at least: minimumSeconds and "
            "settleSeconds of its steps."
        )
    return sentences


def _doubling(spec: PolicySpec) -> str:
    """Why looks come less often than those of one candidate without query classes; nothing where they do not."""
    candidates, classes = max(1, len(spec.candidates or ())), _classes(spec)
    often = looks_per_spacing(classes, candidates)
    if often == looks_per_spacing(0):
        return ""
    of = [f"{candidates} candidates"] * (candidates > 1) + [f"{classes} query classes"] * (classes > 0)
    return (
        f" A look of {' and '.join(of)} takes more room in the status, so looks come half as often after every {often} "
        f"of them; with one candidate{' and no query classes' * (classes > 0)} it would take "
        f"{_in_hours(_hours_of_looks(spec, 0, 1))}."
    )


def _in_hours(hours: float) -> str:
    return f"{hours:,.0f} h" if hours >= 10 else f"{hours:.2f} h"


def _classes(spec: PolicySpec) -> int:
    return len(spec.objective.query_classes or ()) if spec.delivery.traits.moves_traffic else 0
