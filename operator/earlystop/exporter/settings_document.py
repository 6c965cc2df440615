"""The JSON document that the operator writes for servers that read their settings themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api import wire
from earlystop.exporter.assignment import MAX_VARIANTS, WORD, is_policy, is_variant

KIND = "Settings"
BY_REQUEST, BY_USER = "Request", "User"
DRAWN_BY: tuple[str, ...] = (BY_REQUEST, BY_USER)
"""What is hashed to a variant: each request for itself, or its user, who then keeps a variant."""
MAX_BYTES = 262_144
"""Of a document; one of 16 variants with 16 parameters each has less than a tenth of it."""

_STEPS = range(10_000)
_PARAMETER = re.compile(r"[A-Za-z0-9._-]{1,63}")


@dataclass(frozen=True, slots=True)
class VariantSettings:
    """A variant, its percent of requests or users (0..100), and the value of each parameter."""

    name: str
    weight: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingsDocument:
    """What a server serves by.

    policy: namespace/name, and uid its UID. revision, step: what its requests are counted under. token: the campaign's
    secret, "" for one without; no repr holds it. drawn_by: one of `DRAWN_BY`.
    variants: the baseline first; their weights sum to 100.
    """

    policy: str
    uid: str
    revision: str
    step: int
    variants: tuple[VariantSettings, ...]
    drawn_by: str = BY_REQUEST
    token: str = field(default="", repr=False)

    @property
    def weights(self) -> tuple[tuple[str, int], ...]:
        """Every variant with its weight."""
        return tuple((each.name, each.weight) for each in self.variants)

    def values_of(self, variant: str) -> Mapping[str, str]:
        """The settings of a variant. Raises KeyError for one that the document does not have."""
        return {each.name: each.values for each in self.variants}[variant]


def written(document: SettingsDocument) -> str:
    """The document as text: the same for equal documents."""
    variants = [
        {"name": each.name, "weight": each.weight, "values": dict(sorted(each.values.items()))}
        for each in document.variants
    ]
    content = {
        "apiVersion": wire.API_VERSION,
        "kind": KIND,
        "policy": document.policy,
        "uid": document.uid,
        "revision": document.revision,
        "step": document.step,
        "token": document.token,
        "drawnBy": document.drawn_by,
        "variants": variants,
    }
    return json.dumps(content, indent=1) + "\n"


def read_document(data: bytes | str) -> SettingsDocument:
    """The document in a file. Raises ValueError with a sentence for anything else, half a document among it."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes, and no document of the operator has")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({type(error).__name__})") from None
    if not isinstance(found, dict) or found.get("apiVersion") != wire.API_VERSION or found.get("kind") != KIND:
        raise ValueError(f"it is no {KIND} of {wire.API_VERSION}, which the operator writes")
    document = SettingsDocument(
        policy=_text(found, "policy"),
        uid=_text(found, "uid"),
        revision=_text(found, "revision"),
        step=_whole(found, "step"),
        variants=_variants(found.get("variants")),
        drawn_by=_text(found, "drawnBy"),
        token=_text(found, "token"),
    )
    _check(document)
    return document


def _check(document: SettingsDocument) -> None:
    if not is_policy(document.policy):
        raise ValueError("its policy is no namespace/name")
    if not WORD.fullmatch(document.revision) or document.revision == wire.UNASSIGNED or document.step not in _STEPS:
        raise ValueError("its revision or step can be no label")
    if document.drawn_by not in DRAWN_BY:
        raise ValueError(f"its drawnBy is none of {', '.join(DRAWN_BY)}")
    if not wire.is_genuine(document.policy, document.revision, document.token):
        raise ValueError("its token is not the one that its revision commits to")


def _variants(found: Any) -> tuple[VariantSettings, ...]:
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_VARIANTS:
        raise ValueError(f"it has no list of 1 to {MAX_VARIANTS} variants")
    variants = tuple(map(_variant, found))
    names = [each.name for each in variants]
    if len(set(names)) != len(names) or names[0] != wire.BASELINE:
        raise ValueError("its variants are not the baseline and others, each once")
    if sum(each.weight for each in variants) != 100:
        raise ValueError("the weights of its variants do not sum to 100")
    return variants


def _variant(found: Any) -> VariantSettings:
    if not isinstance(found, dict):
        raise ValueError("one of its variants is no object")
    name, weight = _text(found, "name"), _whole(found, "weight")
    if not is_variant(name) or not 0 <= weight <= 100:
        raise ValueError("one of its variants has a name that can be no label, or a weight out of 0..100")
    return VariantSettings(name, weight, values_in(found))


def values_in(found: Mapping[str, Any]) -> dict[str, str]:
    """The values by parameter that an object holds. Raises ValueError where they are none."""
    values = found.get("values")
    if not isinstance(values, dict) or not all(
        _PARAMETER.fullmatch(name) and isinstance(value, str) for name, value in values.items()
    ):
        raise ValueError("the values of one of its variants are no texts by parameter")
    return values


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    return value


def _whole(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if type(value) is not int:
        raise ValueError(f"its {name} is no whole number")
    return value
