"""Words and counts of a packed ledger: any text as one word without blanks, and back."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, unquote

from earlystop.api.counts import TALLY_FIELDS, Tally

MAX_DIGITS = 20
"""Of a count: more than any counter has, and no work for `int`."""

_EMPTY_WORD = '""'
_PLAIN = "!#$&'()*+,/:;<=>?@[]^`{|}"


@lru_cache(maxsize=4096)
def word(text: str) -> str:
    """`text` with its odd characters percent-encoded; never empty."""
    return quote(text, safe=_PLAIN, errors="surrogatepass") or _EMPTY_WORD


@lru_cache(maxsize=4096)
def unword(packed: str) -> str:
    """Inverse of `word`. Raises ValueError for bytes that are no UTF-8."""
    return "" if packed == _EMPTY_WORD else unquote(packed, errors="surrogatepass")


def counts_text(tally: Tally) -> str:
    """`n,n,…` in the order of `Tally`, zeros at its end left out."""
    row = list(tally.row())
    while len(row) > 1 and row[-1] == 0:
        row.pop()
    return ",".join(map(str, row))


def is_count(text: str) -> bool:
    """Whether it is a whole number >= 0 of a length that a count can have."""
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def tally_in(text: str) -> Tally | None:
    """Inverse of `counts_text`; None for any other text."""
    numbers = text.split(",")
    # All numbers are checked at once, since each series of each policy comes along here.
    if len(numbers) > len(TALLY_FIELDS) or not text.isascii() or not all(map(str.isdecimal, numbers)):
        return None
    return Tally(*map(int, numbers)) if max(map(len, numbers)) <= MAX_DIGITS else None
