"""Candidates that stop later than the baseline by what the policy itself says of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from earlystop.api.parameters import Parameter
from earlystop.cli.files.offline_check import Malformed, spec_of


def careful_notes(manifest: dict[str, Any]) -> Iterator[str]:
    """A note for each candidate whose values differ from the baseline's towards careful alone, so that it is expected
    to save nothing: mostly `stopsSooner` is the wrong way round. None of a manifest that is malformed."""
    try:
        spec = spec_of(manifest)
    except Malformed:
        return
    parameters = {each.name: each for each in spec.parameters}
    baseline = {each.name: each.value for each in spec.baseline.values}
    for place, candidate in enumerate(spec.candidates or ()):
        own = {each.name: each.value for each in candidate.values}
        steps = _steps(parameters, baseline, own)
        if steps and all(bolder is False for bolder in steps.values()):
            words = ", ".join(
                f"{name} {own[name]} in place of {baseline[name]} with stopsSooner: {parameters[name].stops_sooner}"
                for name in steps
            )
            yield (
                f"spec.candidates[{place}]: {candidate.name} stops later than the baseline ({words}), so it saves "
                "nothing; write a bolder value, or turn stopsSooner round."
            )


def _steps(
    parameters: Mapping[str, Parameter], baseline: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, bool | None]:
    """Whether each value that a candidate changes is bolder than the baseline's, by parameter; None where nobody can
    say."""
    found = {name: _step(parameters.get(name), baseline.get(name), value) for name, value in own.items()}
    return {name: None if change is None else change > 0 for name, change in found.items() if change != 0}


def _step(parameter: Parameter | None, before: str | None, value: str) -> Decimal | None:
    """How much bolder a value is than the baseline's; None where the baseline leaves it to the server (before is
    None), the parameter has no order, or one of both is no value of it."""
    if parameter is None or parameter.stops_sooner is None or before is None:
        return None
    if parameter.problem_of(value) or parameter.problem_of(before):
        return None
    return parameter.boldness(value) - parameter.boldness(before)
