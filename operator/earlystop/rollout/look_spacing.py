"""How far apart looks are: numbers of looks and seconds alone, so that plans need no campaign for it."""

from __future__ import annotations

LOOKS_PER_SPACING = 64


def spacing(look_seconds: int, looks: int, classes: int = 0, candidates: int = 1) -> int:
    """Seconds between looks after so many were stored: doubled after every 64, sooner when query classes make each
    look a longer row, or candidates have one each.

    A verdict is then late by a few percent of the time already watched at most, while the record of a rollout of
    30 days at 15 s looks stays below 800 rows, whatever the traffic.
    """
    return int(look_seconds * 2 ** (looks // looks_per_spacing(classes, candidates)))


def seconds_of_looks(look_seconds: int, looks: int, classes: int = 0, candidates: int = 1) -> int:
    """Seconds from the beginning of a step until so many looks are taken, but for those that it settles."""
    return sum(spacing(look_seconds, stored, classes, candidates) for stored in range(looks))


def looks_per_spacing(classes: int, candidates: int = 1) -> int:
    """How many looks are stored before their spacing doubles: 64, 14 with ten query classes, 16 with four candidates.
    Three classes take as much room in a packed look as all else, and the series of as many classes need room too."""
    return max(4, LOOKS_PER_SPACING * 3 // (3 + classes) // candidates)
