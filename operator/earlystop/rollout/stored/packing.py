"""Looks and totals as short text: a status has 256 KiB for them, and a map of integers would cost ten times that."""

from __future__ import annotations

import base64
import lzma
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from earlystop.api.counts import (
    USER_COLUMNS,
    ClassAnswers,
    Look,
    Tally,
    UserScatter,
    number_of_later,
)
from earlystop.api.packed_numbers import BARE, bare_numbers, packed_bytes
from earlystop.api.unpacking import unpacked
from earlystop.api.whole_numbers import numbers_in
from earlystop.evidence.bets import Answers
from earlystop.evidence.dispersion import DispersionEstimate
from earlystop.rollout.stored.look_columns import (
    LATER,
    NOTHING,
    WIDTH,
    PastSums,
    expected,
    look_numbers,
    plus_classes,
    plus_tally,
    with_later,
)
from earlystop.rollout.totals import Totals

COLUMNS = 3 + 2 * WIDTH
CLASS_COLUMNS = len(ClassAnswers._fields)

BETWEEN_MARKS = "/"


def pack_marks(marks: Sequence[Totals]) -> str:
    """The marks of each candidate, in order."""
    return BETWEEN_MARKS.join(map(pack_totals, marks))


def unpack_marks(text: str) -> list[Totals]:
    """Inverse of `pack_marks`. Raises ValueError for text not made by it."""
    return [unpack_totals(part) for part in text.split(BETWEEN_MARKS)]


def pack_looks(looks: Sequence[Look], beside: bool = False) -> str:
    """Looks as text, empty for none. All of them name the same query classes. beside: whether each has a column for
    the baseline's weight."""
    if not looks:
        return ""
    return pack_numbers(*look_numbers(looks, beside))


def pack_numbers(content: bytes, later: int) -> str:
    """The numbers of looks, at least one, as the text of `pack_looks`. later: how many later counts each tally has."""
    return packed_text(packed_bytes(content, later))


def packed_text(packed: bytes) -> str:
    """Bytes as characters that need no escape in JSON: five for each four bytes."""
    return base64.b85encode(packed).decode()


def unpack_looks(text: str, classes: int = 0, beside: bool = False, by_users: bool = False) -> tuple[Look, ...]:
    """Inverse of `pack_looks` for looks with so many query classes. beside: whether each has a column for the
    baseline's weight; by_users: whether users are counted. Raises ValueError for text not made by it."""
    if not text:
        return ()
    later, numbers = unpack_numbers(text)
    return looks_in(numbers, later, classes, beside, by_users)


def unpack_numbers(text: str) -> tuple[int, bytes]:
    """How many later counts each tally has, and the numbers of looks, in the form of this release or of earlier ones.
    Raises ValueError for other text."""
    try:
        content = base64.b85decode(text)
        return bare_numbers(content) if content[:1] == bytes([BARE]) else _in_container(content)
    except (ValueError, lzma.LZMAError, struct.error) as error:
        raise ValueError(f"status.internal.looks is not a packed list of looks: {error}") from None


def _in_container(content: bytes) -> tuple[int, bytes]:
    """As `bare_numbers`, for what earlier releases wrote. A container begins with a byte of its own, which no number of
    later counts is."""
    later = content[0] if content[:1] and content[0] <= LATER else 0
    return later, unpacked(content[1:] if later else content)


def looks_in(
    content: bytes, later: int, classes: int = 0, beside: bool = False, by_users: bool = False
) -> tuple[Look, ...]:
    """Inverse of `look_numbers`. Raises ValueError for bytes not made by it."""
    try:
        numbers = numbers_in(content)
    except ValueError as error:
        raise ValueError(f"status.internal.looks is not a packed list of looks: {error}") from None
    width = COLUMNS + CLASS_COLUMNS * classes + beside + 2 * later + USER_COLUMNS * by_users
    rows, rest = divmod(len(numbers), width)
    if rest:
        raise ValueError(f"status.internal.looks holds {len(numbers)} numbers, which are no rows of {width}")
    columns = [numbers[column * rows : (column + 1) * rows] for column in range(width)]
    users = _restored_users(columns[-USER_COLUMNS:]) if by_users else None
    columns = columns[:-USER_COLUMNS] if by_users else columns
    columns, more = columns[: len(columns) - 2 * later], columns[len(columns) - 2 * later :]
    weights = columns.pop() if beside else None
    looks = tuple(_restored(zip(*columns, strict=True)))
    if later:
        looks = tuple(_with_later(look, row) for look, row in zip(looks, zip(*more, strict=True), strict=True))
    if weights is not None:
        looks = tuple(replace(look, baseline_weight=own or None) for look, own in zip(looks, weights, strict=True))
    if users is not None:
        looks = tuple(replace(look, users=counted) for look, counted in zip(looks, users, strict=True))
    return looks


def _with_later(look: Look, row: tuple[int, ...]) -> Look:
    """A look with the later counts of the baseline and of the candidate."""
    half = len(row) // 2
    arms = with_later(look.baseline, row[:half]), with_later(look.candidate, row[half:])
    return replace(look, baseline=arms[0], candidate=arms[1])


def pack_totals(totals: Totals) -> str:
    """Both variants' counts, and those of the query classes, as "1,2,…;1,2,…;1,2,…"."""
    arms = totals.baseline.row(), totals.candidate.row()
    width = WIDTH + number_of_later(*arms)
    rows = (*(arm[:width] for arm in arms), *totals.classes)
    return ";".join(",".join(map(str, row)) for row in rows)


def unpack_totals(text: str) -> Totals:
    """Inverse of `pack_totals`. Raises ValueError when the text was not made by it."""
    parts = [part.split(",") for part in text.split(";")]
    widths = [len(part) for part in parts]
    arms, rest = widths[:2], widths[2:]
    fits = len(arms) == 2 and arms[0] == arms[1] and WIDTH <= arms[0] <= WIDTH + LATER
    fits = fits and all(width == CLASS_COLUMNS for width in rest)
    if not fits or not all(number.isdecimal() for part in parts for number in part):
        raise ValueError(
            f"status.internal.mark is {text[:80]!r}, expected twice {WIDTH} counts, and {CLASS_COLUMNS} for each "
            f'query class, as "1,2,…;1,2,…", or twice up to {WIDTH + LATER}'
        )
    baseline, candidate, *classes = ([int(number) for number in part] for part in parts)
    return Totals(Tally(*baseline), Tally(*candidate), tuple(ClassAnswers(*counts) for counts in classes))


def pack_dispersion(scatter: DispersionEstimate) -> str:
    """What the baseline has taught, as "scored,match,pairs,total"; empty numbers before the first look."""
    last = ("", "") if scatter.last is None else scatter.last
    return ",".join(map(str, (*last, scatter.pairs, repr(scatter.total))))


def unpack_dispersion(text: str) -> DispersionEstimate:
    """Inverse of `pack_dispersion`. Raises ValueError when the text was not made by it."""
    try:
        scored, match, pairs, total = text.split(",")
        last = Answers(int(scored), int(match)) if scored else None
        return DispersionEstimate(last, int(pairs), float(total))
    except ValueError:
        raise ValueError(f'status.internal.scatter is {text[:80]!r}, expected "scored,match,pairs,total"') from None


def _restored_users(columns: Sequence[Sequence[int]]) -> Iterator[UserScatter]:
    """Inverse of `look_columns.LookColumns`, column by column."""
    return map(UserScatter._make, zip(*map(accumulate, columns), strict=True))


def _restored(rows: Iterable[tuple[int, ...]]) -> Iterator[Look]:
    """Inverse of `look_columns.departure`."""
    at = gap = 0
    baseline, candidate = NOTHING, NOTHING
    past: tuple[ClassAnswers, ...] = ()
    for change, step, weight, *counts in rows:
        gap += change
        at += gap
        mine, theirs, rest = counts[:WIDTH], counts[WIDTH : 2 * WIDTH], counts[2 * WIDTH :]
        arms = _restore(mine, baseline), _restore(theirs, candidate)
        classes = _restore_classes(rest, arms, (baseline, candidate), past)
        yield Look(at, step, weight, *arms, classes)
        baseline, candidate = plus_tally(baseline, arms[0]), plus_tally(candidate, arms[1])
        past = plus_classes(past, classes)


def _restore(numbers: list[int], past: PastSums) -> Tally:
    """Inverse of `look_columns.departure`."""
    started, missing, failed, more_match, surplus, unscored, more_tokens, more_squared, *votes_and_pairs = numbers
    completed = started + missing
    scored = completed + surplus - unscored
    match = more_match + expected(scored, past.match, past.scored)
    tokens = more_tokens + expected(completed, past.tokens, past.completed)
    squared = more_squared + expected(completed, past.tokens_squared, past.completed)
    return Tally(started, completed, failed, match, scored - match, unscored, tokens, squared, *votes_and_pairs)


def _restore_classes(
    numbers: list[int], arms: tuple[Tally, Tally], pasts: tuple[PastSums, PastSums], classes: tuple[ClassAnswers, ...]
) -> tuple[ClassAnswers, ...]:
    """Inverse of `look_columns.departure`."""
    restored = []
    for index in range(len(numbers) // CLASS_COLUMNS):
        known = classes[index] if classes else ClassAnswers()
        counts: list[int] = []
        for side, (arm, past) in enumerate(zip(arms, pasts, strict=True)):
            more, more_match = numbers[CLASS_COLUMNS * index + 2 * side :][:2]
            past_match, past_miss = known[2 * side : 2 * side + 2]
            scored = more + expected(arm.scored, past_match + past_miss, past.scored)
            match = more_match + expected(scored, past_match, past_match + past_miss)
            counts += [match, scored - match]
        restored.append(ClassAnswers(*counts))
    return tuple(restored)
