"""Field types that the kinds share. Kubernetes objects carry no floats: decimals are strings with a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
# A word begins with a letter, so no word is a decimal, and none has to be quoted in a header.
WORD_PATTERN = r"^[A-Za-z][A-Za-z0-9._+-]{0,31}$"
SETTING_PATTERN = f"^({DECIMAL_PATTERN[1:-1]}|{WORD_PATTERN[1:-1]})$"


def canonical_decimal(text: str) -> str:
    """The shortest spelling of a decimal: "40" for "40.0" and "40.00", which all mean the same value."""
    plain = format(Decimal(text).normalize(), "f")
    return "0" if plain == "-0" else plain


def canonical_setting(text: str) -> str:
    """The only spelling of a parameter's value: a decimal's shortest one, and a word as it is."""
    return canonical_decimal(text) if re.match(DECIMAL_PATTERN, text) else text


def bounded(name: str, length: int) -> str:
    """The name, cut to `length` characters at most, and to end with a letter or digit, as Kubernetes asks of names."""
    return name[:length].rstrip("-.")


# Kept in its shortest spelling, so that an edit from "40" to "40.0" changes nothing.
DecimalText = Annotated[str, Field(max_length=17, pattern=DECIMAL_PATTERN), AfterValidator(canonical_decimal)]
SettingText = Annotated[str, Field(max_length=32, pattern=SETTING_PATTERN), AfterValidator(canonical_setting)]
ChoiceText = Annotated[str, Field(max_length=32, pattern=WORD_PATTERN)]
SettingName = Annotated[str, Field(min_length=1, max_length=32, pattern=NAME_PATTERN)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
NamespaceName = Annotated[str, Field(min_length=1, max_length=63, pattern=NAME_PATTERN)]
Percent = Annotated[int, Field(ge=1, le=99)]
Count = Annotated[int, Field(ge=0)]
Text64 = Annotated[str, Field(max_length=64)]
Text128 = Annotated[str, Field(max_length=128)]
Text1024 = Annotated[str, Field(max_length=1024)]
Text2048 = Annotated[str, Field(max_length=2048)]
Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
TimeText = Annotated[str, Field(max_length=32)]
"""A moment within packed text, of which no schema says that it is one."""


class Value(BaseModel):
    """A frozen part of a kind: camelCase on the wire, unknown fields refused."""

    # Built where it is first used: a command that shows its help, or a policy alone, builds none of the other kinds.
    # And what checks a whole kind checks its parts as well, so most are never built: those of all would take 2 MiB.
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True
    )

    def wire(self) -> dict[str, Any]:
        """The JSON form, camelCase, without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


# Equal to itself alone, so that it can be hashed, as a field that may be absent needs.
@dataclass(frozen=True, slots=True, eq=False)
class RowOf:
    """Marks a text field whose value must be the name of a row of a table.

    table: the rows by name. It is read whenever a value is checked, so a row that is added later is allowed, too. The
    generated schema lists the rows. what: what the rows are, in words for people. offered: names that the message for
    another value offers; without it, all rows. impossible: why there can be no row of some names. A value that names no
    row is a ValidationError of pydantic's.
    """

    table: Mapping[str, object]
    what: str
    offered: Callable[[], Iterable[str]] | None = None
    impossible: Mapping[str, str] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"enum": list(self.table), "type": "string"}

    def _listed(self, name: str) -> str:
        if name in self.impossible:
            raise PydanticCustomError("no_row", "{why}", {"why": self.impossible[name]})
        if name not in self.table:
            known = self.table if self.offered is None else self.offered()
            raise PydanticCustomError(
                "no_row",
                "{name} is no {what}; write one of {known}",
                {"name": repr(name), "what": self.what, "known": ", ".join(known)},
            )
        return name


def rules(*validations: dict[str, str]) -> ConfigDict:
    """Model configuration that attaches CEL rules to the generated schema."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": cast(Any, list(validations))})


def between(field: str, low: str, high: str, example: str, *, closed_low: bool = False) -> dict[str, str]:
    """A rule that a decimal `field` lies between two others, and the message that says so, with an example."""
    lower = ">=" if closed_low else ">"
    return {
        "rule": f"!has(self.{field}) || (double(self.{field}) {lower} {low} && double(self.{field}) < {high})",
        "messageExpression": f"'{field} ' + self.{field} + ' must lie between {low} and {high}, "
        f'for example "{example}"\'',
    }
