"""Numbers beside what they count, in sentences for people."""

from __future__ import annotations


def counted(number: int | str, one: str, many: str | None = None) -> str:
    """A number and what it counts: "1 look", "2,000 looks", "0.5 points of EM".

    number: as it is shown, or an integer, which gets its thousands apart. one: the noun for exactly one, with what
    follows it. many: the same for any other number; without it, the first word gets an "s".
    """
    shown = f"{number:,}" if isinstance(number, int) else number
    if shown == "1":
        return f"{shown} {one}"
    noun, blank, rest = one.partition(" ")
    return f"{shown} {many if many is not None else f'{noun}s{blank}{rest}'}"
