"""What an agentgateway computes for the fields of a body: expressions in CEL that do what an injector does
(`injector.body.edited`), over `llmRequest`, the body as the client sent it.

Of `coalesce` the first argument counts that is neither null nor an error, as of a field that is not there. The gateway
leaves out a field whose expression is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from earlystop.api.body_guards import GREEDY, Guard, Relation
from earlystop.api.body_knobs import Api, Apply, BodySetting, Field, ValueType

NUMBERS = (ValueType.INTEGER, ValueType.DECIMAL)
_BREAKS = {Relation.AT_LEAST: ">", Relation.ABOVE: ">=", Relation.AT_MOST: "<", Relation.BELOW: "<="}
"""How the other field stands to a setting that its guard forbids."""


def expressions(
    settings: Mapping[str, BodySetting], values: Iterable[tuple[str, str]], api: Api
) -> list[dict[str, str]]:
    """A list of `field` and `expression` for a variant's values, by parameter, in bodies of one API."""
    written = ((settings[name], text) for name, text in values if name in settings)
    return [
        {"field": field.path[0], "expression": expression}
        for setting, text in written
        if _may_be_written(setting, text)
        for field, expression in _of_setting(setting, text, setting.fields.get(api, ()), api)
    ]


def _may_be_written(setting: BodySetting, text: str) -> bool:
    """Whether engines take the value at all; an injector writes no other."""
    return setting.type not in NUMBERS or setting.least is None or float(text) >= setting.least


def _of_setting(setting: BodySetting, text: str, fields: tuple[Field, ...], api: Api) -> Iterable[tuple[Field, str]]:
    if not all(field.takes(text) for field in fields):
        return
    forbidden = [_broken(guard, float(text)) for guard in setting.guards.get(api, ())]
    if setting.where is not None:
        path, word = setting.where
        forbidden.append(f"coalesce({_at(path)}, null) != {json.dumps(word)}")
    for index, field in enumerate(fields):
        others = [_at(each.path) for place, each in enumerate(fields) if place != index]
        expression = _first(setting, text, field, others) if index == 0 else _alias(setting, text, field)
        if expression is None:
            continue
        if forbidden:
            expression = f"{' || '.join(forbidden)} ? coalesce({_at(field.path)}, null) : {expression}"
        yield field, expression


def _first(setting: BodySetting, text: str, field: Field, others: list[str]) -> str:
    """The field that is set where the client sent it, or none of its aliases."""
    value = _literal(setting, text)
    if not others:
        return value if setting.apply is Apply.ALWAYS else f"coalesce({_where_sent(setting, value, field)}, {value})"
    if_absent = f"(coalesce({', '.join(others)}, null) != null ? null : {value})"
    return f"coalesce({_where_sent(setting, value, field)}, {if_absent})"


def _alias(setting: BodySetting, text: str, field: Field) -> str | None:
    """A field that is changed where the client sent it, and left out where it did not; None where it always stays."""
    if setting.apply is Apply.IF_ABSENT:
        return None
    return f"coalesce({_where_sent(setting, _literal(setting, text), field)}, null)"


def _where_sent(setting: BodySetting, value: str, field: Field) -> str:
    """What becomes of the client's own value: an error or null where there is none."""
    sent = _at(field.path)
    match setting.apply:
        case Apply.ALWAYS:
            return f"({sent} != null ? {value} : null)"
        case Apply.IF_ABSENT:
            return sent
    return _bounded_number(setting, value, field) if setting.type in NUMBERS else _bounded_word(setting, value, sent)


def _bounded_number(setting: BodySetting, value: str, field: Field) -> str:
    cast, lowers = ("int" if setting.type is ValueType.INTEGER else "double"), setting.apply is Apply.IF_LARGER
    sent, zero = f"{cast}({_at(field.path)})", "0" if cast == "int" else "0.0"
    bounded = f"{'min' if lowers else 'max'}({sent}, {value})"
    unbounded = [
        f"{sent} {sign} {zero}"
        for sign, is_so in (("<", field.unbounded_below_zero), ("==", field.zero_is_absent))
        if is_so
    ]
    if not unbounded:
        return bounded
    return f"({' || '.join(unbounded)} ? {value if lowers else sent} : {bounded})"


def _bounded_word(setting: BodySetting, value: str, sent: str) -> str:
    order = [json.dumps(each) for each in setting.order] if setting.type is ValueType.STRING else ["false", "true"]
    place = order.index(value)
    beyond = order[place + 1 :] if setting.apply is Apply.IF_LARGER else order[:place]
    return f"({sent} in [{', '.join(beyond)}] ? {value} : {sent})" if beyond else sent


def _literal(setting: BodySetting, text: str) -> str:
    """The value in CEL, where a whole number is no decimal."""
    match setting.type:
        case ValueType.INTEGER:
            return str(int(text))
        case ValueType.DECIMAL:
            return text if "." in text else f"{text}.0"
        case ValueType.BOOLEAN:
            return text
    return json.dumps(text)


def _broken(guard: Guard, number: float) -> str:
    """An expression that is true where the guard forbids the number; a field that the body does not have forbids
    nothing."""
    other = f"double({_at(guard.path)})"
    if guard.relation is Relation.NEVER:
        found = "true"
    elif guard.relation is Relation.SAMPLED:
        found = f"{other} < {GREEDY!r}" if number > 1 else "false"
    else:
        found = f"{other} {_BREAKS[guard.relation]} {number!r}"
    if guard.only_if is not None:
        path, word = guard.only_if
        found = f"{_at(path)} == {json.dumps(word)} && {found}"
    return f"coalesce({found}, false)"


def _at(path: tuple[str, ...]) -> str:
    return "llmRequest" + "".join(f"[{json.dumps(key)}]" for key in path)
