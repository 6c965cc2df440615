"""The text of a multiple-choice answer with its marks, brackets and pictures in their plain form. Pure and total."""

from __future__ import annotations

import re
import unicodedata

from earlystop.evaluator.scoring.latex import latex_as_text
from earlystop.evaluator.scoring.typography import plain_characters, without_markup

_IN_SQUARES = {start + index: chr(ord("A") + index) for start in (0x1F150, 0x1F170) for index in range(26)}
"""Letters in dark circles and squares, for which Unicode has no plain form."""
_SHOWN_RIGHT, _SHOWN_WRONG = "✅✔☑🗸✓", "❌✗✘✖❎🗙"
_KEY = re.compile(r"(?<=[a-z])_(?=[a-z])")
_QUOTED = re.compile(r"[„“‚‘«‹「『【〈《<]\s*([A-Z])\s*[“”’‘»›」』】〉》>]|'([A-Z])'(?!\w)|\"([A-Z])\"(?!\w)")
_AROUND_LETTER = re.compile(r"(?<!\w)_([A-Z])_(?!\w)|\[\[\s*([A-Z])\s*\]\]")


def plain_choice(text: str) -> str:
    """The answer as plain text, without the lines that it marks as wrong; a quoted letter stands in brackets."""
    text = _QUOTED.sub(lambda found: f" ({found[1] or found[2] or found[3]}) ", _KEY.sub(" ", _by_marks(text)))
    text = "".join(map(_without_symbol, text.translate(_IN_SQUARES)))
    text = without_markup(plain_characters(latex_as_text(text))).strip()
    return _AROUND_LETTER.sub(lambda found: found[1] or f"[{found[2]}]", text)


def _without_symbol(character: str) -> str:
    """A blank for an arrow or a picture; other characters as they are, the degrees of 20 °C and a minus among them."""
    is_arrow = "\u2190" <= character <= "\u21ff" or "\u27f0" <= character <= "\u297f" or character == "∴"
    is_picture = not character.isascii() and unicodedata.category(character) in ("So", "Sk") and character != "°"
    plain = unicodedata.normalize("NFKC", character)
    return " " if (is_arrow or is_picture) and plain == character else character


def _by_marks(text: str) -> str:
    """The text without the lines that a sign shows to be wrong; where a sign shows lines to be right, these alone."""
    lines = [line for line in text.split("\n") if not any(sign in line for sign in _SHOWN_WRONG)]
    right = [line for line in lines if any(sign in line for sign in _SHOWN_RIGHT)]
    return "\n".join(right or lines)
