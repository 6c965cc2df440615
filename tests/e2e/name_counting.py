"""Questions that a small model answers right about two times in three, and only if it may count aloud before.

The working comes first and the answer last, so a limit of tokens cuts answers off as a thinking budget does, and those
with many names first. After its answer the model goes on talking until its tokens are spent, as verbose models do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

NAMES = (
    *("Alma", "Boris", "Clara", "Dan", "Elsa", "Felix", "Greta", "Hans", "Ida", "Jonas", "Kate", "Lars", "Mary"),
    *("Noah", "Otto", "Peter", "Rosa", "Simon", "Tom", "Vera", "Walter", "Yara"),
)
FEWEST, MOST = 2, 6


@dataclass(frozen=True, slots=True)
class CountedNames:
    """One question: worked examples, and names that are to be counted. answer: how many there are."""

    question: str
    answer: str


def questions(count: int, seed: int) -> list[CountedNames]:
    """So many different questions, drawn from `seed`. Each is an independent draw of all that there can be."""
    rng, found = random.Random(seed), dict[tuple[str, ...], CountedNames]()
    while len(found) < count:
        names = tuple(rng.choices(NAMES, k=rng.randint(FEWEST, MOST)))
        found[names] = CountedNames(f"{_examples()}{_asked(names)}", str(len(names)))
    return list(found.values())


def _examples() -> str:
    shown = (("Lena", "Max", "Otis"), ("Pia", "Rolf"), ("Una", "Vito", "Wanda", "Xaver", "Zita"))
    return "".join(f"{_asked(names)}{_worked(names)}\nAnswer: {len(names)}\n\n" for names in shown)


def _asked(names: tuple[str, ...]) -> str:
    return f"Names: {', '.join(names)}\nCount:"


def _worked(names: tuple[str, ...]) -> str:
    return " " + ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
