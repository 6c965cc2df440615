"""Signs that Exact Match leaves out with all punctuation, and that make another thing of a text: C++ is not C, -x is
not x. Pure and total.
"""

from __future__ import annotations

import re

from earlystop.evaluator.scoring.numbers import prepared

_LEAD = re.compile(r"[>#=*\s-]+\s")
"""A quotation, heading or bullet of Markdown, or an equals sign, before the whole text."""
_OPERAND = r"(?:(?<![A-Za-z])[A-Za-z]|[0-9)])"
_OPERAND_AFTER = r"(?:[A-Za-z](?![A-Za-z])|[0-9(])"
_SIGN = re.compile(
    r"[#<>=^]|\+(?![0-9])|(?<=\w)\+|(?<![\w)\].])-(?=[0-9]|[A-Za-z](?![A-Za-z])|[(\\])"
    rf"|(?<={_OPERAND})[*/](?={_OPERAND_AFTER})|(?<={_OPERAND} )[-*/](?= {_OPERAND_AFTER})"
    r"|(?<=[A-Za-z0-9])-(?=\s*[.,;:!?)]|\s*$)"
)
"""Between the operands of a formula, each a letter or a number, also those that words have otherwise: x - y, but
x-ray. A hyphen behind its word at the end is a sign, as of blood groups and ions: A-, Cl-."""


def same_signs(one: str, other: str) -> bool:
    """Whether both have the same signs of calculation, comparison and names in the same order."""
    return _signs(one) == _signs(other)


def _signs(text: str) -> list[str]:
    text = prepared(text)
    lead = _LEAD.match(text)
    return _SIGN.findall(text, lead.end() if lead else 0)
