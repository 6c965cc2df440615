"""Units that may follow a number, one name each: so that 5 km and 5 kilometres agree, and 5 km and 5 m do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache

_NAMES = {
    "$": "$ usd dollar dollars us$ us-dollar bucks a$ c$ s$ hk$ nz$ nt$ mx$ cad aud mxn",
    "€": "€ eur euro euros",
    "£": "£ gbp pound-sterling quid",
    "¥": "¥ jpy yen",
    "₹": "₹ inr rupee rupees rs rs.",
    "R$": "r$ brl reais",
    "kr": "kr kr. sek nok dkk",
    "zł": "zł pln zloty",
    "元": "元 cny rmb yuan",
    "₩": "₩ krw",
    "₽": "₽ rub rubles roubles руб руб.",
    "₺": "₺ lira",
    "₫": "₫ vnd dong",
    "₪": "₪ ils shekels",
    "₦": "₦ ngn naira",
    "₱": "₱ pesos",
    "CHF": "chf sfr fr. franken",
    "cent": "¢ cent cents",
    "penny": "p pence penny",
    "km": "km kilometer kilometers kilometre kilometres kilómetros kilomètres chilometri quilômetros км 公里 千米",
    "m": "m meter meters metre metres metros mètres metri м метров 米 公尺",
    "cm": "cm centimeter centimeters centimetre centimetres centímetros centimètres см сантиметров 厘米 公分",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "mile": "mi mile miles",
    "ft": "ft foot feet",
    "inch": "inch inches",
    "yd": "yd yard yards",
    "kg": "kg kilogram kilograms kilogramme kilogrammes kilo kilos кг килограммов 公斤 千克",
    "g": "g gram grams gramme grammes gramm gramos граммов 克",
    "mg": "mg milligram milligrams",
    "lb": "lb lbs",
    "pound": "pound pounds",
    "oz": "oz ounce ounces",
    "t": "t ton tons tonne tonnes",
    "l": "l liter liters litre litres",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "s": "s sec secs second seconds",
    "ms": "ms millisecond milliseconds",
    "min": "min mins minute minutes minuten minutos minuti мин минут минуты 分钟 分鐘",
    "h": "h hr hrs hour hours stunde stunden heure heures horas uur час часа часов 小时 小時",
    "day": "d day days tage tagen jours días giorni dias дней дня",
    "week": "week weeks",
    "month": "month months",
    "year": "y yr yrs year years",
    "km/h": "km/h kph kmh",
    "mile/h": "mph",
    "°": "° deg degree degrees",
    "rad": "rad rads radian radians",
    "°C": "°c celsius",
    "°F": "°f fahrenheit",
    "K": "kelvin",
    "m^2": "sqm",
    "cm^3": "cc",
    "ft^2": "sqft",
    "W": "w watt watts",
    "kW": "kw kilowatt kilowatts",
    "kWh": "kwh",
    "J": "joule joules",
    "kJ": "kj",
    "kcal": "kcal",
    "V": "volt volts",
    "Hz": "hz hertz",
    "Pa": "pa pascal pascals",
    "KB": "kb kilobyte kilobytes",
    "MB": "mb megabyte megabytes",
    "GB": "gb gigabyte gigabytes",
    "TB": "tb terabyte terabytes",
    "mol": "mol mole moles",
    "%": "% percent pct percentage",
    "‰": "‰ permille",
}
_MULTIPLES: dict[str, tuple[str, int]] = {
    "km": ("mm", 10**6), "m": ("mm", 10**3), "cm": ("mm", 10),
    "mile": ("inch", 63_360), "yd": ("inch", 36), "ft": ("inch", 12),
    "t": ("mg", 10**9), "kg": ("mg", 10**6), "g": ("mg", 10**3), "lb": ("oz", 16),
    "l": ("ml", 10**3), "kW": ("W", 10**3), "kJ": ("J", 10**3),
    "week": ("ms", 604_800_000), "day": ("ms", 86_400_000), "h": ("ms", 3_600_000), "min": ("ms", 60_000),
    "s": ("ms", 1_000),
}  # fmt: skip
"""Units that are so many of a smaller one, exactly. A ton is read as the metric one, which people mean by t."""
_MINOR = {"cent": ("$", "€"), "penny": ("£", "pound")}
"""Hundredths of which currencies."""
_AMBIGUOUS = {"pound": ("lb", "£"), "°": ("°C", "°F")}
"""Words for more than one unit: a weight or money, a temperature in a scale that is not named."""
_BY_NAME = {alias: unit for unit, aliases in _NAMES.items() for alias in aliases.split()}
PREFIXES = (
    r"(?:US|A|C|R|S|HK|NZ|NT|MX)\$|[$€£¥₹¢₩₽₺₫₪₦₱]|\b(?:USD|EUR|GBP|JPY|INR|CHF|CAD|AUD|CNY|RMB|SEK|NOK|DKK|PLN|BRL|KRW|MXN"
    r"|Rs|kr|zł)\b\.?"
)
"""Currencies, which may also stand before a number."""
_SIGNS = r"[$€£¥₹¢₩₽₺₫₪₦₱°%‰][CF]?(?![A-Za-z])"
_WORD = r"(?:[A-Za-z\u00c0-\u024f]+|[\u0400-\u045f]+)"
_HAN = r"公里|千米|公尺|厘米|公分|公斤|千克|分钟|分鐘|小时|小時|[米克](?![\u4e00-\u9fff])"
"""Units without a space after them."""
_POWER = r"(?: ?\^[({]?-?[1-9][)}]?|[23](?![0-9.,]))?"
_BELOW = rf" {_WORD} ?\^[({{]?-[1-9][)}}]?"
"""One more unit, which a power below zero shows to be one, as in m s^-2."""
_FOLLOWING = re.compile(
    rf"[ -]{{0,2}}(?P<first>{_SIGNS}|{_HAN}|(?:(?:square|sq|cubic|cu)\.? )?{_WORD}\.?{_POWER})"
    r"(?P<others>(?:(?: ?[/·⋅*] ?| per | an? (?=(?:hour|minute|second|day|week|month|year)\b))"
    rf"{_WORD}{_POWER}|{_BELOW}){{0,2}})",
    re.IGNORECASE,
)
_FACTOR = re.compile(
    rf" ?(?P<by>[/·⋅*]|\bper\b|\ban?\b)? ?(?P<area>(?:square|sq|cubic|cu)\.? )?(?P<name>{_WORD})\.?(?P<power>{_POWER})",
    re.IGNORECASE,
)

_SYMBOL = (
    r"(?:(?:[kMGmµunpcd]?(?:J|N|K|V|A|C|T|F|H|W|S|Pa|Hz|eV|Wb|mol|m|s|g|L|l|M|cal|bar|Bq|Gy|Sv|kat)"
    r"|atm|min|h|Da|Ω|rad|sr|cd|lm|lx)(?![A-Za-z])(?: ?\^[({]?-?[1-9][)}]?)?)"
)
_SYMBOLS = re.compile(rf" {{0,2}}{_SYMBOL}(?:(?: ?[·⋅* /] ?|(?<=[0-9)}}])){_SYMBOL}){{0,5}}")
"""Units by their symbols, in capitals where people write these, as J mol^-1 K^-1: with a power below zero, or several
with a power, they are read for the sake of their powers, which are no numbers of the answer's."""


def is_same_quantity(one: Fraction, unit: str, other: Fraction, of_other: str) -> bool:
    """Whether two numbers with units that have a name here are the same quantity, as 5 km and 5000 m, or 50 cents and
    $0.50."""
    if unit == of_other or of_other in _AMBIGUOUS.get(unit, ()) or unit in _AMBIGUOUS.get(of_other, ()):
        return one == other
    if of_other in _MINOR.get(unit, ()):
        return one == 100 * other
    if unit in _MINOR.get(of_other, ()):
        return other == 100 * one
    small, times = _MULTIPLES.get(unit, (unit, 1))
    other_small, other_times = _MULTIPLES.get(of_other, (of_other, 1))
    return small == other_small and one * times == other * other_times


@cache
def smaller_units(unit: str) -> Mapping[str, int]:
    """How many of each smaller unit of its kind a unit is, where that is a whole number."""
    small, times = _MULTIPLES.get(unit, (unit, 1))
    of_its_kind = {name: each for name, (other, each) in _MULTIPLES.items() if other == small} | {small: 1}
    return {name: times // each for name, each in of_its_kind.items() if each < times and times % each == 0}


def unit_named(word: str) -> str:
    """The unit that this word means, "" for a word that is no unit known here."""
    word = word.strip().lower()
    return _BY_NAME.get(word, "") or _BY_NAME.get(word.rstrip("."), "")


def unit_after(text: str, position: int) -> tuple[str, int]:
    """The unit that is written at this position, and where it ends; "" for one without a name here, and the position
    itself without any.

    Units of units have one name however they are written: m/s for "metres per second" and m·s^-1, ft^2 for "sq. ft.".
    """
    found = _FOLLOWING.match(text, position)
    if not found:
        return "", position
    whole, first = (_known(text, found.start("first"), end) for end in (found.end(), found.end("first")))
    end = _end_of_symbols(text, position)
    if end > whole[1] or (end > position and not whole[0]):
        return "", end
    return next((each for each in (whole, first) if each[0]), ("", position))


def _end_of_symbols(text: str, position: int) -> int:
    """Where units by their symbols end that are read for the sake of their powers; the position itself without any."""
    found = _SYMBOLS.match(text, position)
    plain = re.sub(r"[({]| (?=\^)", "", found[0]).strip() if found else ""
    is_one = "^-" in plain or ("^" in plain and any(each in plain for each in " ·⋅*/"))
    return found.end() if found and is_one else position


def _known(text: str, start: int, end: int) -> tuple[str, int]:
    """The unit that this part of a text names, "" where it is unknown, and where it ends."""
    written = text[start:end]
    return unit_named(written) or _composed(written), end - written.endswith(".")


def _composed(written: str) -> str:
    """Such as "km/h" for "kilometres per hour"; "" where a part is no unit known here."""
    above: list[str] = []
    below: list[str] = []
    for factor in _FACTOR.finditer(written):
        # "in" alone is a word, and a unit with a power.
        unit = "inch" if factor["name"].lower() == "in" and factor["power"] else unit_named(factor["name"])
        if not unit or unit == "%":
            return ""
        in_words = {"s": 2, "c": 3}.get((factor["area"] or " ")[0].lower(), 1)
        power = int(re.sub(r"[^0-9-]", "", factor["power"] or "") or in_words)
        is_below = (factor["by"] or "").lower() in ("/", "per", "a", "an") or power < 0
        (below if is_below else above).append(unit if abs(power) == 1 else f"{unit}^{abs(power)}")
    if not (above or below) or written.count(" ") > 8:
        return ""
    return "/".join(["·".join(sorted(above)) or "1", *sorted(below)])
