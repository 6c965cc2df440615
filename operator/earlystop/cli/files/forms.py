"""What to write where a text has not the form of its field: in words, and mended where that is plain."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from earlystop.api import delivery, parameters
from earlystop.api.savings import PRICE_PATTERN
from earlystop.api.server_settings import DATA_KEY_PATTERN
from earlystop.api.values import NAME_PATTERN, WORD_PATTERN


class Form(NamedTuple):
    """The form of a field. words: what to write, as the end of a sentence, with an example. mended: makes of a text the
    one that was probably meant; None where a guess would change what is meant, as of a value that is sent."""

    words: str
    mended: Callable[[str], str] | None = None


def _hyphenated(text: str) -> str:
    return re.sub(r"[\s_.]+", "-", text.strip().lower())


def _as_path(text: str) -> str:
    return "/" + text.strip().strip("/")


FORMS = {
    parameters.PATH_PATTERN: Form("keys joined by dots, as custom_params.window"),
    WORD_PATTERN: Form("a word that begins with a letter, as low"),
    NAME_PATTERN: Form("small letters, digits and hyphens, as cap-512", _hyphenated),
    delivery.PATH_PATTERN: Form("a path from its first slash on, as /v1/chat/completions", _as_path),
    DATA_KEY_PATTERN: Form("the key alone, of letters, digits, dots, hyphens and underscores, as settings.yaml"),
    PRICE_PATTERN: Form("a price without its currency, as 0.60"),
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$": Form("the name alone, of small letters, digits, hyphens and dots, as qa"),
    r"^[a-z][-a-z0-9]*-$": Form(
        "the beginning of a header's name, of small letters and with a hyphen at its end, as x-early-stop-",
        lambda text: _hyphenated(text).rstrip("-") + "-",
    ),
    r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$": Form("the name of a header, without blanks and colons, as x-user"),
    r"^[!-~]([ -~]*[!-~])?$": Form("a header's value of ASCII, without blanks at its ends, as beta"),
    r"^([1-9][0-9]{0,2}m|[12])$": Form("1 or 2 processors, or thousandths of one, as 500m"),
    r"^([1-9][0-9]{2,3}Mi|[1-9]Gi)$": Form("memory in Mi or Gi, as 512Mi"),
    r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$": Form("letters, digits, dots, hyphens and underscores, as window"),
    r"^[A-Za-z_][A-Za-z0-9_]*$": Form("the name of a variable, of letters, digits and underscores, as WINDOW"),
    r"^--?[A-Za-z][A-Za-z0-9._-]*$": Form("an argument with its hyphens and without a value, as --window"),
    r"^[A-Za-z0-9]+$": Form("one word of letters and digits, as Complete"),
    r"^[A-Z]{3}$": Form("three capitals, as EUR", str.upper),
}
"""By the field's pattern. A pattern that is not here is shown itself."""


def what_to_write(pattern: str, given: str) -> str:
    """What to write in place of a text that does not match a field's pattern, as the end of a sentence."""
    form = FORMS.get(pattern)
    if form is None:
        return f"a value of the form {pattern}"
    mended = form.mended(given) if form.mended else ""
    return f'"{mended}"' if re.fullmatch(pattern, mended) else form.words
