"""Which parameters of a policy go where in the bodies: what a user of the injector writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from earlystop.injector import knobs
from earlystop.injector.knobs import Api, Apply, BodySetting, Engine, Knob, ValueType


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class WrittenPath(_Written):
    """A field of one API: keys from the body's root, joined by dots."""

    api: Api
    path: Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+){0,7}$")]


class WrittenParameter(_Written):
    """A parameter by its name in the policy. Either `knob`, whose fields are known for each engine, or `paths`.

    apply: when its value is written over the client's, None for what the knob does, or Always. type: how the header's
    text becomes JSON, for `paths` only.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    knob: Knob | None = None
    paths: tuple[WrittenPath, ...] = ()
    apply: Apply | None = None
    type: ValueType = ValueType.INTEGER

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.knob is None) == (not self.paths):
            raise ValueError(f"parameter {self.name!r} needs either `knob` or `paths`; write one of them")
        return self


class WrittenSettings(_Written):
    """What is written in a file for `--parameters`."""

    engine: Engine
    parameters: Annotated[tuple[WrittenParameter, ...], Field(min_length=1, max_length=16)]


def body_settings(written: WrittenSettings) -> Mapping[str, BodySetting]:
    """Where each parameter goes. Raises ValueError for a knob that the engine does not have, and for equal names."""
    found: dict[str, BodySetting] = {}
    for parameter in written.parameters:
        if parameter.name in found:
            raise ValueError(f"parameter {parameter.name!r} is there twice; write it once")
        found[parameter.name] = _setting(written.engine, parameter)
    return found


def read_file(path: Path) -> WrittenSettings:
    """The settings of a YAML file. Raises ValueError that says what to write instead, and OSError."""
    try:
        return WrittenSettings.model_validate(yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {_told(error)}") from None


def read_text(text: str) -> WrittenSettings:
    """The settings of a JSON text, as the operator writes them. Raises ValueError that says what is wrong."""
    try:
        return WrittenSettings.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(_told(error)) from None


def read_words(engine: Engine, words: Iterable[str]) -> WrittenSettings:
    """The settings of `NAME=KNOB` words. Raises ValueError that says what to write instead."""
    parameters = []
    for word in words:
        name, mark, knob = word.partition("=")
        if not mark:
            raise ValueError(f"{word!r} is no NAME=KNOB, as in budget=ThinkingBudget")
        parameters.append({"name": name, "knob": knob})
    try:
        return WrittenSettings.model_validate({"engine": engine, "parameters": parameters})
    except ValidationError as error:
        raise ValueError(_told(error)) from None


def _setting(engine: Engine, parameter: WrittenParameter) -> BodySetting:
    if parameter.knob is None:
        fields: dict[Api, tuple[knobs.Field, ...]] = {}
        for each in parameter.paths:
            fields[each.api] = (*fields.get(each.api, ()), knobs.Field(tuple(each.path.split("."))))
        return BodySetting(parameter.type, parameter.apply or Apply.ALWAYS, fields)
    known = knobs.KNOBS[engine].get(parameter.knob)
    if known is None:
        has = ", ".join(knobs.KNOBS[engine])
        raise ValueError(
            f"{engine} has no field for {parameter.knob}; write one of {has}, or `paths` with the fields of your own"
        )
    return BodySetting(known.type, parameter.apply or known.apply, known.fields)


def _told(error: ValidationError | yaml.YAMLError) -> str:
    if isinstance(error, yaml.YAMLError):
        return f"it is no YAML: {error}"
    problems = (
        f"{'.'.join(str(part) for part in each['loc']) or 'it'}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    )
    return "; ".join(problems)
