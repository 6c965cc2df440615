"""One spelling for characters that people and models write in many ways: pure, total and idempotent."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))
_INVISIBLE |= dict.fromkeys(range(0x2066, 0x206A)) | dict.fromkeys(range(0xFE00, 0xFE10))
_SIGNS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")  # hyphens, en dash, minus
    | dict.fromkeys("\u2018\u2019\u02bc\u2032\uff07", "'")
    | dict.fromkeys("\u201c\u201d\u2033\uff02", '"')
    | dict.fromkeys("\u2044\u2215", "/")
    | {
        "\u00ba": "°",
        "\u066b": ".",
        "\u066c": ",",
        "\u066a": "%",
        "\u3002": ". ",
        "\u0964": ". ",
        "\uff61": ". ",
        "\u3001": ", ",
    }
)
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPTS = re.compile(r"(?<=[0-9A-Za-z)])[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile("[¼½¾⅐-⅞↉]")


def plain_characters(text: str) -> str:
    """The text with ASCII signs, quotes and digits; ½ as 1/2, 10⁵ as 10^5, all spaces but line ends as one kind."""
    text = _SUPERSCRIPTS.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPT), text.translate(_INVISIBLE))
    text = _VULGAR.sub(lambda found: f" {unicodedata.normalize('NFKC', found[0])} ", text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).translate(_INVISIBLE)
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isascii():
        return " " if character in "\t\v\f" else character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return " " if unicodedata.category(character) == "Zs" else character


_HEADING = re.compile(r"^[ ]{0,3}#{1,3}[ ]+", re.MULTILINE)
_STRONG = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|(?<![\w])__|__(?![\w])")
_EMPHASIS = re.compile(r"(?<![\w*)\]])\*(?=[^\s*])|(?<=[^\s*])\*(?![\w*(\[]|(?<=[0-9]\*) ?10 ?\^)")
_UNDERLINED = re.compile(r"(?<![\w\\])_([^\s_](?:[^_\n]{0,200}[^\s_])?)_(?!\w)")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9_-]{0,30}(?: [^<>]{0,200})?/?>|<\|[A-Za-z0-9_]{1,40}\|>")
"""A tag, or a token of a chat template, such as <|begin_of_box|>."""


_BLANKS = re.compile(r"\s{3,}")
"""Models that repeat themselves write thousands of them, and each reader would try each as a beginning."""


def without_markup(text: str) -> str:
    """The text without long blanks, Markdown's emphasis, headings and code marks, and tags such as <answer>."""
    text = _BLANKS.sub(lambda found: "\n\n" if "\n" in found[0] else "  ", text)
    text = _TAG.sub(" ", _HEADING.sub("", text)).replace("`", "")
    return _EMPHASIS.sub("", _UNDERLINED.sub(r"\1", _STRONG.sub("", text)))
