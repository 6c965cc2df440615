"""What the value of a flag says when a flag holds the settings: one value for each variant, complete in itself, since a
server sees no other part of a flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api import wire
from earlystop.exporter.settings_document import (
    SettingsDocument,
    VariantSettings,
    checked,
    text_in,
    values_in,
    whole_number_in,
)

KIND = "FlagSettings"
NOBODY = ""
"""The targeting key of a request whose user is not known, where users are drawn."""


@dataclass(frozen=True, slots=True)
class FlagValue:
    """A variant's value. digest: of the settings as a whole. place: among the variants, the baseline's is 0. weight:
    percent of requests or users, which only whoever reads all values needs. Other fields: as in `SettingsDocument`."""

    policy: str
    uid: str
    revision: str
    step: int
    digest: str
    drawn_by: str
    place: int
    weight: int
    variant: str
    values: Mapping[str, str]
    token: str = field(default="", repr=False)

    def as_json(self) -> dict[str, Any]:
        """The value as a flag holds it."""
        fields = {key: getattr(self, name) for key, (name, _) in _FIELDS.items()}
        return {"apiVersion": wire.API_VERSION, "kind": KIND, **fields, "values": dict(self.values)}


_OF_ALL: dict[str, tuple[str, Callable[[Mapping[str, Any], str], Any]]] = {
    "policy": ("policy", text_in),
    "uid": ("uid", text_in),
    "revision": ("revision", text_in),
    "step": ("step", whole_number_in),
    "digest": ("digest", text_in),
    "token": ("token", text_in),
    "drawnBy": ("drawn_by", text_in),
}
"""By the key in a flag: the field's name here and in `SettingsDocument`, and what reads it. Equal in all values."""
_FIELDS = _OF_ALL | {
    "place": ("place", whole_number_in),
    "weight": ("weight", whole_number_in),
    "variant": ("variant", text_in),
}
"""The same with what each value has of its own, but for the settings themselves."""


def flag_values(document: SettingsDocument) -> list[FlagValue]:
    """The values of all variants, in their order."""
    common: dict[str, Any] = {name: getattr(document, name) for name, _ in _OF_ALL.values()}
    return [
        FlagValue(**common, place=place, weight=each.weight, variant=each.name, values=each.values)
        for place, each in enumerate(document.variants)
    ]


def read_value(found: object) -> FlagValue:
    """The value that an evaluation gave. Raises ValueError with a sentence for anything else."""
    if not isinstance(found, Mapping) or found.get("apiVersion") != wire.API_VERSION or found.get("kind") != KIND:
        raise ValueError(f"it is no {KIND} of {wire.API_VERSION}, which the operator writes")
    fields: dict[str, Any] = {name: read(found, key) for key, (name, read) in _FIELDS.items()}
    value = FlagValue(**fields, values=values_in(found))
    _document((value,), partly=True)
    return value


def document_of(variants: Mapping[str, object]) -> SettingsDocument:
    """The settings that all values of a flag say together. Raises ValueError where they do not fit each other."""
    read = {name: read_value(found) for name, found in variants.items()}
    if any(name != value.variant for name, value in read.items()):
        raise ValueError("its variants are not named as their values say")
    values = sorted(read.values(), key=lambda value: value.place)
    document = _document(tuple(values), partly=False)
    if any(value != each for value, each in zip(flag_values(document), values, strict=True)):
        raise ValueError("its values are not of the same settings")
    return document


def _document(values: tuple[FlagValue, ...], *, partly: bool) -> SettingsDocument:
    """The checked document of these values; partly: of one alone, whose weight need not be all."""
    if not values:
        raise ValueError("it has no variants")
    first = values[0]
    variants = tuple(VariantSettings(each.variant, 100 if partly else each.weight, each.values) for each in values)
    common: dict[str, Any] = {name: getattr(first, name) for name, _ in _OF_ALL.values()}
    document = SettingsDocument(**common, variants=variants)
    return checked(document, needs_baseline=not partly)
