"""What a user of the injector writes: settings in a file, or as words of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import ValidationError

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import WrittenSettings


def read_file(path: Path) -> WrittenSettings:
    """The settings of a YAML file. Raises ValueError that says what to write instead, and OSError."""
    try:
        return WrittenSettings.model_validate(yaml.safe_load(path.read_text()))
    except (ValidationError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {_sentence_of(error)}") from None


def read_text(text: str) -> WrittenSettings:
    """The settings of a JSON text, as the operator writes them. Raises ValueError that says what is wrong."""
    try:
        return WrittenSettings.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(_sentence_of(error)) from None


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
        raise ValueError(_sentence_of(error)) from None


def _sentence_of(error: ValidationError | yaml.YAMLError) -> str:
    if isinstance(error, yaml.YAMLError):
        return f"it is no YAML: {error}"
    problems = (
        f"{'.'.join(str(part) for part in each['loc']) or 'it'}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    )
    return "; ".join(problems)
