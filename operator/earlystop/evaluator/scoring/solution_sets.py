"""Formulas that list values or intervals whose order says nothing: {1, -2}, "1 or -2", (2, 12) ∪ (12, 102).

Pure and total. A pair in parentheses, such as (3, 5), keeps its order; so does everything that is no list.
"""

from __future__ import annotations

import re

_JOINT = re.compile(r",?\s*(?:\\q?quad\s*)?(?:\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)\s*(?:\\q?quad\s*)?|;")
_ASSIGNED = re.compile(r"\s*([A-Za-z](?:_\{?[0-9]\}?)?)\s*=\s*")
_BRACED = re.compile(r"\s*\\\{(.*)\\\}\s*", re.DOTALL)
_BETWEEN = re.compile(
    r"\s*(?P<low>[^<>=\\A-Za-z]{1,40}|-?\\infty)\s*(?P<above><|\\leq?(?:slant)?(?![A-Za-z])|≤)\s*[A-Za-z]\s*"
    r"(?P<below><|\\leq?(?:slant)?(?![A-Za-z])|≤)\s*(?P<high>[^<>=\\A-Za-z]{1,40}|\\infty)\s*"
)
_UNION = re.compile(r"\\(?:cup|bigcup)(?![A-Za-z])|∪")
_GOES_ON = re.compile(r"\\[lc]?dots|\.\.\.|…")
_MOST_PARTS = 50


def as_interval(formula: str) -> str:
    r"""-2 \le x \le 7 as [-2, 7]; any other formula as it is."""
    found = _BETWEEN.fullmatch(formula)
    if found is None:
        return formula
    opening, closing = ("(" if found["above"] == "<" else "["), (")" if found["below"] == "<" else "]")
    return f"{opening}{found['low'].strip()}, {found['high'].strip()}{closing}"


def parts_without_order(formula: str) -> list[str] | None:
    """The parts of a list or union whose order says nothing, as they are written; None for what is no such list."""
    if _UNION.search(formula):
        return _bounded([each.strip() for each in _UNION.split(formula)])
    braced = _BRACED.fullmatch(formula)
    inner = braced[1] if braced else formula
    parts = [each.strip() for each in _at_commas(_JOINT.sub(",", inner))]
    names = {found[1] for each in parts if (found := _ASSIGNED.match(each))}
    if len(names) == 1:  # n = 1, -2 and n = 1 or n = -2, but not x = 1, y = 2
        parts = [_ASSIGNED.sub("", each, count=1) for each in parts]
    elif names or (not braced and _keeps_order(parts)):
        return None
    return _bounded(parts) if braced or len(parts) > 1 else None


def _keeps_order(parts: list[str]) -> bool:
    """Whether a list is a sequence rather than solutions: it goes on, says a value twice, or has words or letters."""
    goes_on = any(_GOES_ON.fullmatch(each) for each in parts)
    return goes_on or len(set(parts)) < len(parts) or not any(re.search(r"[0-9]|\\", each) for each in parts)


def _bounded(parts: list[str]) -> list[str] | None:
    return parts if len(parts) <= _MOST_PARTS and all(parts) else None


def _at_commas(text: str) -> list[str]:
    """The text cut at its commas outside all brackets; a comma of thousands, as in 1,234, cuts nothing."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        if character == "," and depth == 0 and not re.match(r"[0-9]{3}(?![0-9])", text[place + 1 :]):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]
