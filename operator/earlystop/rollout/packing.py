"""Looks and totals as short text: a status has 40 KiB for them, and a map of integers would cost ten times that."""

from __future__ import annotations

import base64
import binascii
import zlib

from earlystop.api.counts import TALLY_FIELDS, Look, Tally
from earlystop.rollout.state import Totals

WIDTH = len(TALLY_FIELDS)


def pack_looks(looks: tuple[Look, ...]) -> str:
    """One line a look, times as differences, counts as departures from what one expects of them, compressed."""
    lines = []
    before = 0
    for look in looks:
        numbers = [look.at - before, look.step, look.weight, *_shorten(look.baseline), *_shorten(look.candidate)]
        lines.append(",".join("" if number == 0 else str(number) for number in numbers))
        before = look.at
    return base64.b85encode(zlib.compress("\n".join(lines).encode(), 9)).decode() if lines else ""


def unpack_looks(text: str) -> tuple[Look, ...]:
    """Inverse of `pack_looks`. Raises ValueError when the text was not made by it."""
    if not text:
        return ()
    try:
        lines = zlib.decompress(base64.b85decode(text)).decode().split("\n")
    except (ValueError, zlib.error, binascii.Error) as error:
        raise ValueError(f"status.looks is not a packed list of looks: {error}") from None
    looks = []
    before = 0
    for line in lines:
        numbers = [int(number or 0) for number in line.split(",")]
        if len(numbers) != 3 + 2 * WIDTH:
            raise ValueError(f"status.looks has a row of {len(numbers)} numbers, expected {3 + 2 * WIDTH}")
        before += numbers[0]
        counts = numbers[3:]
        looks.append(Look(before, numbers[1], numbers[2], _restore(counts[:WIDTH]), _restore(counts[WIDTH:])))
    return tuple(looks)


def pack_totals(totals: Totals) -> str:
    """Both variants' counts as "1,2,…;1,2,…"."""
    return ";".join(",".join(map(str, tally.row())) for tally in (totals.baseline, totals.candidate))


def unpack_totals(text: str) -> Totals:
    """Inverse of `pack_totals`. Raises ValueError when the text was not made by it."""
    baseline, candidate = (Tally(*map(int, part.split(","))) for part in text.split(";"))
    return Totals(baseline, candidate)


def _shorten(tally: Tally) -> list[int]:
    """Most requests that start complete, and most that complete are scored: then these differences are 0."""
    return [
        tally.started,
        tally.completed - tally.started,
        tally.failed,
        tally.match,
        tally.mismatch + tally.match - tally.completed,
        tally.unscored,
        tally.tokens,
        tally.tokens_squared,
    ]


def _restore(numbers: list[int]) -> Tally:
    started, missing, failed, match, surplus, unscored, tokens, squared = numbers
    completed = started + missing
    return Tally(started, completed, failed, match, surplus + completed - match, unscored, tokens, squared)
