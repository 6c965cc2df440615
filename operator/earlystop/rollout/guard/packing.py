"""A guard's detectors, factors and window as short text, and back."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from math import nan
from operator import add

from earlystop.evidence import em_claims, guard_detectors
from earlystop.evidence.bets import Guess
from earlystop.evidence.change_detection import NEVER, AnswerDetector, BetDetector, Detector
from earlystop.evidence.guard_detectors import Detectors, Factors
from earlystop.evidence.mixture import log_mixture
from earlystop.evidence.objective import Claim, ClaimKind, Objective
from earlystop.rollout.guard.window import Part, Sums, Window
from earlystop.rollout.stored.whole_numbers import numbers_in, varint

BETWEEN = ","
DEPARTURES = ":"
"""What a packed window begins with, which no number of it does."""
HALF = 1 + len(Sums._fields)
WINDOW_COLUMNS = HALF + len(Sums._fields)


def pack_detectors(detectors: Detectors, objective: Objective) -> str:
    """All numbers of the detectors, in the order of their claims, with seven digits each; what is `rounded` has more of
    none."""
    found = guard_detectors.named(detectors, objective)
    numbers = [number for claim, each in found for number in _numbers(each, _classes(claim, objective))]
    return base64.b85encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def unpack_detectors(text: str, objective: Objective) -> Detectors:
    """Inverse of `pack_detectors` for the same objective. Raises ValueError for text not made by it."""
    try:
        content = base64.b85decode(text)
        numbers = iter(struct.unpack(f"<{len(content) // 4}f", content))
        fresh = guard_detectors.start(objective)
        named = guard_detectors.named(fresh, objective)
        found = [_restored(each, numbers, _classes(claim, objective)) for claim, each in named]
        left = len(list(numbers))
    except (ValueError, struct.error, StopIteration, RuntimeError) as error:
        raise ValueError(f"a guard's checkpoint is not a packed list of numbers: {error}") from None
    if left:
        raise ValueError(f"a guard's checkpoint has {left} numbers more than its objective has detectors for")
    *rest, unanswered = found[1:]
    floor = rest.pop(0) if fresh.floor is not None else None
    bets = [each for each in rest if isinstance(each, BetDetector)]
    answers = [each for each in rest if isinstance(each, AnswerDetector)]
    assert floor is None or isinstance(floor, BetDetector)  # as it was begun
    assert isinstance(unanswered, BetDetector)  # as it was begun
    return Detectors(found[0], floor, tuple(bets), tuple(answers), unanswered)


def rounded(detectors: Detectors, objective: Objective) -> Detectors:
    """The detectors as they are stored. A promise of a mean time is as good with seven digits of R."""
    return unpack_detectors(pack_detectors(detectors, objective), objective)


def _numbers(detector: Detector, classes: Sequence[str]) -> Iterator[float]:
    if isinstance(detector, BetDetector):
        yield from detector.log_r
        return
    known = dict(detector.harm.guesses)
    yield from detector.harm.log_capital
    yield from map(float, detector.harm.answered)
    for name in classes:
        yield from known.get(name, (nan, nan))


def _restored(detector: Detector, numbers: Iterator[float], classes: Sequence[str]) -> Detector:
    """The detector that has these numbers; the one before any look says how many it has."""
    if isinstance(detector, BetDetector):
        log_r = tuple(next(numbers) for _ in detector.log_r)
        return replace(detector, log_r=log_r, log_statistic=_mixed(log_r, detector.log_weights))
    log_r = tuple(next(numbers) for _ in detector.harm.log_capital)
    answered = int(next(numbers)), int(next(numbers))
    pairs = [(name, Guess(next(numbers), next(numbers))) for name in classes]
    guesses = tuple(sorted((name, guess) for name, guess in pairs if guess.scored == guess.scored))
    statistic = _mixed(log_r, detector.harm.grid.log_weights)
    log_e = statistic if answered != (0, 0) else 0.0
    harm = replace(
        detector.harm, log_capital=log_r, answered=answered, guesses=guesses, log_e=log_e, log_e_max=max(0.0, log_e)
    )
    return AnswerDetector(harm, statistic)


def _classes(claim: Claim, objective: Objective) -> tuple[str, ...]:
    """The classes that a detector of answers has guesses of: that of one class has no others in it."""
    named = () if claim.kind is ClaimKind.QUERY_CLASS else tuple(each.name for each in objective.classes)
    return (em_claims.OTHER, *named)


def _mixed(log_r: Sequence[float], log_weights: Sequence[float]) -> float:
    return NEVER if max(log_r) == NEVER else log_mixture(log_r, log_weights)


def pack_factors(factors: Factors) -> str:
    """The factors as "1.5,1.0,2.25", to the last bit: on answers, then of each guardrail."""
    return BETWEEN.join(repr(each) for each in (factors.answers, *factors.guardrails))


def unpack_factors(text: str) -> Factors:
    """Inverse of `pack_factors`. Raises ValueError for text not made by it."""
    answers, *rails = map(float, text.split(BETWEEN))
    if not min(answers, *rails, answers) >= 1:
        raise ValueError(f"a guard's factors are {text[:64]!r}, expected numbers of 1 or more")
    return Factors(answers, tuple(rails))


def pack_window(window: Window) -> str:
    """The parts of a window, "" for none: each number as its departure from that of the part before, as these are as
    long, and requests without a score in place of all."""
    if not window.parts:
        return ""
    rows = [(0,) * WINDOW_COLUMNS, *map(_row, window.parts)]
    departures = (now - then for before, row in pairwise(rows) for then, now in zip(before, row, strict=True))
    return DEPARTURES + base64.b85encode(b"".join(map(varint, departures))).decode()


def unpack_window(text: str, seconds: int) -> Window:
    """Inverse of `pack_window` for a window of this length; statuses of earlier releases have the numbers as they are.
    Raises ValueError for text not made by it."""
    numbers = numbers_in(base64.b85decode(text.removeprefix(DEPARTURES)))
    if len(numbers) % WINDOW_COLUMNS:
        raise ValueError(f"a guard's window holds {len(numbers)} numbers, which are no rows of {WINDOW_COLUMNS}")
    rows = [tuple(numbers[begin : begin + WINDOW_COLUMNS]) for begin in range(0, len(numbers), WINDOW_COLUMNS)]
    if text.startswith(DEPARTURES):
        summed = accumulate(rows, lambda before, more: tuple(map(add, before, more)))
        return Window(seconds, tuple(Part(row[0], _sums(row[1:HALF]), _sums(row[HALF:])) for row in summed))
    return Window(seconds, tuple(Part(row[0], Sums(*row[1:HALF]), Sums(*row[HALF:])) for row in rows))


def _row(part: Part) -> tuple[int, ...]:
    both = (
        (each.scored, each.match, each.completed - each.scored, each.tokens) for each in (part.baseline, part.candidate)
    )
    return (part.begin, *chain.from_iterable(both))


def _sums(row: Sequence[int]) -> Sums:
    scored, match, unscored, tokens = row
    return Sums(scored, match, scored + unscored, tokens)
