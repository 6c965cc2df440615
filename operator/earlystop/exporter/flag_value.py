"""What the value of a flag says when a flag holds the settings: one value for each variant, complete in itself, since a
server sees no other part of a flag."""

from __future__ import annotations

from collections.abc import Mapping
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
        return {
            "apiVersion": wire.API_VERSION,
            "kind": KIND,
            "policy": self.policy,
            "uid": self.uid,
            "revision": self.revision,
            "step": self.step,
            "digest": self.digest,
            "token": self.token,
            "drawnBy": self.drawn_by,
            "place": self.place,
            "weight": self.weight,
            "variant": self.variant,
            "values": dict(self.values),
        }


def flag_values(document: SettingsDocument) -> list[FlagValue]:
    """The values of all variants, in their order."""
    return [
        FlagValue(
            policy=document.policy,
            uid=document.uid,
            revision=document.revision,
            step=document.step,
            digest=document.digest,
            drawn_by=document.drawn_by,
            place=place,
            weight=each.weight,
            variant=each.name,
            values=each.values,
            token=document.token,
        )
        for place, each in enumerate(document.variants)
    ]


def read_value(found: object) -> FlagValue:
    """The value that an evaluation gave. Raises ValueError with a sentence for anything else."""
    if not isinstance(found, Mapping) or found.get("apiVersion") != wire.API_VERSION or found.get("kind") != KIND:
        raise ValueError(f"it is no {KIND} of {wire.API_VERSION}, which the operator writes")
    value = FlagValue(
        policy=text_in(found, "policy"),
        uid=text_in(found, "uid"),
        revision=text_in(found, "revision"),
        step=whole_number_in(found, "step"),
        digest=text_in(found, "digest"),
        drawn_by=text_in(found, "drawnBy"),
        place=whole_number_in(found, "place"),
        weight=whole_number_in(found, "weight"),
        variant=text_in(found, "variant"),
        values=values_in(found),
        token=text_in(found, "token"),
    )
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
    document = SettingsDocument(
        policy=first.policy,
        uid=first.uid,
        revision=first.revision,
        step=first.step,
        variants=variants,
        drawn_by=first.drawn_by,
        token=first.token,
        digest=first.digest,
    )
    return checked(document, needs_baseline=not partly)
