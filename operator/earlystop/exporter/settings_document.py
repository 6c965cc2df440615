"""The JSON document that the operator writes for servers that read their settings themselves."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from earlystop.api import wire
from earlystop.api.json_once import read_json
from earlystop.exporter.assignment import MAX_VARIANTS, WORD, is_policy, is_variant

KIND = "Settings"
BY_REQUEST, BY_USER = "Request", "User"
DRAWN_BY: tuple[str, ...] = (BY_REQUEST, BY_USER)
"""What is hashed to a variant: each request for itself, or its user, who then keeps a variant."""
MAX_BYTES = 262_144
"""Of a document; one of 16 variants with 16 parameters each has less than a tenth of it."""

_STEPS = range(10_000)
_DIGEST_CHARACTERS = 12
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
    digest: what tells these settings from any others, the token apart. It is made here where it is "", and read where
    it is written, so that a server of an earlier release reports it although it does not know all that is written.
    """

    policy: str
    uid: str
    revision: str
    step: int
    variants: tuple[VariantSettings, ...]
    drawn_by: str = BY_REQUEST
    token: str = field(default="", repr=False)
    digest: str = ""

    def __post_init__(self) -> None:
        if not self.digest:
            content = json.dumps({**_content(self), "token": "", "digest": ""})
            digest = hashlib.sha256(content.encode()).hexdigest()[:_DIGEST_CHARACTERS]
            object.__setattr__(self, "digest", digest)

    @property
    def weights(self) -> tuple[tuple[str, int], ...]:
        """Every variant with its weight."""
        return tuple((each.name, each.weight) for each in self.variants)

    def values_of(self, variant: str) -> Mapping[str, str]:
        """The settings of a variant. Raises KeyError for one that the document does not have."""
        return {each.name: each.values for each in self.variants}[variant]


def all_on_baseline(document: SettingsDocument) -> SettingsDocument:
    """The same settings with all requests on the baseline."""
    baseline, *candidates = document.variants
    variants = (replace(baseline, weight=100), *(replace(each, weight=0) for each in candidates))
    return replace(document, variants=variants, digest="")


def written(document: SettingsDocument) -> str:
    """The document as text: the same for equal documents."""
    return json.dumps(_content(document), indent=1) + "\n"


def _content(document: SettingsDocument) -> dict[str, Any]:
    variants = [
        {"name": each.name, "weight": each.weight, "values": dict(sorted(each.values.items()))}
        for each in document.variants
    ]
    return {
        "apiVersion": wire.API_VERSION,
        "kind": KIND,
        "policy": document.policy,
        "uid": document.uid,
        "revision": document.revision,
        "step": document.step,
        "token": document.token,
        "drawnBy": document.drawn_by,
        "variants": variants,
        "digest": document.digest,
    }


def read_document(data: bytes | str) -> SettingsDocument:
    """The document in a file. Raises ValueError with a sentence for anything else, half a document among it."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes, and no document of the operator has")
    try:
        found = read_json(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON ({type(error).__name__})") from None
    if not isinstance(found, dict) or found.get("apiVersion") != wire.API_VERSION or found.get("kind") != KIND:
        raise ValueError(f"it is no {KIND} of {wire.API_VERSION}, which the operator writes")
    return checked(
        SettingsDocument(
            policy=text_in(found, "policy"),
            uid=text_in(found, "uid"),
            revision=text_in(found, "revision"),
            step=whole_number_in(found, "step"),
            variants=_variants(found.get("variants")),
            drawn_by=text_in(found, "drawnBy"),
            token=text_in(found, "token"),
            digest=text_in(found, "digest"),
        )
    )


def checked(document: SettingsDocument, *, needs_baseline: bool = True) -> SettingsDocument:
    """The same document. Raises ValueError with a sentence where it can be served by nobody.

    needs_baseline: whether its first variant has to be the baseline.
    """
    if not is_policy(document.policy):
        raise ValueError("its policy is no namespace/name")
    if not WORD.fullmatch(document.revision) or document.revision == wire.UNASSIGNED or document.step not in _STEPS:
        raise ValueError("its revision or step can be no label")
    if not WORD.fullmatch(document.digest):
        raise ValueError("its digest can be no label")
    if document.drawn_by not in DRAWN_BY:
        raise ValueError(f"its drawnBy is none of {', '.join(DRAWN_BY)}")
    if not wire.is_genuine(document.policy, document.revision, document.token):
        raise ValueError("its token is not the one that its revision commits to")
    names = [each.name for each in document.variants]
    if not 1 <= len(names) <= MAX_VARIANTS or len(set(names)) != len(names) or not all(map(is_variant, names)):
        raise ValueError(f"it has no 1 to {MAX_VARIANTS} variants, each once and with a name that can be a label")
    if needs_baseline and names[0] != wire.BASELINE:
        raise ValueError("its first variant is not the baseline")
    weights = [each.weight for each in document.variants]
    if sum(weights) != 100 or min(weights) < 0:
        raise ValueError("the weights of its variants do not lie in 0..100 and sum to 100")
    return document


def _variants(found: Any) -> tuple[VariantSettings, ...]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("its variants are no list of objects")
    return tuple(
        VariantSettings(text_in(each, "name"), whole_number_in(each, "weight"), values_in(each)) for each in found
    )


def values_in(found: Mapping[str, Any]) -> dict[str, str]:
    """The values by parameter that an object holds. Raises ValueError where they are none."""
    values = found.get("values")
    if not isinstance(values, Mapping) or not all(
        isinstance(name, str) and _PARAMETER.fullmatch(name) and isinstance(value, str)
        for name, value in values.items()
    ):
        raise ValueError("its values are no texts by parameter")
    return dict(values)


def text_in(found: Mapping[str, Any], name: str) -> str:
    """A text of an object. Raises ValueError where there is none."""
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    return value


def whole_number_in(found: Mapping[str, Any], name: str) -> int:
    """A whole number of an object; one with a fraction of 0 is such, as numbers of flags come. Raises ValueError where
    there is none."""
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError(f"its {name} is no whole number")
    return int(value)
