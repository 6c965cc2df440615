"""Lists of names within sentences, for which there is not always room: a search tries up to 200 settings at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MOST_NAMES = 200
FEWER = (40, 20, 10, 5, 3, 1)


def some_of(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """So many of the names, and how many more there are. most: 1 or more."""
    more = len(names) - most
    return f"{', '.join(names[:most])} and {more:,} more" if more > 0 else ", ".join(names)


def with_room_for_names(sentence: Callable[[int], str], room: int) -> str:
    """A sentence with all of its names, or with fewer of each list where it would take more than `room` characters.

    sentence: gives it with so many names in each list.
    """
    whole = sentence(MOST_NAMES)
    if len(whole) <= room:
        return whole
    return next((found for most in FEWER if len(found := sentence(most)) <= room), sentence(FEWER[-1]))
