"""Dates that are written in other languages, put as in English or as ISO writes them. Pure and total."""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.typography import plain_characters

_IN_ENGLISH = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
               "November", "December")  # fmt: skip
_NAMES = {
    "German": "januar februar märz april mai juni juli august september oktober november dezember",
    "Austrian German": "jänner feber",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Polish": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "Russian": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "Ukrainian": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "Turkish": "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "Indonesian": "januari februari maret april mei juni juli agustus september oktober november desember",
}
"""Months from January on, as they stand in a date. None of them is another month in another of these languages."""
_NUMBERS = {
    plain_characters(name): number for names in _NAMES.values() for number, name in enumerate(names.split(), start=1)
}
_MONTHS = "|".join(sorted(map(re.escape, _NUMBERS), key=len, reverse=True))
_WRITTEN = re.compile(
    rf"(?:\b(?:le|el|il|am|den|dia|día) )?(?P<day>\b[0-9]{{1,2}})(?:\.|er|º|°)?(?: de)? (?P<month>{_MONTHS})\b"
    r"(?:,?(?: del?)? (?P<year>[0-9]{4}))?(?: (?:г\.?|года?|р\.?|року)(?!\w))?",
    re.IGNORECASE,
)
_EAST_ASIAN = re.compile(r"(?P<year>[0-9]{4}) ?[年년] ?(?P<month>[0-9]{1,2}) ?[月월] ?(?P<day>[0-9]{1,2}) ?[日号號일]")


_EAST_ASIAN_TIME = re.compile(r"(?<![0-9])([0-9]{1,2}) ?[時时시点點] ?([0-9]{2}) ?[分분]")
_MILITARY_TIME = re.compile(r"(?<![\w.,])([01][0-9]|2[0-3])([0-5][0-9]) (?:hours|hrs)\b", re.IGNORECASE)


def with_english_dates(text: str) -> str:
    """A prepared text with 4. März 2021 as 4 March 2021, 2021年3月4日 as 2021-3-4, and 1345 hours as 13:45."""
    for time in (_EAST_ASIAN_TIME, _MILITARY_TIME):
        text = time.sub(r"\1:\2", text)
    text = _EAST_ASIAN.sub(lambda found: f"{found['year']}-{found['month']}-{found['day']}", text)
    return _WRITTEN.sub(_english, text)


def _english(found: re.Match[str]) -> str:
    month = _IN_ENGLISH[_NUMBERS[found["month"].lower()] - 1]
    return " ".join(part for part in (found["day"], month, found["year"]) if part)
