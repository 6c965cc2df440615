"""Units that may follow a number, one name each: so that 5 km and 5 kilometres agree, and 5 km and 5 m do not."""

from __future__ import annotations

import re

_NAMES = {
    "$": "$ usd dollar dollars us$ us-dollar bucks",
    "€": "€ eur euro euros",
    "£": "£ gbp pound-sterling",
    "¥": "¥ jpy yen",
    "₹": "₹ inr rupee rupees rs rs.",
    "CHF": "chf sfr fr. franken",
    "cent": "¢ cent cents",
    "km": "km kilometer kilometers kilometre kilometres",
    "m": "m meter meters metre metres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "mile": "mi mile miles",
    "ft": "ft foot feet",
    "inch": "inch inches",
    "yd": "yd yard yards",
    "kg": "kg kilogram kilograms kilogramme kilogrammes kilo kilos",
    "g": "g gram grams gramme grammes",
    "mg": "mg milligram milligrams",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "t": "t ton tons tonne tonnes",
    "l": "l liter liters litre litres",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "s": "s sec secs second seconds",
    "ms": "ms millisecond milliseconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "d day days",
    "week": "week weeks",
    "month": "month months",
    "year": "y yr yrs year years",
    "km/h": "km/h kph kmh",
    "mph": "mph",
    "m/s": "m/s",
    "°": "° deg degree degrees",
    "°C": "°c celsius",
    "°F": "°f fahrenheit",
    "K": "kelvin",
    "m^2": "m^2 m² sqm",
    "m^3": "m^3 m³",
    "cm^2": "cm^2",
    "cm^3": "cm^3 cc",
    "km^2": "km^2",
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
}
_BY_NAME = {alias: unit for unit, aliases in _NAMES.items() for alias in aliases.split()}
PREFIXES = r"US\$|A\$|C\$|[$€£¥₹¢]|USD|EUR|GBP|JPY|INR|CHF|Rs\.?"
"""Currencies, which may also stand before a number."""
_FOLLOWING = re.compile(r"[ -]{0,2}([$€£¥₹¢°%][CF]?(?![A-Za-z])|[A-Za-z]+(?:/[A-Za-z]+|\^[23])?)")


def unit_named(word: str) -> str:
    """The unit that this word means, "" for a word that is no unit known here."""
    word = word.strip().lower()
    return "$" if word in ("a$", "c$") else _BY_NAME.get(word, "")


def unit_after(text: str, position: int) -> tuple[str, int]:
    """The unit that is written at this position, and where it ends; "" and the position itself without one."""
    found = _FOLLOWING.match(text, position)
    unit = unit_named(found[1]) if found else ""
    return (unit, found.end()) if found and unit else ("", position)
