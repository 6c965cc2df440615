"""The recordings that the tests of this folder replay: real ones where they are at hand, else the shipped set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from earlystop.demo.recordings import BUILTIN, Recording, load_recordings

REAL_FILE = "esc-gpt35-last-letters.jsonl"
_CHECKOUT = Path(__file__).resolve().parents[3]


@cache
def real_source() -> str | None:
    """Where the real recordings are, None where they are not."""
    folder = Path(os.environ.get("EARLYSTOP_DATA", _CHECKOUT.parent / "shared" / "data"))
    file = folder / REAL_FILE
    return str(file) if file.is_file() else None


@cache
def recordings(source: str = BUILTIN) -> tuple[Recording, ...]:
    """Loaded once for all tests."""
    return load_recordings(source)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the replay of a set gives at each window: EM (a share) and mean words a question. combined: both, by window,
    agreement and least samples."""

    source: str
    exact_match: dict[int, float]
    words: dict[int, float]
    combined: dict[tuple[int, float, int], tuple[float, float]]


SHIPPED = Expected(
    BUILTIN,
    exact_match={40: 0.82, 20: 0.82, 10: 0.82, 5: 0.82, 3: 0.8167, 2: 0.8067, 1: 0.77},
    words={40: 458.4, 20: 411.4, 10: 278.8, 5: 136.4, 3: 58.8, 2: 31.1, 1: 11.5},
    combined={
        (10, 1.0, 1): (0.82, 278.8),
        (10, 0.8, 1): (0.82, 158.7),
        (5, 0.8, 1): (0.8133, 70.1),
        (5, 0.8, 10): (0.82, 130.6),
        (3, 0.6, 1): (0.7867, 35.1),
        (3, 0.6, 10): (0.8167, 138.6),
    },
)


def expected() -> Expected:
    """The figures published with the real recordings where these are at hand, else those of the shipped set."""
    source = real_source()
    if source is None:
        return SHIPPED
    return Expected(
        source,
        exact_match={40: 0.816, 5: 0.816, 2: 0.812, 1: 0.788},
        words={40: 1463, 5: 345, 2: 89, 1: 37},
        combined={
            (10, 1.0, 1): (0.816, 632),
            (10, 0.8, 1): (0.816, 475),
            (5, 0.8, 1): (0.812, 225),
            (5, 0.8, 10): (0.81, 408),
            (3, 0.6, 1): (0.802, 113),
            (3, 0.6, 10): (0.806, 442),
        },
    )
