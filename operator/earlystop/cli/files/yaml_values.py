"""YAML as kubectl reads it, so that what is checked offline is what would be applied.

The library follows YAML 1.1, in which `2026-01-01` is a date, `1:30` is 90 and `1e-3` is text; to kubectl the first two
are text and the third is a number, and a plain `y` is true. What is no value of JSON is in no manifest. Seven or more
hexadecimal digits that the library writes without quotes stay text, unlike at kubectl: they may be a digest, as
`12345e6789` or `0891234567`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PREFIX = "tag:yaml.org,2002:"
INTEGER, FLOAT, BOOLEAN = (f"{PREFIX}{name}" for name in ("int", "float", "bool"))
_NO_DIGEST = r"(?![0-9a-fA-F]{7,}\Z)"
NUMBERS = {
    INTEGER: re.compile(
        r"[-+]?(?:0[bB]_*[01][01_]*|0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[oO]_*[0-7][0-7_]*|0[0-7_]*|[1-9][0-9_]*)\Z"
    ),
    FLOAT: re.compile(
        r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
        rf"|{_NO_DIGEST}[-+]?[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
"""Text that is a number, by its tag, the first that fits. No number has colons; one with an 8 or a 9 behind a zero, as
`08`, is a decimal."""
TEXTS = (f"{PREFIX}timestamp", f"{PREFIX}value")
"""Tags of plain text that is no more than that to kubectl: a date, and an equals sign."""
ONE_LETTER = {"y": True, "n": False}
NO_JSON = ("binary", "omap", "pairs", "set", "timestamp")
"""Tags of YAML for what JSON cannot hold."""
_LETTERS = re.compile(r"[yYnN]\Z")
_EXPONENT = re.compile(r"[0-9]+(?:[eE][0-9]+)?\Z")


class ManifestLoader(SAFE_LOADER):  # type: ignore[misc]  # of one of two classes
    """Loads a manifest. Raises YAMLError."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - read by the library, by the first letter of a text
        first: [row for row in known if row[0] not in (*NUMBERS, *TEXTS)]
        for first, known in SAFE_LOADER.yaml_implicit_resolvers.items()
    }


class ManifestDumper(yaml.SafeDumper):
    """Writes a manifest. Text that either the library or kubectl would take for something else has quotes."""


def _refuse(_: yaml.Loader, node: yaml.Node) -> None:
    name = node.tag.removeprefix(PREFIX)
    raise yaml.MarkedYAMLError(
        problem=f"!!{name} is in no manifest; write text, in quotes", problem_mark=node.start_mark
    )


def _integer(loader: yaml.Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return int(re.sub(r"^([-+]?)0(?=[0-7])", r"\g<1>0o", text), 0)
    except ValueError:
        raise yaml.MarkedYAMLError(problem=f"{text[:40]!r} is no whole number", problem_mark=node.start_mark) from None


def _float(loader: yaml.Loader, node: yaml.ScalarNode) -> float | str:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        found = float(text)
    except ValueError:  # as .inf, which is written so in YAML alone
        raise yaml.MarkedYAMLError(
            problem=f"{text[:40]} is no number of JSON; write text in quotes", problem_mark=node.start_mark
        ) from None
    return found if math.isfinite(found) else text  # too large for a number


def _boolean(loader: yaml.Loader, node: yaml.ScalarNode) -> Any:
    letter = ONE_LETTER.get(str(node.value).lower())
    return loader.construct_yaml_bool(node) if letter is None else letter


for _name in NO_JSON:
    ManifestLoader.add_constructor(f"{PREFIX}{_name}", _refuse)
for _tag, _pattern in NUMBERS.items():
    ManifestLoader.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))
    ManifestDumper.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))
ManifestDumper.add_implicit_resolver(FLOAT, _EXPONENT, list("0123456789"))  # also what may be a digest
for _of in (ManifestLoader, ManifestDumper):
    _of.add_implicit_resolver(BOOLEAN, _LETTERS, list("yYnN"))
for _tag, _read in ((INTEGER, _integer), (FLOAT, _float), (BOOLEAN, _boolean)):
    ManifestLoader.add_constructor(_tag, _read)


def as_yaml(manifest: Mapping[str, Any]) -> str:
    """A manifest as YAML, its fields in the order in which they are."""
    return yaml.dump(manifest, Dumper=ManifestDumper, sort_keys=False)
