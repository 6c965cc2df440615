"""YAML as kubectl reads it, so that what is checked offline is what would be applied.

The library follows YAML 1.1, in which `2026-01-01` is a date and `1:30` is 90; kubectl takes both for text. What is no
value of JSON is in no manifest. A whole number with an exponent alone, as `1e3`, stays text, unlike at kubectl: by the
library others write a digest like `12345e6789` without quotes.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PREFIX = "tag:yaml.org,2002:"
NUMBERS = {
    f"{PREFIX}int": re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z"),
    f"{PREFIX}float": re.compile(
        r"(?:(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
"""Text that is a number, by its tag, the first that fits: the library's forms but for those with colons."""
TEXTS = (f"{PREFIX}timestamp", f"{PREFIX}value")
"""Tags of plain text that is no more than that to kubectl: a date, and an equals sign."""
NO_JSON = ("binary", "omap", "pairs", "set", "timestamp")
"""Tags of YAML for what JSON cannot hold."""


class ManifestLoader(SAFE_LOADER):  # type: ignore[misc]  # of one of two classes
    """Loads a manifest. Raises YAMLError."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - read by the library, by the first letter of a text
        first: [row for row in known if row[0] not in (*NUMBERS, *TEXTS)]
        for first, known in SAFE_LOADER.yaml_implicit_resolvers.items()
    }


def _refuse(_: yaml.Loader, node: yaml.Node) -> None:
    name = node.tag.removeprefix(PREFIX)
    raise yaml.MarkedYAMLError(
        problem=f"!!{name} is in no manifest; write text, in quotes", problem_mark=node.start_mark
    )


for _name in NO_JSON:
    ManifestLoader.add_constructor(f"{PREFIX}{_name}", _refuse)
for _tag, _pattern in NUMBERS.items():
    ManifestLoader.add_implicit_resolver(_tag, _pattern, list("-+.0123456789"))
