"""Numbers and times in the words that people read in status, events and verdicts."""

from __future__ import annotations

from earlystop.api.counts import Tally
from earlystop.api.plurals import counted
from earlystop.api.times import from_rfc3339 as from_rfc3339
from earlystop.api.times import rfc3339 as rfc3339
from earlystop.evidence.bets import Answers
from earlystop.evidence.intervals import Interval

MOST_DIGITS = 4
"""Digits after the point of a bound that lies beside a margin."""


def in_points(value: float | Interval) -> str:
    """EM in points of a hundred: a margin as "2", an estimate as "-0.4 [-1.6, +0.8]"."""
    if isinstance(value, Interval):
        if value.estimate is None:
            return "not known yet"
        return f"{100 * value.estimate:+z.1f} [{_bound(value.low, '+z.1f')}, {_bound(value.high, '+z.1f')}]"
    return f"{100 * value:g}"


def difference_in_points(value: Interval) -> str:
    """An EM difference in a sentence: "-0.4 [-1.6, +0.8] points", or "not known yet", which is no number of them."""
    return in_points(value) if value.estimate is None else f"{in_points(value)} points"


def beside_margin(value: Interval, margin: float) -> str:
    """An EM difference beside a sentence that says whether the loss is below a margin, > 0: as `in_points`, with digits
    more, up to `MOST_DIGITS`, where a bound that is not the margin would be rounded to it."""
    if value.estimate is None:
        return in_points(value)
    digits = 1
    while digits < MOST_DIGITS and any(_seems(each, -margin, digits) for each in (value.low, value.high)):
        digits += 1
    form = f"+z.{digits}f"
    return f"{100 * value.estimate:{form}} [{_bound(value.low, form)}, {_bound(value.high, form)}]"


def _seems(bound: float | None, limit: float, digits: int) -> bool:
    """Whether a bound is not the limit and would be rounded to it."""
    return bound is not None and bound != limit and round(100 * bound, digits) == round(100 * limit, digits)


def in_rate(answers: Answers) -> str:
    """Exact Match of some answers in percent, as "81.3"; "?" of none."""
    return f"{100 * answers.match / answers.scored:.1f}" if answers.scored else "?"


def in_percent(value: float | Interval) -> str:
    """A share in percent: a bound as "10 %", an estimate as "38 % [35, 41]"."""
    if isinstance(value, Interval):
        if value.estimate is None:
            return "not known yet"
        return f"{100 * value.estimate:z.0f} % [{_bound(value.low, 'z.0f')}, {_bound(value.high, 'z.0f')}]"
    return f"{100 * value:g} %"


def _bound(value: float | None, form: str) -> str:
    return "?" if value is None else format(100 * value, form)


def in_count(number: int) -> str:
    """A count with its thousands apart: "12,345"."""
    return f"{number:,}"


UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
SHORTEST_IN_UNITS = 120
"""Seconds from which on a duration is said in the units of `UNITS`."""
DURATION = r"(?:[0-9]+ (?:d|h|min) )*[0-9]+ (?:d|h|min|s)"
"""What `in_duration` writes, as a regular expression; seconds alone, as earlier releases wrote them, too."""


def in_duration(seconds: int) -> str:
    """A duration, whole seconds >= 0, exactly and as nobody has to reckon: "90 s", "1 h", "1 d 3 h 46 min 40 s"."""
    if seconds < SHORTEST_IN_UNITS:
        return f"{seconds} s"
    left, parts = seconds, []
    for unit, name in UNITS:
        whole, left = divmod(left, unit)
        if whole:
            parts.append(f"{whole} {name}")
    return " ".join(parts)


def in_factor(value: float) -> str:
    """A risk or a ratio with the digits that it was written with: "0.05", "1.5"."""
    return f"{value:g}"


def in_hundredths(value: float) -> str:
    """A measured ratio: "1.37"."""
    return f"{value:.2f}"


def risk_text(risk: float) -> str:
    """A risk, or a part of one, as statuses and verdicts store it: six digits."""
    return f"{risk:.6g}"


def log_e_text(value: float) -> str:
    """A log e-value with three decimals."""
    return f"{value:z.3f}"


def in_remainder(baseline: Tally, candidate: Tally) -> str:
    """What counts may have missed, in one sentence."""
    scored = f"{in_count(baseline.scored)} more scored answers of the baseline and {in_count(candidate.scored)}"
    completed = f"{in_count(baseline.completed)} and {in_count(candidate.completed)}"
    return (
        f"Up to {scored} of the candidate, and {completed} more completed requests, could not be placed for certain "
        "and are not counted."
    )


def in_settings(values: dict[str, str]) -> str:
    """Settings in one phrase: "window=5, patience=2"."""
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "with nothing set"


def points_are_lost(loss: float) -> str:
    """A loss of EM, a fraction > 0, in words that end a sentence: "1 point of EM is lost"."""
    return counted(in_points(loss), "point of EM is lost", "points of EM are lost")
