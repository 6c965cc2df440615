"""Dates and times of day as people write them, read by their meaning: pure and total.

1/2/2020 may be January or February: it agrees only with the same three numbers in the same order, never with a month in
words. A time without am or pm is of the 24-hour clock. What one side leaves out (a year, a zone) the other must too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from earlystop.evaluator.scoring.month_names import with_english_dates
from earlystop.evaluator.scoring.numbers import prepared

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?"
_DATE = (
    rf"{_WEEKDAY}(?:the )?(?:(?P<iso>[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}})"
    r"|(?P<numeric>[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})"
    rf"|(?P<day>{_DAY})(?: of)?[ -](?P<month>{_MONTH})(?:,?[ -](?P<year>[0-9]{{4}}))?"
    rf"|(?P<month_first>{_MONTH})[ -](?P<day_second>{_DAY})(?![0-9])(?:,? (?P<year_last>[0-9]{{4}}))?"
    rf"|(?P<month_alone>{_MONTH}),? (?:of )?(?P<year_alone>[0-9]{{4}}))"
)
_TIME = (
    r"(?:(?P<hour>[0-9]{1,2})"
    r"(?:[:h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?|\.(?P<dotted>[0-9]{2})(?= ?(?:[ap]\.?m|uhr\b)))?"
    r"(?: ?(?P<half>[ap])\.?m\b\.?| o'clock| ?uhr\b)?(?P<zone> ?(?:z|utc|gmt)\b| ?[+-][0-9]{2}:?[0-9]{2})?"
    r"|(?:12 )?(?P<name>noon|midnight))"
)
_EDGE = r"(?<![\w.,:/-])"
_END = r"(?![\w/:-]|[.,][0-9])"
_MOMENT = re.compile(
    rf"{_EDGE}(?:{_DATE}(?:(?:t|,? (?:at )?){_TIME})?|{_TIME.replace('?P<', '?P<only_')}){_END}",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:can)?not|n't|\binstead of|\brather than|\bas opposed to|\bbefore|\bafter|\bprior to"
    r"|\b(?:earlier|later) than)\s+(?:be )?(?:on |at |in )?(?:the )?$",
    re.IGNORECASE,
)
_ISO_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Moment:
    """day: year, month and day, None for what is not said, or () without a date; clock: seconds of the day and the
    zone's text, or () without a time."""

    day: tuple[int | str | None, ...] = ()
    clock: tuple[int | str, ...] = ()

    @property
    def kind(self) -> tuple[bool, bool]:
        """Whether it has a date, and a time."""
        return bool(self.day), bool(self.clock)


def whole_moment(text: str) -> Moment | None:
    """The date or time that the whole text is, None where it is none."""
    text = with_english_dates(prepared(text)).strip().rstrip("!").strip("\"' ")
    for form in (text, text.rstrip(".")):
        if month := _ISO_MONTH.fullmatch(form):
            return Moment((int(month[1]), int(month[2]), None)) if 1 <= int(month[2]) <= 12 else None
        found = _MOMENT.fullmatch(form) if len(form) < 80 else None
        if found:
            return _moment(found)
    return None


def last_moment(text: str, kind: tuple[bool, bool]) -> Moment | None:
    """The last date, time, or both, of a text, None where it has none of this kind. What is denied, or only comes
    before or after it, is none."""
    text = with_english_dates(prepared(text))
    named = (
        each for each in _MOMENT.finditer(text) if not _DENIED.search(text[max(0, each.start() - 40) : each.start()])
    )
    moments = map(_moment, named)
    return next((each for each in reversed(list(moments)) if each and each.kind == kind), None)


def _moment(found: re.Match[str]) -> Moment | None:
    groups = found.groupdict()
    day, clock = _day(groups), _clock(groups, "") or _clock(groups, "only_")
    return None if day is None or clock is None or not (day or clock) else Moment(day, clock)


def _day(groups: dict[str, str | None]) -> tuple[int | str | None, ...] | None:
    """() where no date is written, None where it is none that exists."""
    if groups["iso"]:
        year, month, day = map(int, re.split("[-/.]", groups["iso"]))
        return _existing(year, month, day)
    if groups["numeric"]:
        first, second, year = map(int, re.split("[-/.]", groups["numeric"]))
        if first != second and first <= 12 and second <= 12:
            return ("either", first, second, year)
        return _existing(year, *((second, first) if first > 12 else (first, second)))
    name = groups["month"] or groups["month_first"] or groups["month_alone"]
    if name is None:
        return ()
    number = _MONTHS.index(name.lower()[:3]) + 1
    day_text, year_text = groups["day"] or groups["day_second"], groups["year"] or groups["year_last"]
    year_text = year_text or groups["year_alone"]
    return _existing(
        int(year_text) if year_text else None, number, int(re.sub("[a-zA-Z]", "", day_text)) if day_text else None
    )


def _existing(year: int | None, month: int, day: int | None) -> tuple[int | None, ...] | None:
    try:
        date(2000 if year is None else year, month, day or 1)
    except ValueError:
        return None
    return (year, month, day)


def _clock(groups: dict[str, str | None], prefix: str) -> tuple[int | str, ...] | None:
    """() where no time is written, None where it is none of a day."""
    if groups[prefix + "name"]:
        return (43200 if str(groups[prefix + "name"]).lower() == "noon" else 0, "")
    if groups[prefix + "hour"] is None:
        return ()
    hour = int(str(groups[prefix + "hour"]))
    minute = int(groups[prefix + "minute"] or groups[prefix + "dotted"] or 0)
    second, half = int(groups[prefix + "second"] or 0), (groups[prefix + "half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    zone = (groups[prefix + "zone"] or "").strip().lower().replace(":", "")
    zone = "utc" if zone in ("z", "utc", "gmt", "+0000", "-0000") else zone
    return (3600 * hour + 60 * minute + second, zone) if hour < 24 and minute < 60 and second < 60 else None
