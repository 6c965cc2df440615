"""A guard's detectors as short text, and back."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import floor, nan

from earlystop.evidence import em_claims, guard_detectors
from earlystop.evidence.bets import Guess
from earlystop.evidence.change_detection import NEVER, AnswerDetector, BetDetector, Detector
from earlystop.evidence.guard_detectors import Detectors
from earlystop.evidence.mixture import log_mixture
from earlystop.evidence.objective import Claim, ClaimKind, Objective

STEPS = 1024
"""Parts of a unit of log R (natural log): a stored detector has whole ones."""
LOWEST = -24.0
"""What is lower is stored as nothing: no alarm comes of it."""
MOST_STEPS = 65_535
IN_STEPS = ":"
"""What a text begins with whose logs are whole steps above `LOWEST`, of 16 bits each; else all numbers have 32."""


def pack_detectors(detectors: Detectors, objective: Objective) -> str:
    """All numbers of the detectors, in the order of their claims, none lost of detectors that are `rounded`.

    Others, as in statuses and records of earlier releases, have seven digits a number, and so have those before any
    look: what is read is written again in the form that it had, since verdicts have digests.
    """
    named = list(guard_detectors.named(detectors, objective))
    logs = [each for _, detector in named for each in _log_r(detector)]
    if any(each != NEVER for each in logs) and all(each == _rounded_down(each) for each in logs):
        others = [each for claim, detector in named for each in _others(detector, _classes(claim, objective))]
        steps = [0 if each == NEVER else _steps(each) for each in logs]
        return IN_STEPS + base64.b85encode(struct.pack(f"<{len(steps)}H{len(others)}f", *steps, *others)).decode()
    numbers = [
        each
        for claim, detector in named
        for each in chain(_log_r(detector), _others(detector, _classes(claim, objective)))
    ]
    return base64.b85encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def unpack_detectors(text: str, objective: Objective) -> Detectors:
    """Inverse of `pack_detectors` for the same objective. Raises ValueError for text not made by it."""
    fresh = guard_detectors.start(objective)
    named = [(each, _classes(claim, objective)) for claim, each in guard_detectors.named(fresh, objective)]
    try:
        if text.startswith(IN_STEPS):
            found = _in_steps(base64.b85decode(text.removeprefix(IN_STEPS)), named)
        else:
            found = _in_digits(base64.b85decode(text), named)
    except (ValueError, struct.error, StopIteration, RuntimeError) as error:
        raise ValueError(f"a guard's checkpoint is not a packed list of numbers: {error}") from None
    return _detectors(found, fresh)


def rounded(detectors: Detectors, objective: Objective) -> Detectors:
    """The detectors as they are stored: the log of each R is rounded down to whole steps. With a smaller R, R less the
    time is still a supermartingale, so false alarms come no sooner. True ones lag by less than a step of `STEPS` for
    each rounding; at most every third look is followed by one."""
    named = guard_detectors.named(detectors, objective)
    lower = [_with_log_r(each, tuple(map(_rounded_down, _log_r(each)))) for _, each in named]
    return unpack_detectors(pack_detectors(_detectors(lower, detectors), objective), objective)


Named = Sequence[tuple[Detector, Sequence[str]]]
"""Detectors before any look, each with the classes of which it has guesses."""


def _in_steps(content: bytes, named: Named) -> list[Detector]:
    """The detectors of a text whose logs are steps, which stand before all other numbers."""
    count = sum(len(_log_r(each)) for each, _ in named)
    steps = struct.unpack_from(f"<{count}H", content)
    rest = struct.unpack(f"<{(len(content) - 2 * count) // 4}f", content[2 * count :])
    logs, others = iter(steps), iter(rest)
    found = [_restored(each, [_log(next(logs)) for _ in _log_r(each)], others, classes) for each, classes in named]
    _ensure_all_read(others)
    return found


def _in_digits(content: bytes, named: Named) -> list[Detector]:
    """The detectors of a text in which the numbers of each stand together."""
    numbers = iter(struct.unpack(f"<{len(content) // 4}f", content))
    found = [_restored(each, [next(numbers) for _ in _log_r(each)], numbers, classes) for each, classes in named]
    _ensure_all_read(numbers)
    return found


def _ensure_all_read(numbers: Iterator[float]) -> None:
    left = len(list(numbers))
    if left:
        raise ValueError(f"it has {left} numbers more than its objective has detectors for")


def _detectors(found: Sequence[Detector], like: Detectors) -> Detectors:
    """Detectors in the order of their claims, of an objective that has others like these."""
    *rest, unanswered = found[1:]
    of_floor = rest.pop(0) if like.floor is not None else None
    bets = [each for each in rest if isinstance(each, BetDetector)]
    answers = [each for each in rest if isinstance(each, AnswerDetector)]
    assert of_floor is None or isinstance(of_floor, BetDetector)  # as it was begun
    assert isinstance(unanswered, BetDetector)  # as it was begun
    return Detectors(found[0], of_floor, tuple(bets), tuple(answers), unanswered)


def _log_r(detector: Detector) -> tuple[float, ...]:
    return detector.log_r if isinstance(detector, BetDetector) else tuple(detector.harm.log_capital)


def _with_log_r(detector: Detector, log_r: tuple[float, ...]) -> Detector:
    if isinstance(detector, BetDetector):
        return replace(detector, log_r=log_r)
    return replace(detector, harm=replace(detector.harm, log_capital=log_r))


def _others(detector: Detector, classes: Sequence[str]) -> Iterator[float]:
    """The numbers of a detector beside its logs."""
    if isinstance(detector, BetDetector):
        return
    known = dict(detector.harm.guesses)
    yield from map(float, detector.harm.answered)
    for name in classes:
        yield from known.get(name, (nan, nan))


def _restored(detector: Detector, logs: Sequence[float], others: Iterator[float], classes: Sequence[str]) -> Detector:
    """The detector that has these numbers. detector: as it was begun."""
    log_r = tuple(logs)
    if isinstance(detector, BetDetector):
        return replace(detector, log_r=log_r, log_statistic=_mixed(log_r, detector.log_weights))
    answered = int(next(others)), int(next(others))
    pairs = [(name, Guess(next(others), next(others))) for name in classes]
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


def _steps(log_r: float) -> int:
    """How many whole steps a log is above the lowest, 0 for what is lower; NaN has none."""
    return min(max(floor((log_r - LOWEST) * STEPS), 0), MOST_STEPS)


def _log(steps: int) -> float:
    return LOWEST + steps / STEPS if steps else NEVER


def _rounded_down(log_r: float) -> float:
    """The number as it is stored; NaN, which no looks give, stays what it is."""
    return _log(_steps(log_r)) if log_r > NEVER else log_r
