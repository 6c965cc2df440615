"""A guard's packed detectors as their departures from what their other numbers let expect, as columns.

Their bytes (`rollout/guard/detector_packing.py`) are logs in whole steps, 16 bits each, and then numbers of 32 bits:
for Exact Match and each query class how many answers of both variants were compared, and guesses of the baseline's rate
as right answers of so many. A class's answers stand in its own detector and in that of Exact Match, and as many were
guessed from as were compared; neighbouring bets of detectors that are alike have gained alike.

What stands where only follows from how many classes there are. Where that is not so, nothing is lost, and no room won.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from math import fsum, isfinite, isnan

Numbers = Sequence[int]

BETS, LAST_BETS = 12, 5
"""Logs of a detector of answers, and of the last one, of requests that come to no answer."""
OF_MATCH, OF_A_CLASS = 4, 6
"""Numbers beside the logs of the detector of Exact Match, and two of them and four more of each class."""
PSEUDO_ANSWERS, USUAL_RATE = 20.0, 0.8
"""What a guess begins with (`evidence/change_detection.py`)."""
LARGEST_FLOAT = 3.4e38
NO_NUMBER: int = struct.unpack("<i", struct.pack("<f", float("nan")))[0]


def sizes_of(content: bytes, classes: int | None) -> tuple[int, int] | None:
    """How many logs and how many other numbers there are. classes: query classes of a guard on answers, None for one on
    pairs. None where these bytes cannot be so."""
    others = 0 if classes is None else OF_MATCH + OF_A_CLASS * classes
    logs, rest = divmod(len(content) - 4 * others, 2)
    return None if logs < 0 or rest else (logs, others)


def columns_of(content: bytes, logs: int, others: int) -> list[Numbers]:
    """The bytes of so many logs and other numbers as columns."""
    steps = struct.unpack_from(f"<{logs}H", content)
    numbers = struct.unpack(f"<{others}i", content[2 * logs :])
    return [*_columns_of_logs(steps, _classes_in(others)), *_columns_of_others(numbers)]


def lengths_of(logs: int, others: int) -> Iterator[int]:
    """How many numbers each of these columns has."""
    classes = _classes_in(others)
    alike = _alike(logs, classes)
    yield from [1 + classes] * BETS * bool(alike)
    yield logs - alike
    yield from [classes] * OF_A_CLASS * bool(classes)
    yield others - OF_A_CLASS * classes


def bytes_of(columns: Sequence[Numbers], logs: int, others: int) -> bytes:
    """Inverse of `columns_of`. Raises ValueError for columns that are not of it."""
    classes = _classes_in(others)
    split = BETS * bool(_alike(logs, classes)) + 1
    steps = _logs_in(columns[:split], logs, classes)
    try:
        return struct.pack(f"<{logs}H{others}i", *steps, *_others_in(columns[split:], classes))
    except struct.error as error:
        raise ValueError(f"its detectors have a number that cannot be: {error}") from None


def _classes_in(others: int) -> int:
    return max(0, others - OF_MATCH) // OF_A_CLASS


def _alike(logs: int, classes: int) -> int:
    """How many logs are of detectors that are alike: of Exact Match and of each of several classes."""
    alike = BETS * (1 + classes)
    return alike if classes > 1 and logs >= alike + LAST_BETS else 0


def _columns_of_logs(steps: Numbers, classes: int) -> list[Numbers]:
    alike = _alike(len(steps), classes)
    if not alike:
        return [_differences(steps)]
    last = len(steps) - LAST_BETS
    begin = last - BETS * classes
    rows = [steps[:BETS], *(steps[at : at + BETS] for at in range(begin, last, BETS))]
    profiles = [[0] * BETS, *map(_differences, rows)]
    departures = [[own - other for own, other in zip(row, before, strict=True)] for before, row in pairwise(profiles)]
    return [*map(list, zip(*departures, strict=True)), _differences([*steps[BETS:begin], *steps[last:]])]


def _logs_in(columns: Sequence[Numbers], logs: int, classes: int) -> Numbers:
    """Inverse of `_columns_of_logs`."""
    *of_alike, rest = columns
    left = _sums(rest)
    if not of_alike:
        return left
    rows, profile = [], [0] * BETS
    for departures in zip(*of_alike, strict=True):
        profile = [own + more for own, more in zip(profile, departures, strict=True)]
        rows.append(_sums(profile))
    between = logs - LAST_BETS - BETS * (1 + classes)
    return [*rows[0], *left[:between], *chain.from_iterable(rows[1:]), *left[between:]]


def _differences(numbers: Numbers) -> list[int]:
    return [now - before for before, now in pairwise([0, *numbers])]


def _sums(differences: Numbers) -> list[int]:
    found, total = [], 0
    for each in differences:
        total += each
        found.append(total)
    return found


def _columns_of_others(numbers: Numbers) -> list[Numbers]:
    """A column for each of the six numbers of a class, and one of the rest."""
    classes = _classes_in(len(numbers))
    of_match = numbers[: OF_MATCH + 2 * classes]
    rows = []
    before = _NOTHING
    for number in range(classes):
        begin = len(of_match) + 4 * number
        row = (*numbers[begin : begin + 4], *of_match[OF_MATCH + 2 * number : OF_MATCH + 2 * number + 2])
        rows.append([own - _expected(place, row[:place], before) for place, own in enumerate(row)])
        before = row
    compared = _compared(numbers[len(of_match) :])
    rest = [own - _expected_of_all(place, numbers[:place], compared) for place, own in enumerate(numbers[:OF_MATCH])]
    return [*map(list, zip(*rows, strict=True)), [*rest, *numbers[len(of_match) + 4 * classes :]]]


def _others_in(columns: Sequence[Numbers], classes: int) -> Numbers:
    """Inverse of `_columns_of_others`."""
    *of_classes, rest = columns
    before, own, in_match = _NOTHING, list[int](), list[int]()
    for departures in zip(*of_classes, strict=True):
        row: tuple[int, ...] = ()
        for place, more in enumerate(departures):
            row = (*row, more + _expected(place, row, before))
        own += row[:4]
        in_match += row[4:]
        before = row
    of_all: tuple[int, ...] = ()
    for place, more in enumerate(rest[:OF_MATCH]):
        of_all = (*of_all, more + _expected_of_all(place, of_all, _compared(own)))
    return [*of_all, *in_match, *own, *rest[OF_MATCH:]]


_NOTHING: tuple[int, ...] = (0,) * OF_A_CLASS


def _expected(place: int, row: Numbers, before: Numbers) -> int:
    """What the number at a place of a class's row should be, by those before it and by the row of the class before.

    Of a class: compared answers of the baseline and of the promoted setting, right answers and answers of its guess,
    and of the guess that Exact Match has of it, which differs by what a margin is worth.
    """
    baseline, promoted, right, answers, right_in_match, _ = map(_float, before)
    known = [*map(_float, row)]
    if place == 0:
        return before[0]
    if place == 1:
        return _bits(_ratio(known[0] * promoted, baseline))
    if place == 2:
        return _bits((PSEUDO_ANSWERS + known[0] + known[1]) * (_ratio(right, answers) or USUAL_RATE))
    if place == 3:
        return _bits(PSEUDO_ANSWERS + known[0] + known[1])
    if place == 4:
        return _bits(known[2] + _ratio((right_in_match - right) * known[1], promoted))
    return row[3]


def _expected_of_all(place: int, known: Numbers, compared: Sequence[float]) -> int:
    """The same of Exact Match itself. compared: answers of both variants over all classes, none where there is no
    class. It has guesses of answers of no class only where there are some."""
    if compared:
        return _bits(compared[place]) if place < len(compared) else NO_NUMBER
    if place < 2:
        return 0
    answers = PSEUDO_ANSWERS + fsum(map(_float, known[:2]))
    return _bits(answers * USUAL_RATE if place == 2 else answers)


def _compared(own: Numbers) -> Sequence[float]:
    """Answers of both variants that were compared, over all classes. own: four numbers of each class. Sums of floats
    by `sum` are others in later releases of Python."""
    return [fsum(map(_float, own[place::4])) for place in (0, 1)] if own else []


def _float(bits: int) -> float:
    """The number that 32 bits stand for, 0 for none. Raises ValueError for more bits."""
    try:
        found: float = struct.unpack("<f", struct.pack("<i", bits))[0]
    except struct.error:
        raise ValueError("its detectors have a number of more than 32 bits") from None
    return found if isfinite(found) else 0.0


def _bits(number: float) -> int:
    """The 32 bits of a number, in which larger ones have a larger number of their own."""
    if isnan(number) or abs(number) > LARGEST_FLOAT:
        return NO_NUMBER
    bits: int = struct.unpack("<i", struct.pack("<f", number))[0]
    return bits


def _ratio(number: float, of: float) -> float:
    return number / of if of else 0.0
