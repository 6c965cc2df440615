"""The parameters that the reference server takes: their names, what they may be, and the rule that they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from earlystop.demo.voting import MAXIMUM_SAMPLES, MAXIMUM_WINDOW, StopRule

WINDOW, AGREEMENT, LEAST_SAMPLES = "window", "agreement", "least-samples"

_WHOLE = re.compile(r"[1-9][0-9]?", re.ASCII)
_SHARE = re.compile(r"1(\.0{1,6})?|0\.[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Knob:
    """One parameter. meaning: what its value must be, the end of a sentence. read: a value, None for one that it cannot
    be."""

    meaning: str
    read: Callable[[str], float | None]


def _whole_number(most: int) -> Callable[[str], int | None]:
    """Reads a whole number from 1 to `most` without sign or leading zeros."""
    return lambda text: int(text) if _WHOLE.fullmatch(text) and int(text) <= most else None


def _share(text: str) -> float | None:
    """A share above 0 and at most 1, as in 0.8."""
    return float(text) if _SHARE.fullmatch(text) and float(text) > 0 else None


KNOBS: dict[str, Knob] = {
    WINDOW: Knob(f"a whole number from 1 to {MAXIMUM_WINDOW}", _whole_number(MAXIMUM_WINDOW)),
    AGREEMENT: Knob("a share above 0 and at most 1, such as 0.8", _share),
    LEAST_SAMPLES: Knob(f"a whole number from 1 to {MAXIMUM_SAMPLES}", _whole_number(MAXIMUM_SAMPLES)),
}
"""By the name of the parameter, which stands in its header: <prefix>param-<name>. In the order of `StopRule`."""


def invalid_knob(values: Mapping[str, str]) -> str | None:
    """Name of the first parameter whose value is none that it may have; None where all are in order."""
    return next((name for name, text in values.items() if KNOBS[name].read(text) is None), None)


def stop_rule(values: Mapping[str, str], otherwise: StopRule) -> StopRule | None:
    """The rule that values make, by name of the parameter; what they leave out is `otherwise`'s. None where a value is
    none that its parameter may have."""
    own = dict(zip(KNOBS, otherwise, strict=True))
    window, agreement, least = (KNOBS[name].read(values[name]) if name in values else own[name] for name in KNOBS)
    if window is None or agreement is None or least is None:
        return None
    return StopRule(int(window), agreement, int(least))
