"""The part of CEL that rendered expressions use, evaluated as an agentgateway does: a missing field is an error, and
`coalesce` passes over errors and nulls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"\s*(\"(?:[^\"\\]|\\.)*\"|-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?|[A-Za-z]+|\|\||&&|[=!<>]=|[<>?:,()\[\]])"
)
_WORDS = {"null": None, "true": True, "false": False}
Lazy = Callable[[], Any]


class EvaluationError(Exception):
    """The expression has no value."""


def evaluated(expression: str, body: dict[str, Any]) -> Any:
    """The value of an expression about a body. Raises EvaluationError where it has none, ValueError for what is no
    expression."""
    tokens = _TOKEN.findall(expression)
    if "".join(tokens).replace(" ", "") != re.sub(r"\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", expression):
        raise ValueError(f"no expression: {expression}")
    reader = _Reader(tokens, body)
    value = reader.ternary()
    if reader.rest:
        raise ValueError(f"left over: {reader.rest}")
    return value()


class _Reader:
    def __init__(self, tokens: list[str], body: dict[str, Any]) -> None:
        self.rest, self.body = tokens, body

    def taken(self, *wanted: str) -> str:
        return self.rest.pop(0) if self.rest and self.rest[0] in wanted else ""

    def needed(self, wanted: str) -> None:
        if not self.taken(wanted):
            raise ValueError(f"{wanted} is missing before {self.rest}")

    def ternary(self) -> Lazy:
        condition = self.either()
        if not self.taken("?"):
            return condition
        yes = self.ternary()
        self.needed(":")
        no = self.ternary()
        return lambda: yes() if _is_true(condition()) else no()

    def either(self) -> Lazy:
        left = self.both()
        while self.taken("||"):
            left = (lambda one, other: lambda: _is_true(one()) or _is_true(other()))(left, self.both())
        return left

    def both(self) -> Lazy:
        left = self.compared()
        while self.taken("&&"):
            left = (lambda one, other: lambda: _is_true(one()) and _is_true(other()))(left, self.compared())
        return left

    def compared(self) -> Lazy:
        left = self.primary()
        sign = self.taken("==", "!=", "<=", ">=", "<", ">", "in")
        if not sign:
            return left
        right = self.primary()
        return lambda: _compared(sign, left(), right())

    def primary(self) -> Lazy:
        token = self.rest.pop(0)
        if token == "(":
            inner = self.ternary()
            self.needed(")")
            return inner
        if token == "[":
            parts = self.listed("]")
            return lambda: [part() for part in parts]
        if token in _WORDS:
            return lambda: _WORDS[token]
        if token[0] == '"' or token[0] in "-0123456789":
            return lambda: json.loads(token)
        return self.indexed() if token == "llmRequest" else self.called(token)

    def indexed(self) -> Lazy:
        keys = []
        while self.taken("["):
            keys.append(json.loads(self.rest.pop(0)))
            self.needed("]")
        return lambda: _at(self.body, keys)

    def called(self, name: str) -> Lazy:
        self.needed("(")
        arguments = self.listed(")")
        if name == "coalesce":
            return lambda: _coalesced(arguments)
        return lambda: _FUNCTIONS[name](*(argument() for argument in arguments))

    def listed(self, end: str) -> list[Lazy]:
        found = []
        while not self.taken(end):
            found.append(self.ternary())
            if not self.taken(","):
                self.needed(end)
                break
        return found


def _is_true(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EvaluationError(f"{value!r} is no condition")
    return value


def _compared(sign: str, left: Any, right: Any) -> bool:
    if sign == "in":
        return any(type(each) is type(left) and each == left for each in right)
    if sign in ("==", "!="):
        same = left == right and isinstance(left, bool) == isinstance(right, bool)
        return same == (sign == "==")
    if type(left) is not type(right):
        raise EvaluationError(f"{left!r} {sign} {right!r}")
    return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])


def _at(value: Any, keys: list[str]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise EvaluationError(f"no {key}")
        value = value[key]
    return value


def _coalesced(arguments: list[Lazy]) -> Any:
    failed: EvaluationError | None = None
    is_null = False
    for argument in arguments:
        try:
            value = argument()
        except EvaluationError as error:
            failed = error
            continue
        if value is not None:
            return value
        is_null = True
    if not is_null and failed is not None:
        raise failed
    return None


def _number(kind: type[int] | type[float]) -> Callable[[Any], Any]:
    def converted(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise EvaluationError(f"{value!r} is no number")
        try:
            return kind(value)
        except ValueError as error:
            raise EvaluationError(str(error)) from None

    return converted


_FUNCTIONS: dict[str, Callable[..., Any]] = {"int": _number(int), "double": _number(float), "min": min, "max": max}
