"""Which parameters go where in requests' bodies: from a policy's parameters, or from a user of the injector, to fields.

The operator writes `WrittenSettings` for the injectors that it makes, and people write them in a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from earlystop.api import body_knobs
from earlystop.api.body_knobs import ENDINGS, KNOBS, Api, Apply, BodySetting, Engine, Knob, ValueType, api_of
from earlystop.api.conditions import Refusal
from earlystop.api.parameters import BY_ORDER, Parameter
from earlystop.api.values import ChoiceText, SettingName, Value

TYPES: Mapping[str, ValueType] = {
    "Integer": ValueType.INTEGER,
    "Decimal": ValueType.DECIMAL,
    "Choice": ValueType.STRING,
    "Boolean": ValueType.BOOLEAN,
}
"""How the value of a parameter of each type is written into JSON."""
_STREAM = ("stream", "stream_options")


class WrittenPath(Value):
    """A field of one API: keys from the body's root, joined by dots. negative_is_unbounded: whether a client's number
    below 0 asks for no bound."""

    api: Api
    path: Annotated[str, Field(max_length=256, pattern=r"^[^.]+(\.[^.]+){0,7}$")]
    negative_is_unbounded: bool = False

    @model_validator(mode="after")
    def _is_no_stream(self) -> Self:
        if self.path.split(".")[0] in _STREAM:
            raise ValueError(f"{self.path} says how an answer is sent and counted; write another field")
        return self


class WrittenCondition(Value):
    """What a client's body must hold for a parameter to be written into it."""

    path: Annotated[str, Field(max_length=256, pattern=r"^[^.]+(\.[^.]+){0,7}$")]
    value: ChoiceText


class WrittenParameter(Value):
    """A parameter by its name in the policy. Either `knob`, whose fields are known for each engine, or `paths`.

    apply: when its value is written over the client's, None for what the knob does, or Always. type: how the header's
    text becomes JSON, for `paths` only. choices: of a String, from the smallest to the largest, where they have an
    order. where: which bodies it is written into, None for all.
    """

    name: SettingName
    knob: Knob | None = None
    paths: Annotated[tuple[WrittenPath, ...], Field(max_length=16)] = ()
    apply: Apply | None = None
    type: ValueType = ValueType.INTEGER
    choices: tuple[ChoiceText, ...] = ()
    where: WrittenCondition | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.knob is None) == (not self.paths):
            raise ValueError(f"parameter {self.name!r} needs either `knob` or `paths`; write one of them")
        return self

    @model_validator(mode="after")
    def _can_be_compared(self) -> Self:
        if self.apply is None or self.apply.value not in BY_ORDER:
            return self
        if self.knob is Knob.REPETITION_STOP or (self.knob is None and self.type is ValueType.JSON):
            raise ValueError(
                f"parameter {self.name!r}: apply {self.apply} compares values, and objects have no order; write apply "
                "Always or IfAbsent"
            )
        if self.knob is None and self.type is ValueType.STRING and not self.choices:
            raise ValueError(
                f"parameter {self.name!r}: apply {self.apply} compares values, and texts have no order; write apply "
                "Always or IfAbsent, or choices from the smallest to the largest"
            )
        return self


class WrittenSettings(Value):
    """All parameters of an injector, and whose fields are meant."""

    engine: Engine
    parameters: Annotated[tuple[WrittenParameter, ...], Field(min_length=1, max_length=16)]


def written_settings(parameters: Iterable[Parameter], engine: Engine) -> WrittenSettings:
    """What an injector has to know of a policy's parameters: of those with `body`. Raises ValueError (pydantic's) where
    none has one."""
    return WrittenSettings(engine=engine, parameters=tuple(_written(each) for each in parameters if each.body))


def _written(parameter: Parameter) -> WrittenParameter:
    body = parameter.body
    assert body is not None  # the caller leaves out those without
    where = None if body.where is None else WrittenCondition(path=body.where.path, value=body.where.value)
    if body.knob is not None:
        return WrittenParameter(name=parameter.name, knob=body.knob, apply=body.apply, where=where)
    paths = tuple(
        WrittenPath(api=each.api, path=each.path, negative_is_unbounded=each.negative_is_unbounded)
        for each in body.paths or ()
    )
    choices = (parameter.choices or ()) if parameter.stops_sooner else ()
    return WrittenParameter(
        name=parameter.name, paths=paths, apply=body.apply, type=TYPES[parameter.type], choices=choices, where=where
    )


def body_refusal(parameters: Iterable[Parameter], engine: Engine) -> Refusal | None:
    """Why the bodies of this engine's requests cannot carry these parameters, or None."""
    parameters = tuple(parameters)
    for each in parameters:
        knob = each.body.knob if each.body else None
        if knob is not None and knob not in KNOBS[engine]:
            return Refusal("UnknownKnob", f"parameter {each.name}: {_unknown(engine, knob)}.")
    try:
        body_settings(written_settings(parameters, engine))
    except ValueError as error:
        return Refusal("FieldWrittenTwice", f"{error}.")
    return None


def unreached_refusal(parameters: Iterable[Parameter], engine: Engine, paths: Iterable[str]) -> Refusal | None:
    """Why requests to these paths would never carry one of the parameters, or None. A path of no API that is known may
    lead to any, by a rewrite. Raises ValueError for parameters that `body_refusal` refuses."""
    paths = tuple(paths)
    apis = {api_of(path) for path in paths}
    if None in apis:
        return None
    for name, setting in body_settings(written_settings(parameters, engine)).items():
        if not apis & setting.fields.keys():
            endings = " or ".join(f"/v1{ending}" for ending, api in ENDINGS.items() if api in setting.fields)
            return Refusal(
                "FieldNeverReached",
                f"parameter {name}: requests to {' and '.join(paths)} have no field for it at engine {engine}. Write "
                f"{endings} in delivery.paths, or a parameter that these requests have.",
            )
    return None


def body_settings(written: WrittenSettings) -> Mapping[str, BodySetting]:
    """Where each parameter goes. Raises ValueError for a knob that the engine does not have, for equal names, and for a
    field that two parameters write."""
    found: dict[str, BodySetting] = {}
    for parameter in written.parameters:
        if parameter.name in found:
            raise ValueError(f"parameter {parameter.name!r} is there twice; write it once")
        found[parameter.name] = _setting(written.engine, parameter)
    _refuse_overlaps(found)
    return found


def _setting(engine: Engine, parameter: WrittenParameter) -> BodySetting:
    where = None if parameter.where is None else (tuple(parameter.where.path.split(".")), parameter.where.value)
    if parameter.knob is None:
        fields: dict[Api, tuple[body_knobs.Field, ...]] = {}
        for each in parameter.paths:
            own = body_knobs.Field(tuple(each.path.split(".")), unbounded_below_zero=each.negative_is_unbounded)
            fields[each.api] = (*fields.get(each.api, ()), own)
        return BodySetting(parameter.type, parameter.apply or Apply.ALWAYS, fields, parameter.choices, where=where)
    known = KNOBS[engine].get(parameter.knob)
    if known is None:
        raise ValueError(_unknown(engine, parameter.knob))
    return known.adjusted(parameter.apply, where)


def _unknown(engine: Engine, knob: Knob) -> str:
    has = ", ".join(KNOBS[engine])
    return f"{engine} has no field for {knob}; write one of {has}, or `paths` with the fields of your own"


def _refuse_overlaps(settings: Mapping[str, BodySetting]) -> None:
    """Raises ValueError where one parameter would write what another writes, or a part of it, into one body."""
    places = [
        (name, api, field.path)
        for name, setting in settings.items()
        for api, fields in setting.fields.items()
        for field in fields
    ]
    for index, (name, api, path) in enumerate(places):
        for other, other_api, other_path in places[:index]:
            if api is not other_api or _never_meet(settings[name], settings[other]):
                continue
            shorter = min(len(path), len(other_path))
            if path[:shorter] == other_path[:shorter]:
                raise ValueError(
                    f"parameters {other} and {name} both write {'.'.join(path[:shorter])} of {api}; write each field "
                    "by one parameter"
                    if name != other
                    else f"parameter {name} writes {'.'.join(path[:shorter])} of {api} twice; write each field once"
                )


def _never_meet(one: BodySetting, other: BodySetting) -> bool:
    """Whether no body gets both: they ask for different words at one place."""
    if one.where is None or other.where is None:
        return False
    return one.where[0] == other.where[0] and one.where[1] != other.where[1]
