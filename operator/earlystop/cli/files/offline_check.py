"""Whether an API server would take a policy, and this release carry it out, without asking either."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from math import isfinite
from typing import Any

from pydantic import ValidationError

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.api.schema import structural_schema
from earlystop.api.unbuilt import refusing
from earlystop.api.values import DECIMAL_PATTERN, SETTING_PATTERN
from earlystop.api.wire import API_VERSION
from earlystop.cli.durations import FORM, seconds_of
from earlystop.cli.failure import sentence
from earlystop.cli.files.crd_rules import Schema, broken_rules, with_defaults
from earlystop.cli.files.forms import what_to_write
from earlystop.cli.files.metadata_check import metadata_problems
from earlystop.cli.files.unknown_fields import field_meant
from earlystop.cli.files.words import closest, nearest, shown
from earlystop.rollout.unsupported import refusal_of_spec
from earlystop.rollout.unsupported_search import search_refusal

PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
LONGEST_HINT = 200
"""Characters of a field's description that a sentence bears; of a longer one it has the first sentence."""
SEARCHED = "search.parameters: "
"""How sentences on a searched parameter begin."""
FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
WANTED = {
    "string_type": "text, in quotes",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "fields, each on a line of its own",
    "model_attributes_type": "fields, each on a line of its own",
}
"""What is wanted where pydantic finds another type."""


class Malformed(ValueError):
    """Fields of a policy are not of the form that they must have. problems: a sentence each, with the field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems[0])
        self.problems = problems


def spec_of(manifest: dict[str, Any]) -> PolicySpec:
    """The spec of a policy's manifest, field by field; rules between fields are not checked. Raises Malformed."""
    if not isinstance(manifest.get("spec"), dict):
        raise Malformed(["spec: write what the policy tries and must prove."])
    written = with_defaults(_schema(), manifest["spec"])
    try:
        return PolicySpec.model_validate_json(
            json.dumps(written, default=str), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise Malformed([_sentence(each) for each in _causes(error)]) from None


def problems_of(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with a policy's manifest, one sentence each with the field that it is about; none when all is well.

    Fields come first: rules between fields that cannot be read would only repeat it.
    """
    try:
        problems, spec = list(_outside_of_spec(manifest)), spec_of(manifest)
    except Malformed as error:
        return [*_outside_of_spec(manifest), *error.problems]
    if problems:
        return problems
    problems = list(dict.fromkeys(broken_rules(_schema(), with_defaults(_schema(), manifest["spec"]), "spec")))
    if problems:
        return _with_values(problems, spec)
    refusal = refusal_of_spec(spec) or _refusal_of_search(spec)
    return [] if refusal is None else [refusal.message]


def _refusal_of_search(spec: PolicySpec) -> Refusal | None:
    if spec.search is None:
        return None
    from earlystop.rollout.next_campaign import refusal_of_search  # all that campaigns are made of

    return refusal_of_search(spec)


def _with_values(problems: list[str], spec: PolicySpec) -> list[str]:
    """The problems, where that of a searched parameter names the value or the numbers that are at fault: a rule of an
    API server has no room to look for them."""
    refusal = search_refusal(spec)
    if refusal is None or not refusal.message.startswith(SEARCHED):
        return problems
    first = next((each for each in problems if each.startswith(f"spec: {SEARCHED}")), None)
    return [f"spec: {refusal.message}" if each == first else each for each in problems]


@cache
def _schema() -> Schema:
    """The schema of `spec`, as it stands in the CustomResourceDefinition."""
    return refusing(structural_schema(PolicySpec))


def _outside_of_spec(manifest: dict[str, Any]) -> Iterator[str]:
    if manifest.get("apiVersion") != API_VERSION:
        yield f"apiVersion: {manifest.get('apiVersion')} is not known; write {API_VERSION}."
    for field in manifest.keys() - set(FIELDS):
        yield f"{field}: there is no such field{nearest(str(field), FIELDS)}."
    yield from metadata_problems(manifest)


def _causes(error: ValidationError) -> list[Any]:
    """The errors without those of lists that lack just the items that are wrong themselves."""
    found = error.errors()
    places = [each["loc"] for each in found]
    return [
        each
        for each in found
        if each["type"] != "too_short" or not any(_is_below(place, each["loc"]) for place in places)
    ]


def _is_below(place: tuple[Any, ...], above: tuple[Any, ...]) -> bool:
    return len(place) > len(above) and place[: len(above)] == above


def _sentence(error: Any) -> str:
    """What is wrong with one field, and what to write. error: an entry of `ValidationError.errors()`."""
    where = "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    given = error.get("input")
    match error["type"]:
        case "string_type" if isinstance(given, float) and not isfinite(given):
            return f'{where}: {shown(given)} is no decimal; write one, as in "0.02".'
        case "string_type" if isinstance(given, int | float) and not isinstance(given, bool):
            return f'{where}: numbers are written as text here; write "{given}", with the quotes.'
        case "int_type" if isinstance(given, str) and given.strip().isdecimal():
            return f"{where}: write {given.strip()}, without quotes."
        case "int_type" if "econds" in str(error["loc"][-1]) and isinstance(given, str) and FORM.fullmatch(given):
            return f"{where}: {shown(given)} is no number of seconds; write {seconds_of(given):.0f}."
        case "extra_forbidden":
            above, name = _schema_at(error["loc"][:-1]), str(error["loc"][-1])
            if name == "true" and "on" in above.get("properties", {}):
                return f'{where.removesuffix("true")}on: YAML reads a bare on as true; write "on", with the quotes.'
            return f"{where}: there is no such field{field_meant(name, above, _schema())}."
        case "missing":
            return f"{where}: this field is needed{_what_belongs(error['loc'])}."
        case "string_pattern_mismatch" if error["ctx"]["pattern"] == DECIMAL_PATTERN:
            return f"{where}: {shown(given)} is no decimal; write {_decimal(given)}."
        case "string_pattern_mismatch" if error["ctx"]["pattern"] == SETTING_PATTERN:
            return f'{where}: {shown(given)} is no decimal and no word; write one, as in "0.02" or "low".'
        case "string_pattern_mismatch":
            is_parameter = error["loc"][-3:-2] == ("values",) and error["loc"][-1] == "name"
            meant = "the name of a parameter" if is_parameter else what_to_write(error["ctx"]["pattern"], str(given))
            return f"{where}: {shown(given)} does not match; write {meant}."
        case "literal_error" | "enum":
            return f"{where}: {shown(given)} is not known; {_offered(error)}."
        case "greater_than_equal":
            return f"{where}: {given} is too small; write {error['ctx']['ge']} or more."
        case "less_than_equal":
            return f"{where}: {given} is too large; write {error['ctx']['le']} or less."
        case "string_too_short" | "string_too_long" | "too_short" | "too_long":
            return f"{where}: {_length(error)}{_what_belongs(error['loc']) if error['type'] == 'too_short' else ''}."
        case str(kind) if kind in WANTED:
            return f"{where}: {shown(given)} is of the wrong type; write {WANTED[kind]}{_parts(error['loc'], given)}."
    return sentence(f"{where}: {error['msg']}")


def _decimal(given: str) -> str:
    """What to write for a text that is no decimal: of a percentage the same as a decimal."""
    percent = PERCENT.fullmatch(given.strip())
    return f'"{float(percent[1]) / 100:g}"' if percent else 'one, as in "0.02"'


def _offered(error: Any) -> str:
    """The word that was probably meant, or all that a field takes, and what else may stand in place of a knob."""
    known = re.findall("'([^']*)'", error["ctx"]["expected"])
    close = closest(str(error.get("input")), known)
    offered = f"perhaps {close} is meant" if close else f"write {error['ctx']['expected']}"
    if error["loc"][-1] != "knob" or close:
        return offered
    return f"{offered}; for a field's name write paths: [{{api: ChatCompletions, path: NAME}}]"


def _what_belongs(place: tuple[Any, ...]) -> str:
    """What a field that is missing holds, as the end of a sentence: its words, or what its schema says of it."""
    field = _schema_at(place)
    if "enum" in field:
        return f"; write one of {', '.join(map(str, field['enum']))}"
    description = str(field.get("description", ""))
    description = (description if len(description) <= LONGEST_HINT else description.split(". ")[0]).removesuffix(".")
    return f": {description}" if description else ""


def _length(error: Any) -> str:
    """What is wrong with the length of a text or a list."""
    limits, is_text = error["ctx"], error["type"].startswith("string_")
    least, most = limits.get("min_length"), limits.get("max_length")
    number, noun = least if most is None else most, "character" if is_text else "item"
    amount = f"{number} {noun}" if number == 1 else f"{number} {noun}s"
    what = f"{shown(error.get('input'))} is" if is_text else "the list is"
    return f"{what} too {'short' if most is None else 'long'}; write {amount} or {'more' if most is None else 'fewer'}"


def _parts(place: tuple[Any, ...], given: Any) -> str:
    """What fields belong to an object, or to the items of a list, that was written as something else: the end of a
    sentence. given: as it was written, which is shown as the one field that is needed."""
    schema = _schema_at(place)
    if not schema.get("properties"):
        inner = list(schema.get("items", {}).get("properties", {}))
        return f", each item with {' and '.join(inner) if len(inner) < 3 else ', '.join(inner)}" if inner else ""
    known, needed = list(schema["properties"]), schema.get("required", [])
    one = needed if len(needed) == 1 else known if len(known) == 1 else []
    is_meant = one and not isinstance(given, dict | list) and "enum" not in schema["properties"][one[0]]
    as_field = f", as {{{one[0]}: {given}}}" if is_meant else ""
    return f": {', '.join(known)}{as_field}"


def _schema_at(place: tuple[Any, ...]) -> Schema:
    """What may stand at a place of a spec; nothing where there is no such place."""
    schema = _schema()
    for part in place:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    return schema
