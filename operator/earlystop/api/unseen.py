"""Names of users as people see them: two of which nobody sees a difference are taken for one person's.

The chart's admission policy `…-approved` holds the same letters as a class of a regular expression, so that the API
server refuses what the operator would not count.
"""

from __future__ import annotations

import re

from earlystop.api.visible import visible

LETTERS = (
    "0-20 3F 7F-A0 AD 305 307 30D-30E 310 312 315-31A 31C-322 329-32C 32F 332-337 339-341 343-344 346-36F 483-489 "
    "600-605 61C 6DD 70F 890-891 8E2 115F-1160 1680 17B4-17B5 180B-180F 1AB0-1AFF "
    "1DC0-1DFF 2000-200F 2028-202F 205F-206F 20D0-20FF 2800 3000 3164 E000-F8FF FE00-FE0F FE20-FE2F FEFF FFA0 "
    "FFF0-FFFB FFFD 110BD 110CD 13430-13438 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF F0000-10FFFF"
)
"""Code points, hexadecimal: controls, blanks, what directs writing, private use, marks that combine with letters of any
script, what Unicode calls default ignorable, and U+2800, which is empty. The question mark and U+FFFD are among them,
since records show such a letter as one of these.

Marks with which people write names are seen, as the acute of a José in five letters, who is not his colleague Jose:
those with which Unicode has letters in one piece, but for the dot above, which an i has anyway."""

RE2_CLASS = "".join("-".join(rf"\x{{{end}}}" for end in each.split("-")) for each in LETTERS.split())
"""The letters as expressions of an API server write a class of them."""

_UNSEEN = re.compile(
    "[" + "".join("-".join(re.escape(chr(int(end, 16))) for end in each.split("-")) for each in LETTERS.split()) + "]"
)


def seen(name: str) -> str:
    """The name without letters that nobody sees; "" where it has no others."""
    return _UNSEEN.sub("", name)


def is_like(name: str, other: str) -> bool:
    """Whether people take both names for one: the same letters are seen, or the same where none is. Who asked for a
    promotion is known as records show the name, with "?" for each letter that nobody sees."""
    return visible(name) == visible(other) or seen(name) == seen(other) != ""
