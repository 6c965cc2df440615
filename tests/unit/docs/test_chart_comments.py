"""Whoever writes values for the chart reads above each what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

VALUES = Path(__file__).parents[3] / "charts" / "earlystop" / "values.yaml"
AS_KUBERNETES_HAS_THEM = ("resources", "podSecurityContext", "securityContext", "labels")
"""Values whose fields are those of Kubernetes, or labels: a comment above the whole says it."""
KEY = re.compile(r"^(?P<indent> *)(?P<name>[\w.-]+):(?P<value>.*)$")


def keys_without_comment(text: str) -> Iterator[str]:
    """The values above which no comment stands. A group needs none: its values have theirs."""
    above, whole = "", -1
    for line in text.splitlines():
        found = KEY.match(line)
        if found is not None:
            depth = len(found["indent"])
            whole = -1 if depth <= whole else whole
            is_group = not found["value"].strip() and found["name"] not in AS_KUBERNETES_HAS_THEM
            if whole < 0 and not is_group and not above.lstrip().startswith("#"):
                yield found["name"]
            if whole < 0 and found["name"] in AS_KUBERNETES_HAS_THEM:
                whole = depth
        above = line


def test_every_value_of_the_chart_has_a_comment_of_its_own() -> None:
    text = VALUES.read_text()
    assert len(re.findall(r"^ *#", text, re.MULTILINE)) > 60
    assert list(keys_without_comment(text)) == []


def test_a_value_without_a_comment_is_found() -> None:
    assert list(keys_without_comment("a:\n  # said\n  b: 1\n  c: 2\nresources:\n  requests: 1\nd: 1\n")) == [
        "c",
        "resources",
        "d",
    ]
